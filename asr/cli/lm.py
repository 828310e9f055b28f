"""``asr lm``: the commands for language models."""

import click

from asr.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    members={
        "build": "asr.cli.lm_build:build",
        "train": "asr.cli.lm_train:train",
        "evaluate": "asr.cli.lm_evaluate:evaluate",
        "sample": "asr.cli.lm_sample:sample",
        "tune": "asr.cli.lm_tune:tune",
    },
)
def lm() -> None:
    """Build, train, measure and tune language models."""
