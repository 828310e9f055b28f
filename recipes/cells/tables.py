"""This module makes the tables that compare recurrent cells, from the records in ``runs``."""

import statistics
from pathlib import Path
from typing import Any

from asr.evaluation.results import mean_rate
from asr.training.config import load_config

HERE = Path(__file__).parent
CELLS = ("rnn", "lstm", "gru")
"""The order of the rows of a table."""


def hidden_size(runs: list[dict[str, Any]]) -> str:
    """Return the table of the runs that have the hidden size of ``config.toml``."""
    base, runs = compared_cells(runs)
    size = base["config"]["encoder"]["hidden_size"]
    return cells_table([run for run in runs if run["config"]["encoder"]["hidden_size"] == size])


def parameters(runs: list[dict[str, Any]]) -> str:
    """Return the table of the runs with as many parameters as the network of ``config.toml``."""
    base, runs = compared_cells(runs)
    return cells_table(
        [run for run in runs if abs(run["parameters"] / base["parameters"] - 1) < 0.01]
    )


def compared_cells(runs: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the run of ``config.toml``, and all runs that clip the gradient like it."""
    name = load_config(HERE / "config.toml").name
    base = next(run for run in runs if run["config"]["name"] == name)
    clip = base["config"]["optimizer"]["gradient_clip"]
    return base, [run for run in runs if run["config"]["optimizer"]["gradient_clip"] == clip]


def cells_table(runs: list[dict[str, Any]]) -> str:
    """Return a table with a row for each cell and direction, which sums up all its seeds."""
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
            mean_rate([run["dev"]["wer"] for run in group]),
            mean_rate([run["test"]["wer"] for run in group]),
            f"{errors} of {group[0]['test']['wer']['reference']}",
            f"{statistics.median(run['times_real_time'] for run in group):.0f}×",
        ]
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows) + "\n"
