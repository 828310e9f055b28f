"""``asr lm train`` trains a recurrent language model."""

import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    texts: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="TEXT",
            help="Plain text with a sentence on each line (also .gz), or .jsonl manifests.",
        ),
    ] = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Other text, by which the best epoch is chosen; repeatable."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file such as recipes/kjv/lm.toml."),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="Override a key of the file; repeatable."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run from its last checkpoint.")
    ] = False,
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
    path = fit(from_mapping(LmConfig, read_values(config, [*(set or []), *given])), resume=resume)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(path)
