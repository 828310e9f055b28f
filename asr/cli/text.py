"""``asr text``: the commands for the readable form of transcripts."""

import click

from asr.cli.group import LazyGroup


@click.group(cls=LazyGroup, members={"train": "asr.cli.text_train:train"})
def text() -> None:
    """Train what punctuates transcripts."""
