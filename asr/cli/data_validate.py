"""``asr data validate`` finds what is wrong with manifests and their audio."""

import sys
from pathlib import Path

import click

from asr.cli.options import PATH


@click.command()
@click.argument(
    "manifests",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="FILE...",
    help="JSON Lines manifests.",
)
@click.option(
    "--model",
    type=PATH,
    metavar="DIR",
    help="Check texts against the vocabulary and frame rate of this model.",
)
@click.option("--decode", is_flag=True, help="Decode all audio, not only its headers.")
@click.option(
    "--json",
    "json_file",
    type=PATH,
    metavar="FILE",
    help="Write all problems to this file as JSON Lines: path, line, id, kind, message.",
)
def validate(
    manifests: tuple[Path, ...],
    model: Path | None,
    decode: bool,
    json_file: Path | None,
) -> None:
    """Check manifests and the audio they list.

    Finds broken lines, ids that occur twice, audio that cannot be read or is truncated, and wrong
    durations; with --model also characters outside its vocabulary and texts that do not fit in
    their audio. Damage within the audio, and the missing end of a FLAC or MP3 file, is found only
    with --decode. For several manifests, the speakers, texts and recordings that two of them share
    are counted, which is not a problem by itself.

    Each problem is a line file:line: message (on a terminal only the first ones are shown). If
    there is any problem, the exit code is 1.
    """
    from itertools import combinations

    from asr.cli.progress import CountProgress
    from asr.data.leakage import find_leakage
    from asr.data.validation import SHOWN, count_kinds, to_json_lines
    from asr.data.validation import validate as validate_manifest
    from asr.files import write_atomically
    from asr.model.directory import read_model

    info = read_model(model) if model else None

    def num_frames(seconds: float) -> int:
        assert info is not None
        return info.num_frames(int(seconds * info.sample_rate))

    validations = []
    for path in manifests:
        with CountProgress(str(path)) as progress:
            validations.append(
                validate_manifest(
                    path,
                    vocabulary=info.vocabulary if info else None,
                    num_frames=num_frames,
                    decoded=decode,
                    progress=progress.reached,
                )
            )
    problems = [problem for item in validations for problem in item.problems]
    if json_file:
        write_atomically(json_file, to_json_lines(problems))
    shown = SHOWN if sys.stdout.isatty() else len(problems)
    for problem in problems[:shown]:
        print(problem)
    if left_out := len(problems) - len(problems[:shown]):
        print(f"… and {left_out} more, which --json FILE would list")
    for item in validations:
        print(item.summary, file=sys.stderr)
    for first, second in combinations(validations, 2):
        sharing = find_leakage(second.utterances, first.utterances, skip_missing=True)
        print(f"{first.path} also holds {sharing.counts} of {second.path}", file=sys.stderr)
    for line in count_kinds(problems):
        print(line, file=sys.stderr)
    if problems:
        raise click.exceptions.Exit(1)
