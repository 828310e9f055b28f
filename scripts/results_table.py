"""Write the result tables of the READMEs from their JSON files; with ``--check`` only compare.

    python scripts/results_table.py [--check]

A table stands between ``<!-- results: PATH -->`` and ``<!-- end of results -->``; PATH is that of
a ``results.json`` (``asr evaluate``), relative to the README; or likewise with ``decoding`` in
place of ``results`` for a ``decoding.json`` (``recipes/an4/decoding.py``).
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from asr.files import write_atomically
from asr.report.evaluate import counts_from_values, score_from_values

ROOT = Path(__file__).resolve().parent.parent
READMES = (ROOT / "README.md", ROOT / "recipes/an4/README.md")
TABLE = re.compile(r"(<!-- (results|decoding): (.*?) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if outdated")
    options = parser.parse_args(arguments)
    for readme in READMES:
        old = readme.read_text(encoding="utf-8")
        new = TABLE.sub(lambda match, folder=readme.parent: _fill(match, folder), old)
        if new != old and options.check:
            sys.exit(f"error: the table in {readme} is outdated; run scripts/results_table.py")
        if new != old:
            write_atomically(readme, new)


def _fill(match: re.Match[str], folder: Path) -> str:
    values = json.loads((folder / match[3]).read_text(encoding="utf-8"))
    return f"{match[1]}{TABLES[match[2]](values)}{match[4]}"


def table(values: dict[str, Any]) -> str:
    """A Markdown table of one ``results.json``."""
    score = score_from_values(values["score"])
    rows = [
        ("WER", str(score.words)),
        ("CER, spaces counted", str(score.characters)),
        ("CER, spaces stripped", str(score.characters_without_spaces)),
        (
            "utterances with an error",
            f"{100 * score.ser:.2f} % [{score.sentence_errors} / {score.sentences}]",
        ),
    ]
    if values["unseen_texts"] is not None:
        unseen = score_from_values(values["unseen_texts"])
        rows.insert(1, (f"WER on the {unseen.sentences} texts not trained on", str(unseen.words)))
    training = values["model"]["provenance"]
    rows.append(("training", f"{training['minutes']:.0f} min on {training['hardware']}"))
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


def decoding_table(values: dict[str, Any]) -> str:
    """A Markdown table of one ``decoding.json``, each row against greedy search."""
    texts = values["unseen_texts"]
    rows = [
        f"| words | language model | dev | test | less than greedy | test, {texts} unseen texts |",
        "|---|---|---|---|---|---|",
    ]
    base = values["rows"][0]["test"]["rate"]
    for row in values["rows"]:
        if row["search"] == "greedy":
            names = ["greedy search", ""]
        else:
            names = [row["words"], ORDERS[row["order"]]]
        counts = [counts_from_values(row[part]) for part in ("dev", "test", "unseen_texts")]
        short = [f"{100 * c.rate:.2f} % [{c.errors} / {c.reference}]" for c in counts]
        less = f"{100 * (1 - row['test']['rate'] / base):.0f} %"
        cells = [*names, short[0], short[1], "" if row["search"] == "greedy" else less, short[2]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


ORDERS = ("none", "unigram", "bigram", "trigram")
TABLES = {"results": table, "decoding": decoding_table}


if __name__ == "__main__":
    main()
