"""``asr text add`` adds a tagger to a model."""

from pathlib import Path

import click

from asr.cli.options import PATH


@click.command()
@click.argument("tagger", type=PATH, metavar="TAGGER")
@click.argument("model", type=PATH, metavar="MODEL")
@click.option(
    "--output-dir",
    "-o",
    type=PATH,
    metavar="DIR",
    help="Write the model with the tagger to another folder, and leave MODEL as it is.",
)
def add(tagger: Path, model: Path, output_dir: Path | None) -> None:
    """Add a tagger to the directory of a model.

    TAGGER is the file of asr text train. Transcripts of the model are then shown with punctuation,
    capitals and figures.
    """
    from asr.display.tagger import read_tagger
    from asr.model.directory import TAGGER, update_model

    read_tagger(tagger)  # what is none is not added
    update_model(model, add={TAGGER: tagger.read_bytes()}, output=output_dir)
    print(output_dir or model)
