"""``asr text``: the commands for the readable form of transcripts."""

import click

from asr.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    members={"train": "asr.cli.text_train:train", "add": "asr.cli.text_add:add"},
)
def text() -> None:
    """Train what punctuates transcripts, and add it to a model."""
