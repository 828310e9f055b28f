"""``asr lm train``: text to a recurrent language model."""

import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    texts: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="TEXT", help="Plain text, a sentence a line (.gz too), or .jsonl manifests."
        ),
    ] = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Other text, to choose the epoch by; repeatable."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file, e.g. recipes/kjv/lm.toml."),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a key; repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run from its last checkpoint.")
    ] = False,
) -> None:
    """Train a recurrent language model.

    Its units are words, or with --set data.unit=character characters. The run is kept in
    runs/<name>/: metrics.csv, curves.png, tensorboard/, checkpoints, and at the end lm.onnx, the
    epoch with the lowest perplexity of the development text.
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
    path = fit(from_mapping(LmConfig, read_values(config, [*(set or []), *given])), resume=resume)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(path)
