"""``asr lm train`` trains a recurrent language model."""

import os
from pathlib import Path

import click

from asr.cli.options import PATH


@click.command()
@click.argument(
    "texts",
    nargs=-1,
    required=False,
    type=PATH,
    metavar="[TEXT]...",
    help="Plain text with a sentence on each line (also .gz), or .jsonl manifests.",
)
@click.option(
    "--dev",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="Other text, by which the best epoch is chosen; repeatable.",
)
@click.option(
    "--config",
    type=PATH,
    metavar="FILE",
    help="A TOML file such as recipes/kjv/lm.toml.",
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
def train(
    texts: tuple[Path, ...],
    dev: tuple[Path, ...],
    config: Path | None,
    set: tuple[str, ...],
    resume: bool,
    resume_anyway: bool,
) -> None:
    """Train a recurrent language model.

    It predicts words, or characters with --set data.unit=character. The run is kept in
    runs/<name>/: metrics.csv, curves.png, tensorboard/, checkpoints, and at the end lm.onnx, which
    is the epoch with the lowest perplexity on the development text.
    """
    from asr.training.environment import tune_libraries

    tune_libraries()
    from asr.config import from_mapping, read_values
    from asr.errors import needs_extra

    paths = {"train": texts, "dev": dev}
    given = [f"data.{key}={[str(path) for path in value]}" for key, value in paths.items() if value]
    with needs_extra("training needs", "train"):
        from asr.training.lm.config import LmConfig
        from asr.training.lm.fit import fit
    values = from_mapping(LmConfig, read_values(config, [*(set or []), *given]))
    path = fit(values, resume or resume_anyway, anyway=resume_anyway)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(path)
