"""Tables of training runs, and of what a training would cost."""

import statistics
from pathlib import Path
from typing import Any

from recipes_table import duration, network, short

from asr.config import from_mapping
from asr.model.config import EncoderConfig
from asr.training.config import load_config

ROOT = Path(__file__).resolve().parent.parent
CELLS = ("rnn", "lstm", "gru")
"""The order of rows."""


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
        rates = [short(scores[place]["wer"]) for scores in columns.values()]
        cost = [
            f"{run['minutes']:.0f} min on {run['hardware']}",
            f"{run['times_real_time']:.0f} times real time",
        ]
        rows.append(f"| {' | '.join([str(run['seed']), *rates, *cost])} |")
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
            network(from_mapping(EncoderConfig, cost["encoder"])),
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
