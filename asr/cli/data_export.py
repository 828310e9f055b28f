"""``asr data export`` writes manifests for other tools."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.options import PATH, output_option
from asr.counts import counted

if TYPE_CHECKING:
    from asr.data.manifest import Utterance


@click.group("export")
def exporting() -> None:
    """Write a manifest in other formats."""


manifest_argument = click.argument(
    "manifest", type=PATH, metavar="FILE", help="A JSON Lines manifest."
)


@exporting.command("kaldi")
@manifest_argument
@output_option("DIR", "A new folder to write.")
def export_kaldi(
    manifest: Path,
    output: Path,
) -> None:
    """Write a Kaldi data directory.

    Further fields of the manifest become utt2FIELD files.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.kaldi import write_kaldi

    utterances = read_utterances(manifest)
    for note in write_kaldi(output, utterances):
        print(f"note: {note}", file=sys.stderr)
    print_size(output, utterances)


@exporting.command("nemo")
@manifest_argument
@output_option("FILE", "The NeMo manifest to write.")
def export_nemo(
    manifest: Path,
    output: Path,
) -> None:
    """Write a NeMo manifest.

    Its paths are relative to its folder.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.nemo import write_nemo

    utterances = read_utterances(manifest, pieces=True)
    write_nemo(output, utterances)
    print_size(output, utterances)


@exporting.command("lhotse")
@manifest_argument
@output_option(
    "DIR_OR_FILE",
    "A new folder for recordings and supervisions, or a file of cuts (.jsonl, .jsonl.gz).",
)
def export_lhotse(
    manifest: Path,
    output: Path,
) -> None:
    """Write supervisions or cuts of lhotse.

    Further fields of the manifest become custom fields.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.lhotse import write_lhotse

    utterances = read_utterances(manifest)
    write_lhotse(output, utterances)
    print_size(output, utterances)


@exporting.command("csv")
@manifest_argument
@output_option("FILE", "The table to write: .csv or .tsv.")
def export_csv(
    manifest: Path,
    output: Path,
) -> None:
    """Write a table with a column for each field.

    Its paths are relative to its folder.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.tables import write_table

    utterances = read_utterances(manifest)
    write_table(output, utterances)
    print_size(output, utterances)


def print_size(path: Path, utterances: "Sequence[Utterance]") -> None:
    """Print on standard error how much a manifest holds that was written to ``path``."""
    minutes = sum(item.duration for item in utterances) / 60
    print(f"{path}: {counted(len(utterances), 'utterance')}, {minutes:.2f} min", file=sys.stderr)
