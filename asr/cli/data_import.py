"""``asr data import`` makes manifests from other formats."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.data_export import print_size
from asr.cli.options import PATH, output_option
from asr.counts import counted

if TYPE_CHECKING:
    from asr.data.formats.item import Item
    from asr.data.manifest import Problem


@click.group("import")
def importing() -> None:
    """Make a manifest from other formats."""


manifest_output = output_option("FILE", "The manifest to write.")


@importing.command("kaldi")
@click.argument("source", type=PATH, metavar="DIR", help="A Kaldi data directory.")
@manifest_output
def import_kaldi(
    source: Path,
    output: Path,
) -> None:
    """Read a Kaldi data directory.

    Reads wav.scp, text, segments, utt2spk, spk2utt and utt2dur; other utt2* and spk2* files become
    fields. Commands in wav.scp are not run.

    Segments are cut without loss into FLAC or WAV files in a folder beside the manifest; clips that
    an earlier import left there are kept.
    """
    from asr.data.formats.kaldi import read_kaldi

    _import(read_kaldi(source), output)


@importing.command("nemo")
@click.argument("source", type=PATH, metavar="SOURCE", help="A NeMo manifest.")
@manifest_output
def import_nemo(
    source: Path,
    output: Path,
) -> None:
    """Read a NeMo manifest with all its fields.

    Utterances with an offset are cut without loss into FLAC or WAV files in a folder beside the
    manifest; clips that an earlier import left there are kept.
    """
    from asr.data.formats.nemo import read_nemo

    _import(read_nemo(source), output)


@importing.command("lhotse")
@click.argument(
    "source",
    type=PATH,
    help="Cuts, or supervisions with their recordings beside them (.jsonl, .jsonl.gz), or the "
    "folder of both.",
)
@manifest_output
def import_lhotse(
    source: Path,
    output: Path,
) -> None:
    """Read supervisions or cuts of lhotse.

    Each supervision becomes an utterance. Parts of recordings are cut without loss into FLAC or WAV
    files in a folder beside the manifest; clips that an earlier import left there are kept.
    """
    from asr.data.formats.lhotse import read_lhotse

    _import(read_lhotse(source), output)


@importing.command("csv")
@click.argument(
    "source",
    type=PATH,
    help="A table: .csv, or .tsv with tabs.",
)
@manifest_output
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
    _import(read_table(source, columns, audio_dir), output)


@importing.command("folder")
@click.argument(
    "source",
    type=PATH,
    metavar="DIR",
    help="Recordings with .txt files beside them.",
)
@manifest_output
def import_folder(
    source: Path,
    output: Path,
) -> None:
    """Read recordings with .txt files beside them.

    The text of a recording stands in a .txt file of the same name. If several subfolders hold
    utterances, their names are taken as speakers.

    A recording without a text, a text without a recording and an empty text are reported and left
    out; the exit code is then 1.
    """
    from asr.data.formats.folder import read_folder

    problems: list[Problem] = []
    _import(read_folder(source, problems.append), output)
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)
    if problems:
        raise click.exceptions.Exit(1)


def _import(items: "Iterable[Item]", output: Path) -> None:
    from asr.data.formats.collect import clips_folder, collect
    from asr.data.manifest import write_manifest

    collected = collect(items, output)
    write_manifest(output, collected.utterances)
    if clips := collected.cut + collected.kept:
        print(
            f"{counted(clips, 'clip')} of recordings in {clips_folder(output)}, "
            f"{collected.kept} of them from an earlier time",
            file=sys.stderr,
        )
    print_size(output, collected.utterances)
