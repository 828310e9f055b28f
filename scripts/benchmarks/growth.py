"""Measure how time and memory of ``asr transcribe`` grow, and draw both.

    python scripts/benchmarks/growth.py --manifest data/an4/test.jsonl [--output growth.svg]

The script measures whole processes with greedy decoding, from their start to their end: first on
one recording of each of ``--minutes``, then on a folder of each number of ``--files``. The audio is
made of the recordings of the manifest, or else of those in samples/: a long recording is a FLAC
file of them joined again and again, and the files of a folder are FLAC files of one each.

The table gives the seconds, the times real time (the seconds of audio recognised in a second) and
the peak memory. What takes less than three seconds is measured three times, of which the median
counts; all sizes together take five minutes. With ``--output``, the same is drawn (matplotlib, of
the extra plots): an SVG file follows the light or dark scheme of the reader's browser. Let nothing
else run meanwhile.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from picture import INK, LINE, save, style, subplots
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from workload import RATE, Maker, make_parser, process, read_recordings

from asr.audio.read import Samples

WIDTH = 120
QUICK_SECONDS, REPEATS = 3.0, 3
LENGTH, FILES = "length of one recording", "number of short files"
TICKS = {
    LENGTH: {1: "1 min", 10: "10 min", 60: "1 h", 600: "10 h"},
    FILES: {10**power: f"{10**power:,}" for power in range(1, 6)},
}


@dataclass(frozen=True)
class Point:
    """What a process took for work of some ``size``: minutes of one recording, or files.

    ``audio`` and ``seconds`` are the lengths of the audio and of the process in seconds, ``memory``
    is the peak in MB.
    """

    size: float
    audio: float
    seconds: float
    memory: float


def main() -> None:
    """Measure everything, print the table and draw it."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="+",
        default=[1, 3, 10, 30, 60, 180, 600],
        help="the lengths of the recordings; default: 1 3 10 30 60 180 600",
    )
    parser.add_argument(
        "--files",
        type=int,
        nargs="+",
        default=[10, 30, 100, 300, 1000, 3000, 10_000],
        help="the numbers of files; default: 10 30 100 300 1000 3000 10000",
    )
    parser.add_argument("--output", type=Path, help="draw the growth in this file")
    options = parser.parse_args()
    console = Console(width=WIDTH)
    console.print(f"{options.model}, {os.cpu_count()} cores")
    recordings = read_recordings(options.manifest)
    series: dict[str, list[Point]] = {}
    for name, unit, points in (
        (LENGTH, "minutes", lengths(options.model, recordings, options.minutes)),
        (FILES, "files", numbers(options.model, recordings, options.files)),
    ):
        table = Table(
            *(unit, "hours of audio", "seconds", "times real time", "peak memory, MB"),
            box=MARKDOWN,
        )
        series[name] = []
        for point in points:
            series[name].append(point)
            table.add_row(
                f"{point.size:,g}",
                f"{point.audio / 3600:.2f}",
                f"{point.seconds:.2f}",
                f"{point.audio / point.seconds:.0f}×",
                f"{point.memory:.0f}",
            )
        console.print(table)
    if options.output:
        draw(series, options.output)


def lengths(model: Path, recordings: list[Samples], minutes: list[float]) -> Iterator[Point]:
    """Yield what recordings of these lengths take."""
    for length in minutes:
        with tempfile.TemporaryDirectory() as folder:
            path = Maker(Path(folder), recordings).joined(60 * length)
            yield Point(length, 60 * length, *measured(model, path))


def numbers(model: Path, recordings: list[Samples], files: list[int]) -> Iterator[Point]:
    """Yield what folders of these numbers of files take.

    The files are names of as many FLAC files as there are recordings, which saves the disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = Maker(Path(folder), recordings).each(min(len(recordings), max(files)))
        for number in files:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                for index, path in enumerate(islice(cycle(paths), number)):
                    os.link(path, Path(name, f"{index}.flac"))
                audio = sum(len(samples) for samples in islice(cycle(recordings), number)) / RATE
                yield Point(number, audio, *measured(model, Path(name)))


def measured(model: Path, source: Path) -> tuple[float, float]:
    """Return the seconds and the peak memory (MB) of a process that transcribes ``source``."""
    command = ["transcribe", "--decoder", "greedy", "--model", str(model), str(source)]
    seconds, memory = process(command, 1)
    if seconds > QUICK_SECONDS:
        return seconds, memory
    return process(command, REPEATS)


def draw(series: dict[str, list[Point]], path: Path) -> None:
    """Write a picture of seconds (above) and memory (below) against each kind of size."""
    figure, panels = subplots(2, len(series), (8, 5), sharex="col", sharey="row")
    for (above, below), (name, points) in zip(panels.T, series.items(), strict=True):
        sizes = [point.size for point in points]
        above.loglog(sizes, [point.seconds for point in points], "o-", color=LINE, markersize=4)
        below.semilogx(sizes, [point.memory for point in points], "o-", color=LINE, markersize=4)
        below.set_ylim(0, 1.2 * max(point.memory for found in series.values() for point in found))
        below.set_xlabel(name, color=INK)
        for axes in (above, below):
            style(axes)
        shown = [size for size in TICKS[name] if min(sizes) <= size <= max(sizes)]
        below.set_xticks(shown, [TICKS[name][size] for size in shown])
    panels[0, 0].set_ylabel("seconds", color=INK)
    panels[1, 0].set_ylabel("peak memory, MB", color=INK)
    save(figure, path)


if __name__ == "__main__":
    main()
