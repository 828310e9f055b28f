"""Measure the speed and memory of recognition, and compare the speed with plain torch.

    python scripts/benchmarks/transcribe.py [--model DIR] [--manifest FILE] [--hours 1 10]

The script prints two tables, whose times are medians of ``--repeats`` runs:

- The first is of whole processes of ``asr transcribe``, from a cold start. They recognise a
  recording of three seconds and recordings of ``--hours``; with beam search too, if the model has a
  language model. The table gives the seconds, the times real time (the seconds of audio recognised
  in a second), and the peak memory.
- The second compares this package with the obvious way on the same audio: torch's own GRU on the
  same weights, which recognises one file at a time. It has a row for many short files, and one for
  one long file.

The audio is made of the recordings of the manifest, which are joined again and again; without a
manifest, of those in samples/. Let nothing else run meanwhile.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import soundfile
import torch
from rich.console import Console
from rich.table import Table
from workload import Maker, make_parser, process, read_recordings

from asr.decoding.bundle import LM
from asr.decoding.greedy import greedy
from asr.model.directory import read_model
from asr.recognition.transcriber import Transcriber
from asr.training.inference import TorchSession


def main() -> None:
    """Measure everything and print both tables."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--hours",
        type=float,
        nargs="*",
        default=[1.0],
        help="the lengths of long recordings of the first table; default: 1",
    )
    parser.add_argument(
        "--long-minutes",
        type=float,
        default=10.0,
        help="the length of the long file of the second table; default: 10",
    )
    parser.add_argument(
        "--files",
        type=int,
        default=130,
        help="the number of short files of the second table; default: 130",
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="how often each time is measured; default: 3"
    )
    options = parser.parse_args()
    recordings = read_recordings(options.manifest)
    console = Console()
    console.print(
        f"{options.model}, {os.cpu_count()} cores, torch {torch.__version__}; "
        f"median of {options.repeats}"
    )
    with tempfile.TemporaryDirectory() as folder:
        make = Maker(Path(folder), recordings)
        console.print(whole_processes(options, make))
        console.print(against_torch(options, make))


def whole_processes(options: argparse.Namespace, make: Maker) -> Table:
    """Return a table of processes of ``asr``, from a cold start to their end."""
    table = Table("a whole process", "seconds", "times real time", "peak memory")
    table.add_row("asr --help", f"{process(['--help'], options.repeats)[0]:.2f}", "", "")
    kinds = {"greedy": ["--decoder", "greedy"]}
    if any(name.startswith(LM) for name in read_model(options.model).files):
        kinds["beam, language model"] = ["--decoder", "beam"]
    for seconds in (3.0, *(3600 * hours for hours in options.hours)):
        path = make.joined(seconds)
        for name, arguments in kinds.items():
            command = ["transcribe", *arguments, "--model", str(options.model), str(path)]
            taken, memory = process(command, options.repeats)
            length = f"{seconds / 3600:g} h" if seconds > 60 else f"{seconds:g} s"
            speed = f"{seconds / taken:.0f}×"
            table.add_row(f"{length}, {name}", f"{taken:.2f}", speed, f"{memory:.0f} MB")
        path.unlink()
    return table


def against_torch(options: argparse.Namespace, make: Maker) -> Table:
    """Return a table of the speed from files to texts, in this package and in plain torch."""
    table = Table("files to texts", "here", "torch, file by file", "ratio")
    transcriber = Transcriber(options.model)
    session = TorchSession(options.model, "cpu")
    works = {
        f"{options.files} short files": make.each(options.files),
        f"one of {options.long_minutes:g} minutes": [make.joined(60 * options.long_minutes)],
    }
    for name, paths in works.items():
        audio = sum(soundfile.info(path).duration for path in paths)
        ours, theirs = medians(
            options.repeats,
            lambda paths=paths: list(transcriber.transcribe_many(paths)),
            lambda paths=paths: [text_in_torch(path, session) for path in paths],
        )
        speeds = (f"{audio / ours:.0f}×", f"{audio / theirs:.0f}×")
        table.add_row(name, *speeds, f"{theirs / ours:.1f}")
    return table


def text_in_torch(path: Path, session: TorchSession) -> str:
    """Recognise a file in torch, as somebody would who has the network at hand."""
    samples, _ = soundfile.read(path, dtype="float32")
    (log_probs,) = session.log_probs([samples])
    vocabulary = session.info.vocabulary
    return vocabulary.decode(greedy(log_probs, vocabulary.blank_id).tokens)


def medians(repeats: int, *runs: Callable[[], object]) -> Iterator[float]:
    """Call ``runs`` in turn, and return the median seconds of each.

    The first call of each does not count.
    """
    times: list[list[float]] = [[] for _ in runs]
    for repeat in range(repeats + 1):
        for taken, run in zip(times, runs, strict=True):
            started = time.perf_counter()
            run()
            if repeat:
                taken.append(time.perf_counter() - started)
    return (statistics.median(taken) for taken in times)


if __name__ == "__main__":
    main()
