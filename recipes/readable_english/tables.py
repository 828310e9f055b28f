"""This module makes the tables of study.py, which compares a tagger with baselines."""

from typing import Any

NAMES = {
    ".": "full stop", ",": "comma", "?": "question mark", "!": "exclamation mark",
    ";": "semicolon", ":": "colon", "–": "dash",
}  # fmt: skip
CHOSEN = (".", ",", "?")
"""The marks of the table of wrong words."""


def marks(values: dict[str, Any]) -> str:
    """Return a table of each mark and of case on the words of the test as they are."""
    rows = {row["system"]: row for row in values["test"] if row["wrong"] == 0}
    count = next(iter(rows.values()))["words"]
    lines = [f"| in {count} words | | {' | '.join(rows)} |", f"|---|---|{'---|' * len(rows)}"]
    for mark, name in NAMES.items():
        cells = []
        for row in rows.values():
            precision, recall, f1, count = row[mark]
            cells.append(f"{_percent(f1)} ({_percent(precision)}, {_percent(recall)})")
        lines.append(f"| {name} | {count} | {' | '.join(cells)} |")
    cases = " | ".join(_percent(row["case"]) for row in rows.values())
    lines.append(f"| case, right | | {cases} |")
    return "\n".join(lines) + "\n"


def wrong_words(values: dict[str, Any]) -> str:
    """Return a table of the F1 of the marks that matter most, and of case, by the share of wrong
    words."""
    shares = list(dict.fromkeys(row["wrong"] for row in values["test"]))
    head = [f"{name}, {_whole(share)}" for name in (*CHOSEN, "case") for share in shares]
    systems = dict.fromkeys(row["system"] for row in values["test"] if row["wrong"])
    lines = [f"| test | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for system in systems:
        rows = {row["wrong"]: row for row in values["test"] if row["system"] == system}
        cells = [_percent(rows[share][mark][2]) for mark in CHOSEN for share in shares]
        cells += [_percent(rows[share]["case"]) for share in shares]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def subtitles(values: dict[str, Any]) -> str:
    """Return a table of the cues that end with a sentence or a clause."""
    lines = [
        f"| {values['minutes']:.0f} min, {values['words']} words | subtitles | end with a sentence "
        "| with a sentence or clause |",
        "|---|---|---|---|",
    ]
    for row in values["rows"]:
        shares = (f"{_whole(row[name] / row['cues'])} [{row[name]} / {row['cues']}]"
                  for name in ("sentence", "clause"))  # fmt: skip
        lines.append(f"| {row['layout']}, {row['form']} | {row['cues']} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"
