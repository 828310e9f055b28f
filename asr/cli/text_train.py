"""``asr text train`` trains a tagger, which punctuates and capitalises transcripts."""

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
    help="Text with its punctuation, a sentence or a paragraph on each line (also .gz).",
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
    help="A TOML file such as recipes/readable_english/config.toml.",
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
    """Train a tagger of marks and capitals.

    It says which mark follows each word of a transcript, and how the word is written. The run is
    kept in runs/<name>/: metrics.csv, curves.png, tensorboard/, checkpoints, and at the end
    tagger.onnx, which is the epoch with the best marks on the development text.
    """
    from asr.training.environment import tune_libraries

    tune_libraries()
    from asr.config import from_mapping, read_values
    from asr.errors import needs_extra

    paths = {"train": texts, "dev": dev}
    given = [f"data.{key}={[str(path) for path in value]}" for key, value in paths.items() if value]
    with needs_extra("training needs", "train"):
        from asr.training.tagger.config import TaggerConfig
        from asr.training.tagger.fit import fit
    values = from_mapping(TaggerConfig, read_values(config, [*(set or []), *given]))
    path = fit(values, resume or resume_anyway, anyway=resume_anyway)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(path)
