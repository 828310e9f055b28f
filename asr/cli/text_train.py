"""``asr text train`` trains a tagger, which punctuates and capitalises transcripts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from asr.cli.text_training import run_training, trains_on_texts


@click.command()
@trains_on_texts(
    "Text with its punctuation, a sentence or a paragraph on each line (also .gz, .xz).",
    "recipes/readable_english/tagger.toml",
)
def train(**options: Any) -> None:
    """Train a tagger of marks and capitals.

    It says which mark follows each word of a transcript, and how the word is written. The run is
    kept in runs/<name>/: metrics.csv, curves.png, tensorboard/, checkpoints, and at the end
    tagger.onnx, which is the epoch with the best marks on the development text.
    """
    run_training(_load, **options)


def _load() -> tuple[type, Callable[..., Path]]:
    from asr.training.tagger.config import TaggerConfig
    from asr.training.tagger.fit import fit

    return TaggerConfig, fit
