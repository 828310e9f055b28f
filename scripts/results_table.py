"""Write the result tables of the READMEs from ``results.json``; with ``--check`` only compare.

    python scripts/results_table.py [--check]

A table stands between ``<!-- results: PATH -->`` and ``<!-- end of results -->``; PATH is that of
the ``results.json``, relative to the README.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from asr.files import write_atomically
from asr.report.evaluate import score_from_values

ROOT = Path(__file__).resolve().parent.parent
READMES = (ROOT / "README.md", ROOT / "recipes/an4/README.md")
TABLE = re.compile(r"(<!-- results: (.*?) -->\n).*?(<!-- end of results -->)", re.DOTALL)


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
    values = json.loads((folder / match[2]).read_text(encoding="utf-8"))
    return f"{match[1]}{table(values)}{match[3]}"


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


if __name__ == "__main__":
    main()
