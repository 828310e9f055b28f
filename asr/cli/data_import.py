"""``asr data import`` makes manifests from other formats."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.data_export import print_size
from asr.cli.options import PATH, output_option
from asr.counts import counted

if TYPE_CHECKING:
    from asr.data.formats.item import Item, Refuse
    from asr.data.manifest import Problem


@click.group("import")
def importing() -> None:
    """Make a manifest from other formats.

    Rows that cannot be used are left out, all of them are named, and MANIFEST-left-out.jsonl lists
    them: path, line, id, kind, message. The exit code is then 1, unless --max-bad allows them.
    """


manifest_output = output_option("FILE", "The manifest to write.")
max_bad_option = click.option(
    "--max-bad",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Allow this share of the rows to be left out; with more, write no manifest.  [default: "
    "write it without the bad rows, and exit with 1 if there are any]",
)


run_commands_option = click.option(
    "--run-commands",
    is_flag=True,
    help="Run the commands that write recordings by a shell, and keep their output in a folder "
    "beside the manifest. Only for data that you trust.",
)


@importing.command("kaldi")
@click.argument("source", type=PATH, metavar="DIR", help="A Kaldi data directory.")
@manifest_output
@max_bad_option
@run_commands_option
def import_kaldi(
    source: Path,
    output: Path,
    max_bad: float | None,
    run_commands: bool,
) -> None:
    """Read a Kaldi data directory.

    Reads wav.scp, text, segments, utt2spk, spk2utt and utt2dur; other utt2* and spk2* files become
    fields. Commands in wav.scp (lines that end in |) are run only with --run-commands.

    Segments are cut without loss into FLAC or WAV files in a folder beside the manifest; clips that
    an earlier import left there are kept.
    """
    from asr.data.formats.collect import clips_folder
    from asr.data.formats.commands import Commands
    from asr.data.formats.kaldi import read_kaldi

    commands = Commands(clips_folder(output)) if run_commands else None
    _import(lambda refuse: read_kaldi(source, refuse, commands), output, max_bad)


@importing.command("nemo")
@click.argument("source", type=PATH, metavar="SOURCE", help="A NeMo manifest.")
@manifest_output
@max_bad_option
def import_nemo(
    source: Path,
    output: Path,
    max_bad: float | None,
) -> None:
    """Read a NeMo manifest with all its fields.

    Utterances with an offset are cut without loss into FLAC or WAV files in a folder beside the
    manifest; clips that an earlier import left there are kept.
    """
    from asr.data.formats.nemo import read_nemo

    _import(lambda refuse: read_nemo(source, refuse), output, max_bad)


@importing.command("lhotse")
@click.argument(
    "source",
    type=PATH,
    help="Cuts, or supervisions with their recordings beside them (.jsonl, .jsonl.gz), or the "
    "folder of both.",
)
@manifest_output
@max_bad_option
@run_commands_option
def import_lhotse(
    source: Path,
    output: Path,
    max_bad: float | None,
    run_commands: bool,
) -> None:
    """Read supervisions or cuts of lhotse.

    Each supervision becomes an utterance. Parts of recordings are cut without loss into FLAC or WAV
    files in a folder beside the manifest; clips that an earlier import left there are kept.

    Recordings that a command writes are made only with --run-commands.
    """
    from asr.data.formats.collect import clips_folder
    from asr.data.formats.commands import Commands
    from asr.data.formats.lhotse import read_lhotse

    commands = Commands(clips_folder(output)) if run_commands else None
    _import(lambda refuse: read_lhotse(source, refuse, commands), output, max_bad)


@importing.command("csv")
@click.argument(
    "source",
    type=PATH,
    help="A table: .csv, or .tsv with tabs.",
)
@manifest_output
@max_bad_option
@click.option("--audio-column", metavar="NAME", help="The column of paths.")
@click.option("--text-column", metavar="NAME", help="The column of texts.")
@click.option("--speaker-column", metavar="NAME", help="The column of speakers.")
@click.option("--id-column", metavar="NAME", help="The column of ids.")
@click.option("--duration-column", metavar="NAME", help="The column of durations in seconds.")
@click.option(
    "--audio-dir",
    type=PATH,
    metavar="DIR",
    help="Folder that paths are relative to.  [default: the folder of the table]",
)
def import_csv(
    source: Path,
    output: Path,
    max_bad: float | None,
    audio_column: str | None,
    text_column: str | None,
    speaker_column: str | None,
    id_column: str | None,
    duration_column: str | None,
    audio_dir: Path | None,
) -> None:
    """Read a table that begins with column names.

    Columns are found by their usual names: path, audio, file, wav; text, sentence, transcript;
    speaker, client_id; id; duration. All others become fields. Durations that are missing are read
    from the audio.
    """
    from asr.data.formats.tables import Columns, read_table

    columns = Columns(audio_column, text_column, speaker_column, id_column, duration_column)
    _import(lambda refuse: read_table(source, columns, audio_dir, refuse), output, max_bad)


@importing.command("folder")
@click.argument(
    "source",
    type=PATH,
    metavar="DIR",
    help="Recordings with .txt files beside them.",
)
@manifest_output
@max_bad_option
def import_folder(
    source: Path,
    output: Path,
    max_bad: float | None,
) -> None:
    """Read recordings with .txt files beside them.

    The text of a recording stands in a .txt file of the same name. If several subfolders hold
    utterances, their names are taken as speakers.

    A recording without a text, a text without a recording and an empty text are left out.
    """
    from asr.data.formats.folder import read_folder

    _import(lambda refuse: read_folder(source, refuse), output, max_bad)


def _import(
    read: "Callable[[Refuse], list[Item]]", output: Path, max_bad: float | None = None
) -> None:
    """Write the manifest ``output`` of what ``read`` returns, and the list of what was left out."""
    from dataclasses import replace

    from asr.data.formats.collect import clips_folder, collect
    from asr.data.manifest import write_manifest
    from asr.data.validation import to_json_lines
    from asr.errors import DataError
    from asr.files import write_atomically

    problems: list[Problem] = []
    items = read(problems.append)
    if not items and len(problems) == 1:
        raise DataError(str(replace(problems[0], id=None)))
    collected = collect(items, output, problems.append) if items or not problems else None
    good = 0 if collected is None else len(collected.utterances)
    if not good and len(problems) == 1:
        raise DataError(str(replace(problems[0], id=None)))
    listed = output.with_name(f"{output.stem}-left-out.jsonl")
    count = f"{len(problems)} of {good + len(problems)}"
    if problems:
        write_atomically(listed, to_json_lines(problems))
    else:
        listed.unlink(missing_ok=True)
    too_many = max_bad is not None and len(problems) > max_bad * (good + len(problems))
    if collected is None or not good or too_many:
        _print(problems)
        allowed = f"--max-bad allows a share of {max_bad:g}" if good else "nothing is left"
        raise DataError(f"{count} rows cannot be used, {allowed}; see {listed}")
    write_manifest(output, collected.utterances)
    if clips := collected.cut + collected.kept:
        print(
            f"{counted(clips, 'clip')} of recordings in {clips_folder(output)}, "
            f"{collected.kept} of them from an earlier time",
            file=sys.stderr,
        )
    if collected.mended:
        print(
            f"{counted(collected.mended, 'duration')} taken from the audio, because the given "
            f"{'one differs' if collected.mended == 1 else 'ones differ'}",
            file=sys.stderr,
        )
    print_size(output, collected.utterances)
    _print(problems)
    if problems:
        allowing = "; --max-bad SHARE allows for some" if max_bad is None else ""
        print(f"left out: {count} rows, all of them listed in {listed}{allowing}", file=sys.stderr)
    if problems and max_bad is None:
        raise click.exceptions.Exit(1)


def _print(problems: "Sequence[Problem]") -> None:
    from asr.data.validation import SHOWN

    shown = SHOWN if sys.stderr.isatty() else len(problems)
    for problem in problems[:shown]:
        print(f"left out: {problem}", file=sys.stderr)
    if more := len(problems) - shown:
        if more > 0:
            print(f"left out: {more} more", file=sys.stderr)
