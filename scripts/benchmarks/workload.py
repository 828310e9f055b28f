"""Audio of any length and processes of ``asr``, for benchmarks of transcription."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import soundfile

from asr.audio.read import Samples, read_audio
from asr.data.manifest import read_manifest
from asr.model.directory import default_model

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


def make_parser(document: str) -> argparse.ArgumentParser:
    """Return a parser of the options ``--model`` and ``--manifest``; ``document`` is the script's
    docstring."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    parser.add_argument(
        "--manifest", type=Path, help="the recordings to make audio of; default: those in samples/"
    )
    return parser


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


def process(arguments: list[str], repeats: int) -> tuple[float, float]:
    """Run ``asr`` several times, and return the median seconds and the largest peak memory (MB)."""
    times, peaks = [], []
    with tempfile.NamedTemporaryFile() as memory:
        command = [sys.executable, "-c", PROGRAM % memory.name, *arguments]
        for _ in range(repeats):
            started = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            times.append(time.perf_counter() - started)
            if done.returncode:
                raise SystemExit(done.stderr.decode(errors="replace"))
            peaks.append(int(Path(memory.name).read_text()) / 1024)
    return statistics.median(times), max(peaks)
