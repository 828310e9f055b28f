"""``asr data export`` writes manifests for other tools."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.cli.help import Command
from asr.counts import counted

if TYPE_CHECKING:
    from asr.data.manifest import Utterance

exporting = typer.Typer(
    name="export",
    help="Write a manifest in other formats.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Manifest = Annotated[Path, typer.Argument(metavar="FILE", help="A JSON Lines manifest.")]
NewFolder = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="A new folder to write.")
]


@exporting.command("kaldi", cls=Command)
def export_kaldi(manifest: Manifest, output: NewFolder) -> None:
    """Write a Kaldi data directory.

    Further fields of the manifest become utt2FIELD files.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.kaldi import write_kaldi

    utterances = read_utterances(manifest)
    for note in write_kaldi(output, utterances):
        print(f"note: {note}", file=sys.stderr)
    print_size(output, utterances)


@exporting.command("nemo", cls=Command)
def export_nemo(
    manifest: Manifest,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The NeMo manifest to write.")
    ],
) -> None:
    """Write a NeMo manifest.

    Its paths are relative to its folder.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.nemo import write_nemo

    utterances = read_utterances(manifest)
    write_nemo(output, utterances)
    print_size(output, utterances)


@exporting.command("lhotse", cls=Command)
def export_lhotse(
    manifest: Manifest,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR_OR_FILE",
            help="A new folder for recordings and supervisions, or a file of cuts (.jsonl, "
            ".jsonl.gz).",
        ),
    ],
) -> None:
    """Write supervisions or cuts of lhotse.

    Further fields of the manifest become custom fields.
    """
    from asr.data.formats.item import read_utterances
    from asr.data.formats.lhotse import write_lhotse

    utterances = read_utterances(manifest)
    write_lhotse(output, utterances)
    print_size(output, utterances)


@exporting.command("csv", cls=Command)
def export_csv(
    manifest: Manifest,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The table to write: .csv or .tsv."),
    ],
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
