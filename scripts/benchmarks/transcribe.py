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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import soundfile
import torch
from rich.console import Console
from rich.table import Table

from asr.audio.read import Samples, read_audio
from asr.data.manifest import read_manifest
from asr.decoding.bundle import LM
from asr.decoding.greedy import greedy
from asr.model.directory import default_model, read_model
from asr.recognition.transcriber import Transcriber
from asr.training.inference import TorchSession

RATE = 16000
PROGRAM = """
import atexit
from pathlib import Path

def report():  # getrusage in the parent would give no less than the parent's own memory
    lines = Path("/proc/self/status").read_text().splitlines()
    Path(%r).write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

atexit.register(report)
from asr.cli.main import main
main()
"""


def main() -> None:
    """Measure everything and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    parser.add_argument(
        "--manifest", type=Path, help="the recordings to make audio of; default: those in samples/"
    )
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


def read_recordings(manifest: Path | None) -> list[Samples]:
    """Read the recordings of which all audio is made."""
    samples = Path(__file__).parents[2] / "samples"
    paths = sorted(samples.glob("*.wav"))
    if manifest is not None:
        paths = [item.audio for item in read_manifest(manifest)]
    return [read_audio(path, RATE).samples for path in paths]


class Maker:
    """A maker of FLAC files in ``folder``, whose audio is that of ``recordings`` in turn."""

    def __init__(self, folder: Path, recordings: list[Samples]) -> None:
        self.folder, self.recordings = folder, recordings

    def joined(self, seconds: float) -> Path:
        """Write one file of this many seconds, and return its path."""
        path = self.folder / f"{seconds:g}.flac"
        with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC") as file:
            left = round(seconds * RATE)
            for samples in cycle(self.recordings):
                file.write(samples[:left])
                left -= min(left, len(samples))
                if not left:
                    return path
        raise AssertionError

    def each(self, count: int) -> list[Path]:
        """Write ``count`` files of one recording each, and return their paths."""
        paths = [self.folder / f"each-{index}.flac" for index in range(count)]
        for path, samples in zip(paths, cycle(self.recordings), strict=False):
            soundfile.write(path, samples, RATE)
        return paths


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


def process(arguments: list[str], repeats: int) -> tuple[float, float]:
    """Run ``asr`` several times, and return the median seconds and the largest peak memory (MB)."""
    times, peaks = [], []
    with tempfile.NamedTemporaryFile() as memory:
        command = [sys.executable, "-c", PROGRAM % memory.name, *arguments]
        for _ in range(repeats):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - started)
            peaks.append(int(Path(memory.name).read_text()) / 1024)
    return statistics.median(times), max(peaks)


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
