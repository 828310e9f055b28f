"""``asr transcribe``: audio files to text."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr.cli.search import (
    BeamSizeOption,
    DecoderOption,
    HotwordOption,
    LexiconOption,
    LmOption,
    LmWeightOption,
    UnknownScoreOption,
    WordBonusOption,
    decoding,
)
from asr.errors import AsrError, AudioError


class Format(StrEnum):
    """Output formats."""

    txt = "txt"
    json = "json"
    all = "all"


def transcribe(
    audio: Annotated[
        list[str],
        typer.Argument(
            metavar="AUDIO",
            help="Audio files (WAV, FLAC, MP3, Ogg/Opus, SPHERE); - is standard input.",
        ),
    ],
    format: Annotated[
        Format, typer.Option("--format", "-f", help="Output format; all needs --output-dir.")
    ] = Format.txt,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir", "-o", metavar="DIR", help="Write DIR/<stem>.<format> for every input."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A model directory; default: the one in the package."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Files recognised at once; changes speed, never text.")
    ] = 16,
    decoder: DecoderOption = None,
    lm: LmOption = None,
    lexicon: LexiconOption = None,
    hotword: HotwordOption = None,
    beam_size: BeamSizeOption = None,
    lm_weight: LmWeightOption = None,
    word_bonus: WordBonusOption = None,
    unknown_score: UnknownScoreOption = None,
) -> None:
    """Transcribe audio files.

    One input prints its text, several print path<TAB>text lines; -f json prints one JSON object a
    line. A file that cannot be read is reported, the others go on, and the exit code is 1.
    """
    from asr.files import write_atomically
    from asr.transcriber import Transcriber
    from asr.writers import WRITERS, output_paths

    if format is Format.all and output_dir is None:
        raise typer.BadParameter("'all' needs --output-dir", param_hint="--format")
    formats = list(WRITERS) if format is Format.all else [str(format)]
    paths: Sequence[Sequence[Path]] = [[]] * len(audio)
    if output_dir is not None:
        paths = output_paths(audio, output_dir, formats)
    search = decoding(
        decoder, lm, lexicon, hotword, beam_size, lm_weight, word_bonus, unknown_score
    )
    results = Transcriber(model, **search).transcribe_many(audio, batch_size)
    failed = 0
    for source, outputs, result in zip(audio, paths, results, strict=True):
        if isinstance(result, AsrError):
            print(f"error: {result}", file=sys.stderr)
            failed += 1
            continue
        for warning in result.warnings:
            print(f"warning: {source}: {warning}", file=sys.stderr)
        for path, name in zip(outputs, formats, strict=False):
            write_atomically(path, WRITERS[name](source, result))
        if output_dir is None:
            text = WRITERS[str(format)](source, result)
            several = len(audio) > 1 and format is Format.txt
            print(f"{source}\t{text}" if several else text, end="", flush=True)
    if failed and len(audio) > 1:
        raise AudioError(f"{failed} of {len(audio)} inputs could not be transcribed")
    if failed:
        raise typer.Exit(1)
