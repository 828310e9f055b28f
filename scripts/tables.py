"""Write the result tables of the READMEs from their JSON files; with ``--check`` only compare.

    python scripts/results_table.py [--check]

A table stands between ``<!-- results: PATH -->`` and ``<!-- end of results -->``; PATH is that of
a ``results.json`` (``asr evaluate``), relative to the README. In place of ``results`` stands
``conditions`` for a file of ``measure_conditions.py``, ``decoding`` for a ``decoding.json``
(``recipes/an4/decoding.py``), ``perplexity`` and ``samples`` for what ``recipes/kjv/study.py``
writes, ``own-recordings`` and ``learnt`` for what the studies of ``recipes/your_data`` and
``recipes/librispeech`` do, ``seeds`` for a folder of runs that differ in their seed
(``scripts/record_run.py``), ``hidden-size`` and ``parameters`` for the runs of ``recipes/cells``
that are equal in that, ``cost`` for a folder of projections (``scripts/project_cost.py``),
``recipes`` for the table of all recipes of a folder (``recipes_table.py``). What is not there yet
is not measured yet, and the table says so.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions_tables import conditions_table
from decoding_tables import decoding_table, perplexity_table, samples_list
from recipes_table import recipes_table
from run_tables import cost_table, hidden_size_table, parameters_table, seeds_table
from study_tables import learnt_table, own_recordings_table

from asr.errors import AsrError, DataError
from asr.evaluation.interval import Interval
from asr.evaluation.results import score_from_values
from asr.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
READMES = (
    ROOT / "README.md",
    ROOT / "recipes/README.md",
    *sorted(ROOT.glob("recipes/*/README.md")),
)
TABLE = re.compile(r"(<!-- ([a-z-]+): (\S+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if outdated")
    options = parser.parse_args(arguments)
    try:
        for readme in READMES:
            update(readme, options.check)
    except AsrError as error:
        sys.exit(f"error: {error}")


def update(readme: Path, check: bool) -> None:
    """Write the tables of a README, or only ``check`` them.

    Raises:
        DataError: they are outdated, or the README of a recipe does not say what it has to.
    """
    old = readme.read_text(encoding="utf-8")
    new = TABLE.sub(lambda match: _fill(match, readme.parent), old)
    if new != old and check:
        raise DataError(f"the table in {readme} is outdated; run scripts/results_table.py")
    if new != old:
        write_atomically(readme, new)


def _fill(match: re.Match[str], folder: Path) -> str:
    path = folder / match[3]
    if match[2] == "recipes":
        return f"{match[1]}{recipes_table(path)}{match[4]}"
    if not path.exists():
        return f"{match[1]}Not measured yet.\n{match[4]}"
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    values = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return f"{match[1]}{TABLES[match[2]](values if path.is_dir() else values[0])}{match[4]}"


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
    interval = Interval(**values["wer_interval"])
    rows.insert(1, ("95 % interval", str(interval).replace(" in 95 % of cases,", "")))
    if values["unseen_texts"] is not None:
        unseen = score_from_values(values["unseen_texts"])
        rows.insert(2, (f"WER on the {unseen.sentences} texts not trained on", str(unseen.words)))
    training = values["model"]["provenance"]
    rows.append(("training", f"{training['minutes']:.0f} min on {training['hardware']}"))
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


TABLES: dict[str, Callable[[Any], str]] = {
    "results": table,
    "conditions": conditions_table,
    "decoding": decoding_table,
    "perplexity": perplexity_table,
    "samples": samples_list,
    "own-recordings": own_recordings_table,
    "learnt": learnt_table,
    "seeds": seeds_table,
    "cost": cost_table,
    "hidden-size": hidden_size_table,
    "parameters": parameters_table,
}


if __name__ == "__main__":
    main()
