"""``asr train`` trains an acoustic model."""

import os
from pathlib import Path
from typing import Annotated

import typer

import asr


def train(
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="A TOML file such as recipes/an4/config.toml.")
    ],
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="Override a key of the file; repeatable."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run from its last checkpoint.")
    ] = False,
    devices: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Train with this many processes or GPUs on this machine."
        ),
    ] = None,
    num_nodes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train on this many machines.")
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="Get the same result in every run on a GPU too; slower."
        ),
    ] = False,
    golden: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A recording to be a golden clip of the model, for asr verify; repeatable. "
            "Without one the clips are synthetic: nobody's voice is in the directory.",
        ),
    ] = None,
) -> None:
    """Train an acoustic model.

    The run is kept in runs/<name>/: metrics.csv, curves.png, tensorboard/, skipped.jsonl,
    checkpoints, and at the end model/, the epoch with the lowest WER on the development set,
    with calibrated confidences, measured word times, golden clips and a model card.
    """
    flags = {
        "devices": devices,
        "nodes": num_nodes,
        "deterministic": "true" if deterministic else None,
    }
    overrides = [f"training.{key}={value}" for key, value in flags.items() if value is not None]
    folder = asr.fit(config, [*(set or []), *overrides], resume=resume, golden=golden or ())
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(folder)
