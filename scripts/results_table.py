"""Write the result tables of the READMEs from their JSON files; with ``--check`` only compare.

    python scripts/results_table.py [--check]

A table stands between ``<!-- results: PATH -->`` and ``<!-- end of results -->``; PATH is that of
a ``results.json`` (``asr evaluate``), relative to the README. In place of ``results`` stands
``decoding`` for a ``decoding.json`` (``recipes/an4/decoding.py``), ``perplexity`` and ``samples``
for what ``recipes/kjv/study.py`` writes, ``own-recordings`` and ``learnt`` for what the studies of
``recipes/your_data`` and ``recipes/librispeech`` do, ``seeds`` for a folder of runs that differ in
their seed (``scripts/record_run.py``), ``hidden-size`` and ``parameters`` for the runs of
``recipes/cells`` that are equal in that, ``cost`` for a folder of projections
(``scripts/project_cost.py``), ``recipes`` for the table of all recipes of a folder
(``recipes_table.py``). What is not there yet is not measured yet, and the table says so.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recipes_table import duration, network, recipes_table

from asr.config import CELLS, EncoderConfig, load_config
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.report.interval import Interval
from asr.report.results import counts_from_values, score_from_values

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
            names = [row["words"], ORDERS[row["order"]] + ", then GRU" * row["rescored"]]
        short = [_short(row[part]) for part in ("dev", "test", "unseen_texts")]
        less = f"{100 * (1 - row['test']['rate'] / base):.0f} %"
        cells = [*names, short[0], short[1], "" if row["search"] == "greedy" else less, short[2]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def perplexity_table(values: dict[str, Any]) -> str:
    """A Markdown table of language models."""
    tokens = {part: values["rows"][0][part]["tokens"] for part in ("dev", "test")}
    rows = [
        f"| model | dev, {tokens['dev']} words | test, {tokens['test']} words "
        "| test, a character | minutes |",
        "|---|---|---|---|---|",
    ]
    for row in values["rows"]:
        cells = [
            row["model"],
            *(f"{row[part]['perplexity']:.1f}" for part in ("dev", "test")),
            f"{row['test']['per_character']:.3f}",
            f"{row['minutes']:.2g}" if row["minutes"] < 1 else f"{row['minutes']:.0f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def samples_list(values: dict[str, Any]) -> str:
    """Generated texts as Markdown quotations."""
    parts = []
    for temperature, texts in values["samples"].items():
        parts.append(f"Temperature {temperature}:\n")
        parts += [f"> {text}\n>" for text in texts[:-1]]
        parts.append(f"> {texts[-1]}\n")
    return "\n".join(parts)


def _short(values: dict[str, Any]) -> str:
    counts = counts_from_values(values)
    return f"{100 * counts.rate:.2f} % [{counts.errors} / {counts.reference}]"


def own_recordings_table(values: dict[str, Any]) -> str:
    """A Markdown table of models on own recordings, and what may be said of their differences."""
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
        low, high = 100 * item["low"], 100 * item["high"]
        p = "" if item["p"] is None else f", matched pairs p = {item['p']:.2g}"
        rows.append(
            f"- {item['second']} against {item['first']}: {100 * item['rate']:+.2f} points, "
            f"{low:+.2f} to {high:+.2f} in 95 % of cases, over {item['groups']} {item['over']}{p}: "
            f"{item['verdict']}."
        )
    return "\n".join(rows) + "\n"


def seeds_table(runs: list[dict[str, Any]]) -> str:
    """A Markdown table of runs that differ in their seed, and their mean."""
    runs = sorted(runs, key=lambda run: run["seed"])
    columns = {"dev": [run["dev"] for run in runs], "test": [run["test"] for run in runs]}
    for name in runs[0]:
        if name.startswith("test_"):
            columns[f"test, {name.removeprefix('test_')}"] = [run[name] for run in runs]
    unseen = [run["test"]["unseen_texts"] for run in runs]
    if unseen[0] is not None:
        columns[f"test, {unseen[0]['ser']['reference']} unseen texts"] = unseen
    rows = [
        f"| seed | {' | '.join(columns)} | training | recognition |",
        f"|---|{'---|' * len(columns)}---|---|",
    ]
    for place, run in enumerate(runs):
        short = [_short(scores[place]["wer"]) for scores in columns.values()]
        cost = [
            f"{run['minutes']:.0f} min on {run['hardware']}",
            f"{run['times_real_time']:.0f} times real time",
        ]
        rows.append(f"| {' | '.join([str(run['seed']), *short, *cost])} |")
    means = [mean_rate(scores) for scores in columns.values()]
    rows.append(f"| mean ± standard deviation | {' | '.join(means)} | | |")
    return "\n".join(rows) + "\n"


def cost_table(projections: list[dict[str, Any]]) -> str:
    """A Markdown table of what trainings would cost, with the arithmetic."""
    rows = [
        "| configuration | network | parameters | measured speed of training | training speech "
        "| projected | one GPU, estimated |",
        "|---|---|---|---|---|---|---|",
    ]
    for cost in projections:
        estimate = cost["estimate"]
        measured = Path(cost["manifest"]["path"]).parent.name
        gpu = "measured"
        if estimate is not None:
            billions = cost["operations"] / 1e9
            rate = estimate["operations_per_second"] / 1e12
            gpu = (
                f"{duration(estimate['hours'])}: {billions:.2f} · 10⁹ operations a second of "
                f"speech, at an assumed {rate:g} · 10¹² a second"
            )
        cells = [
            f"[`{cost['config']}`]({cost['config']})",
            network(EncoderConfig(**cost["encoder"])),
            f"{cost['parameters'] / 1e6:.1f} M",
            f"{cost['times_real_time']:.1f} times real time on {cost['hardware']}, "
            f"threads: {cost['threads']} ({cost['minutes']:.1f} min of {measured} in "
            f"{cost['seconds_per_epoch']:.1f} s)",
            f"{cost['hours']:g} h × {cost['epochs']} epochs",
            duration(cost["projected_hours"]),
            gpu,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def learnt_table(values: dict[str, Any]) -> str:
    """A Markdown table of what was learnt by heart, by each way to decode it."""
    rows = ["| decoding | WER | CER, spaces counted |", "|---|---|---|"]
    for name, score in values["scores"].items():
        counts = [counts_from_values(score[rate]) for rate in ("wer", "cer")]
        rows.append(f"| {name} | {counts[0]} | {counts[1]} |")
    training = values["training"]
    return "\n".join(rows) + (
        f"\n\n{training['epochs']} epochs of {values['minutes']:.1f} min of speech, "
        f"{training['parameters'] / 1e6:.2f} M parameters, {training['minutes']:.0f} min on "
        f"{training['hardware']}: {training['times_real_time']:.0f} times real time.\n"
    )


def mean_rate(scores: list[dict[str, Any]]) -> str:
    """Mean WER of ``scores`` in percent, and its standard deviation."""
    rates = [100 * score["wer"]["rate"] for score in scores]
    mean = f"{statistics.mean(rates):.2f}"
    return f"{mean} ± {statistics.stdev(rates):.2f} %" if len(rates) > 1 else f"{mean} %"


def hidden_size_table(runs: list[dict[str, Any]]) -> str:
    """Runs of the comparison of cells with the hidden size of its configuration."""
    base, runs = compared_cells(runs)
    size = base["config"]["encoder"]["hidden_size"]
    return cells_table([run for run in runs if run["config"]["encoder"]["hidden_size"] == size])


def parameters_table(runs: list[dict[str, Any]]) -> str:
    """Runs of the comparison of cells with as many parameters as that of its configuration."""
    base, runs = compared_cells(runs)
    return cells_table(
        [run for run in runs if abs(run["parameters"] / base["parameters"] - 1) < 0.01]
    )


def compared_cells(runs: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run of ``recipes/cells/config.toml``, and all that clip the gradient as it does."""
    name = load_config(ROOT / "recipes/cells/config.toml").name
    base = next(run for run in runs if run["config"]["name"] == name)
    clip = base["config"]["optimizer"]["gradient_clip"]
    return base, [run for run in runs if run["config"]["optimizer"]["gradient_clip"] == clip]


def cells_table(runs: list[dict[str, Any]]) -> str:
    """A row for each cell and direction, over its seeds."""
    rows = [
        "| cell | directions | hidden size | parameters | seconds an epoch | dev | test "
        "| test, errors of each seed | times real time |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[int, bool], list[dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: run["seed"]):
        encoder = run["config"]["encoder"]
        key = (CELLS.index(encoder["cell"]), encoder["bidirectional"])
        groups.setdefault(key, []).append(run)
    for (cell, bidirectional), group in sorted(groups.items()):
        errors = ", ".join(str(run["test"]["wer"]["errors"]) for run in group)
        row = [
            CELLS[cell].upper(),
            "both" if bidirectional else "one",
            str(group[0]["config"]["encoder"]["hidden_size"]),
            f"{group[0]['parameters'] / 1e6:.2f} M",
            f"{min(run['seconds_per_epoch'] for run in group):.1f}",
            mean_rate([run["dev"] for run in group]),
            mean_rate([run["test"] for run in group]),
            f"{errors} of {group[0]['test']['wer']['reference']}",
            f"{statistics.median(run['times_real_time'] for run in group):.0f}×",
        ]
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows) + "\n"


ORDERS = ("none", "unigram", "bigram", "trigram")
TABLES: dict[str, Callable[[Any], str]] = {
    "results": table,
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
