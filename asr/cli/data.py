"""``asr data``: what is in a manifest, what is wrong with it, other formats."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asr.cli.data_convert import exporting, importing

data = typer.Typer(
    name="data", help="Check and convert manifests.", no_args_is_help=True, rich_markup_mode=None
)
data.add_typer(importing)
data.add_typer(exporting)


@data.callback()
def _group() -> None:
    pass


@data.command()
def validate(
    manifests: Annotated[list[Path], typer.Argument(metavar="FILE", help="JSON Lines manifests.")],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Check texts against the vocabulary and frame rate of this model."
        ),
    ] = None,
) -> None:
    """Check manifests and all audio they list.

    Decodes every file; compares durations; with --model finds characters outside its vocabulary
    and texts that do not fit in their audio.

    Problems are printed one a line as file:line: message; any problem makes the exit code 1.
    """
    from asr.manifest import validate as validate_manifest
    from asr.modeldir import read_model

    info = read_model(model) if model else None

    def num_frames(seconds: float) -> int:
        assert info is not None
        return info.num_frames(int(seconds * info.sample_rate))

    checks = (info.vocabulary, num_frames) if info else ()
    total = 0
    for path in manifests:
        utterances, problems = validate_manifest(path, *checks)
        for problem in problems:
            print(problem)
        seconds = sum(item.duration for item in utterances)
        print(
            f"{path}: {len(utterances)} utterances, {seconds / 60:.2f} min, "
            f"{len(problems)} problems",
            file=sys.stderr,
        )
        total += len(problems)
    if total:
        raise typer.Exit(1)
