"""``asr train``: a configuration to a model directory."""

import os
from pathlib import Path
from typing import Annotated

import typer

from asr.cli.extras import needs_train


def train(
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="A TOML file, e.g. recipes/an4/config.toml.")
    ],
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a key; repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run from its last checkpoint.")
    ] = False,
    devices: Annotated[
        int | None, typer.Option(min=1, help="Processes or GPUs on this machine.")
    ] = None,
    num_nodes: Annotated[int | None, typer.Option(min=1, help="Machines that take part.")] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Same result on every run on a GPU too; slower.")
    ] = False,
) -> None:
    """Train an acoustic model.

    The run is kept in runs/<name>/: metrics.csv, curves.png, tensorboard/, skipped.jsonl,
    checkpoints, and at the end model/, the epoch with the lowest WER on the development set.
    """
    tune_libraries()
    from asr.config import load_config

    flags = {
        "devices": devices,
        "nodes": num_nodes,
        "deterministic": "true" if deterministic else None,
    }
    overrides = [f"training.{key}={value}" for key, value in flags.items() if value is not None]
    configuration = load_config(config, [*(set or []), *overrides])
    with needs_train():
        from asr.training.fit import fit
    folder = fit(configuration, resume=resume)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(folder)


def tune_libraries() -> None:
    """Settings that libraries under torch read when they are loaded; the user's own go first."""
    # Idle threads spin for a moment and then sleep: beside other work on the machine, threads
    # that go on spinning starve the one they wait for.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Convolutions are prepared for one shape. Batches hardly ever have a shape twice: to keep a
    # thousand preparations, as oneDNN does, takes gigabytes and saves nothing.
    for capacity in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(capacity, "16")
