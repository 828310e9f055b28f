"""``asr train`` trains an acoustic model."""

import os
from pathlib import Path

import click

import asr
from asr.cli.options import PATH


@click.command()
@click.option(
    "--config",
    required=True,
    type=PATH,
    metavar="FILE",
    help="A TOML file such as recipes/an4/config.toml.",
)
@click.option(
    "--set",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Override a key of the file; repeatable.",
)
@click.option("--resume", is_flag=True, help="Continue the run from its last checkpoint.")
@click.option(
    "--resume-anyway",
    is_flag=True,
    help="Continue it even though its data have changed; the changes are printed.",
)
@click.option(
    "--resume-if-begun",
    is_flag=True,
    help="Continue the run if it has a checkpoint, else begin it: for torchrun --max-restarts, and "
    "for schedulers that start a job again.",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    metavar="N",
    help="Train with this many processes or GPUs on this machine.",
)
@click.option(
    "--num-nodes", type=click.IntRange(min=1), metavar="N", help="Train on this many machines."
)
@click.option(
    "--deterministic", is_flag=True, help="Get the same result in every run on a GPU too; slower."
)
@click.option(
    "--golden",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="A recording to be a golden clip of the model, for asr verify; repeatable. Without one "
    "the clips are synthetic: nobody's voice is in the directory.",
)
def train(
    config: Path,
    set: tuple[str, ...],
    resume: bool,
    resume_anyway: bool,
    resume_if_begun: bool,
    devices: int | None,
    num_nodes: int | None,
    deterministic: bool,
    golden: tuple[Path, ...],
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
    folder = asr.fit(
        config,
        [*(set or []), *overrides],
        resume=resume,
        golden=golden or (),
        resume_anyway=resume_anyway,
        resume_if_begun=resume_if_begun,
    )
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(folder)
