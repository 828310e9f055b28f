"""This module makes the table of the study of fine-tuning (``study.py``)."""

from typing import Any

from asr.evaluation.interval import Interval
from asr.evaluation.results import counts_from_values


def own_recordings(values: dict[str, Any]) -> str:
    """Return a table of models on own recordings, and a list of their differences with verdicts."""
    test, train, dev = (values[name] for name in ("test", "train", "dev"))
    minutes = train["minutes"] + dev["minutes"]
    trained_on = {
        "base": f"{values['others']['minutes']:.1f} min of other speakers",
        "fine-tuned": f"then {minutes:.1f} min of one's own",
        "from scratch": f"{minutes:.1f} min of one's own",
    }
    fresh = values["rows"][0]["unseen_texts"]
    texts = 0 if fresh is None else fresh["ser"]["reference"]
    rows = [
        f"| model | trained on | training | WER, {test['utterances']} held-out utterances "
        f"| 95 % interval | WER, {texts} unseen texts |",
        "|---|---|---|---|---|---|",
    ]
    for row in values["rows"]:
        interval = "none"
        if row["wer_interval"] is not None:
            interval = str(Interval(**row["wer_interval"])).replace(" in 95 % of cases,", "")
        cost = f"{row['epochs']} epochs, {row['minutes']:.0f} min on {row['hardware']}"
        if "expected_minutes" in row:
            cost += f" ({row['expected_minutes']} expected)"
        words = str(counts_from_values(row["wer"]))
        unseen = "" if fresh is None else str(counts_from_values(row["unseen_texts"]["wer"]))
        cells = [row["model"], trained_on[row["model"]], cost, words, interval, unseen]
        rows.append(f"| {' | '.join(cells)} |")
    people = f"{values['speakers']} speakers, {test['minutes']:.1f} min held out"
    known = values["shared"]["others"]["texts"], values["shared"]["own"]["texts"]
    rows.append(
        f"\n{people}. Of the {test['utterances']} texts {known[0]} are among those of the other "
        f"speakers, {known[1]} among those of the own recordings that were trained on.\n"
    )
    for item in values["differences"]:
        extent = f"no interval over {item['groups']} {item['over']}"
        if item["low"] is not None:
            extent = (
                f"{100 * item['low']:+.2f} to {100 * item['high']:+.2f} in 95 % of cases, over "
                f"{item['groups']} {item['over']}"
            )
        p = "" if item["p"] is None else f", matched pairs p = {item['p']:.2g}"
        rows.append(
            f"- {item['second']} against {item['first']}: {100 * item['rate']:+.2f} points, "
            f"{extent}{p}: {item['verdict']}."
        )
    return "\n".join(rows) + "\n"
