"""Helpers that the recipes of corpora share: command lines, durations, and manifests."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from asr.audio.probe import probe
from asr.audio.read import MAX_READ_SECONDS
from asr.counts import counted
from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError, AudioError
from asr.prefetch import prefetch_map


def source_parser(
    description: str,
    output: str,
    archive: str,
    url: str = "",
    folder: str = "",
    many: bool = False,
) -> argparse.ArgumentParser:
    """Return a command line on which one source of a corpus has to be named, and ``--output``.

    Args:
        description: of the program.
        output: the default of ``--output``.
        archive: the help of ``--archive``.
        url: where ``--download`` fetches the corpus from; without it there is no ``--download``.
        folder: the help of ``--folder``, for a corpus that may lie unpacked; without it there is no
            ``--folder``.
        many: whether ``--archive`` takes several files.
    """
    parser = argparse.ArgumentParser(description=description)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--archive", type=Path, nargs="+" if many else None, metavar="FILE", help=archive
    )
    if folder:
        source.add_argument("--folder", type=Path, metavar="DIR", help=folder)
    if url:
        source.add_argument("--download", action="store_true", help=f"fetch it from {url}")
    parser.add_argument("--output", type=Path, default=Path(output), help=f"default: {output}")
    return parser


def prepare_source(
    prepare: Callable[[Path | str, Path], None],
    description: str,
    output: str,
    archive: str,
    url: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run the command line of a corpus that is one archive (:func:`source_parser`).

    ``prepare`` is called with the file or the URL, and with the output folder; an error ends the
    program with one line.
    """
    options = source_parser(description, output, archive, url).parse_args(arguments)
    try:
        prepare(url if options.download else options.archive, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def with_durations(utterances: Sequence[Utterance]) -> tuple[list[Utterance], list[AudioError]]:
    """Return the utterances with the durations (s) that the headers of their audio tell, and an
    error for each utterance that is left out because its audio cannot be read."""

    def measure(item: Utterance) -> Utterance | AudioError:
        try:
            return replace(item, duration=probe(item.audio, MAX_READ_SECONDS).duration)
        except AudioError as error:
            return error

    threads = os.cpu_count() or 1
    results = list(prefetch_map(measure, utterances, threads, 4 * threads))
    return (
        [item for item in results if isinstance(item, Utterance)],
        [item for item in results if isinstance(item, AudioError)],
    )


def write_parts(output: Path, parts: Mapping[str, Sequence[Utterance]]) -> None:
    """Write a manifest ``NAME.jsonl`` for each part of a corpus, and print how much it holds."""
    for name, items in parts.items():
        write_manifest(output / f"{name}.jsonl", items)
        words = sum(len(item.text.split()) for item in items)
        minutes = sum(item.duration for item in items) / 60
        print(
            f"{output / name}.jsonl: {counted(len(items), 'utterance')}, {minutes:.2f} min, "
            f"{counted(len({item.speaker for item in items}), 'speaker')}, {counted(words, 'word')}"
        )
