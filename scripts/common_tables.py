"""This module makes the tables that several READMEs have: an evaluation, seeds, projected costs.

Each function takes the contents of a file of records, or of each file of a folder of them, and
returns a Markdown table. ``tables.py`` finds the function by its name.
"""

from pathlib import Path
from typing import Any

from asr.config import from_mapping
from asr.evaluation.interval import Interval
from asr.evaluation.results import mean_rate, rate_with_counts, score_from_values
from asr.model.config import EncoderConfig


def results(values: dict[str, Any]) -> str:
    """Return a table of one ``results.json`` of ``asr evaluate``."""
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
    if values["wer_interval"] is not None:
        interval = str(Interval(**values["wer_interval"]))
        rows.insert(1, ("95 % interval", interval.replace(" in 95 % of cases,", "")))
    training = values["model"]["provenance"]
    rows.append(("training", f"{training['minutes']:.0f} min on {training['hardware']}"))
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


def seeds(runs: list[dict[str, Any]]) -> str:
    """Return a table of the records of runs that differ in their seed, and of their mean."""
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
        rates = [rate_with_counts(scores[place]["wer"]) for scores in columns.values()]
        cost = [
            f"{run['minutes']:.0f} min on {run['hardware']}",
            f"{run['times_real_time']:.0f} times real time",
        ]
        rows.append(f"| {' | '.join([str(run['seed']), *rates, *cost])} |")
    means = [mean_rate([score["wer"] for score in scores]) for scores in columns.values()]
    rows.append(f"| mean ± standard deviation | {' | '.join(means)} | | |")
    return "\n".join(rows) + "\n"


def cost(projections: list[dict[str, Any]]) -> str:
    """Return a table of the projected costs of trainings, with the arithmetic."""
    rows = [
        "| configuration | network | parameters | measured speed of training | training speech "
        "| projected | one GPU, estimated |",
        "|---|---|---|---|---|---|---|",
    ]
    for values in projections:
        estimate = values["estimate"]
        measured = Path(values["manifest"]["path"]).parent.name
        gpu = "measured"
        if estimate is not None:
            billions = values["operations"] / 1e9
            rate = estimate["operations_per_second"] / 1e12
            gpu = (
                f"{duration(estimate['hours'])}: {billions:.2f} · 10⁹ operations a second of "
                f"speech, at an assumed {rate:g} · 10¹² a second"
            )
        cells = [
            f"[`{values['config']}`]({values['config']})",
            network(from_mapping(EncoderConfig, values["encoder"])),
            f"{values['parameters'] / 1e6:.1f} M",
            f"{values['times_real_time']:.1f} times real time on {values['hardware']}, "
            f"threads: {values['threads']} ({values['minutes']:.1f} min of {measured} in "
            f"{values['seconds_per_epoch']:.1f} s)",
            f"{values['hours']:g} h × {values['epochs']} epochs",
            duration(values["projected_hours"]),
            gpu,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def network(encoder: EncoderConfig) -> str:
    """Return a short description of a network: its layers, their width and their kind.

    >>> network(EncoderConfig(layers=3, hidden_size=256))
    '3 × 256 BiGRU'
    """
    ways = "Bi" if encoder.bidirectional else ""
    return f"{encoder.layers} × {encoder.hidden_size} {ways}{encoder.cell.upper()}"


def duration(hours: float) -> str:
    """Return a time as text, in the largest unit of which there are two or more.

    >>> duration(2.4), duration(0.25), duration(0.01), duration(1e-5)
    ('2 h', '15 min', '36 s', 'under 2 s')
    """
    if hours * 3600 < 2:
        return "under 2 s"
    unit, count = next(
        ((unit, hours * count) for unit, count in (("h", 1), ("min", 60)) if hours * count >= 2),
        ("s", hours * 3600),
    )
    return f"{count:.0f} {unit}"
