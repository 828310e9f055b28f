"""``asr lm train`` trains a recurrent language model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from asr.cli.text_training import run_training, trains_on_texts


@click.command()
@trains_on_texts(
    "Plain text with a sentence on each line (also .gz, .xz), or .jsonl manifests.",
    "recipes/kjv/lm.toml",
)
def train(**options: Any) -> None:
    """Train a recurrent language model.

    It predicts words, or characters with --set data.unit=character. The run is kept in
    runs/<name>/: metrics.csv, curves.png, tensorboard/, checkpoints, and at the end lm.onnx, which
    is the epoch with the lowest perplexity on the development text.
    """
    run_training(_load, **options)


def _load() -> tuple[type, Callable[..., Path]]:
    from asr.training.lm.config import LmConfig
    from asr.training.lm.fit import fit

    return LmConfig, fit
