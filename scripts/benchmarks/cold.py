"""Cost of a cold start beside the bare imports, side by side in one run.

    python scripts/benchmarks/cold.py [--model DIR] [--lm FILE] [--repeats 7]

The first table has whole processes: the bare imports of numpy, onnxruntime, soundfile and soxr,
``asr --help``, and ``asr transcribe`` of three seconds of speech by greedy and by beam search with
a language model (a bigram of the texts in samples/, unless ``--lm`` names another). "First call
ever" has an empty home folder, in which no call before can have left anything for it. They run in
turn, so that all of them meet the same disturbances. The table gives the fewest and the median
seconds of processor time (user and system) and of the wall clock, and the ratio of the fewest to
those of the bare imports. The first run of each, whose bytecode may have to be compiled, is not
counted. On an idle machine take the ratio by the wall clock, since threads of numpy's matrix
library that wait for work count as processor time; on a busy one that of processor time.

The second table is the import profile of greedy transcription (``python -X importtime``): the
milliseconds of each top-level package, its own modules and not what they import, and their number.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import soundfile
from rich.console import Console
from rich.table import Column, Table

from asr.data.manifest import read_manifest
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import write_binary
from asr.lm.packing import pack
from asr.model.directory import default_model

BARE = ["-c", "import numpy, onnxruntime, soundfile, soxr"]
SAMPLES = Path(__file__).parents[2] / "samples"
FIRST = "greedy, first call ever"
SECONDS = 3.0
SHOWN = 15  # packages in the import profile
IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


@dataclass
class Times:
    """The seconds of the runs of one command: processor time, and by the wall clock."""

    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=default_model(), help="a model directory")
    parser.add_argument("--lm", type=Path, help="a language model, ARPA or binary")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        transcribe = ["-m", "asr", "transcribe", "--model", str(options.model)]
        audio = str(make_recording(folder))
        lm = str(options.lm or make_lm(folder))
        commands = {
            "bare imports": BARE,
            "asr --help": ["-m", "asr", "--help"],
            "greedy": [*transcribe, "--decoder", "greedy", audio],
            FIRST: [*transcribe, "--decoder", "greedy", audio],
            "beam, language model": [*transcribe, "--decoder", "beam", "--lm", lm, audio],
        }
        console.print(table(measure(commands, options.repeats)))
        console.print(import_profile(commands["greedy"]))


def make_recording(folder: Path) -> Path:
    """Write three seconds of speech, and return the path."""
    samples, rate = soundfile.read(SAMPLES / "flite-awb-date.wav", dtype="int16")
    path = folder / "speech.wav"
    soundfile.write(path, samples[: round(SECONDS * rate)], rate)
    return path


def make_lm(folder: Path) -> Path:
    """Write a bigram model of the texts in samples/, and return the path."""
    texts = [item.text for item in read_manifest(SAMPLES / "manifest.jsonl")]
    path = folder / "bigram.ngram"
    write_binary(path, pack(estimate(texts, 2).ngrams, 8))
    return path


def environment() -> dict[str, str]:
    """Return the environment of a user, for whom Python keeps its bytecode."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def measure(commands: dict[str, list[str]], repeats: int) -> dict[str, Times]:
    """Run the commands in turn, once uncounted and then ``repeats`` times."""
    results = {name: Times() for name in commands}
    for repeat in range(repeats + 1):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory() as empty:
                variables = environment()
                if name == FIRST:
                    variables |= {"HOME": empty, "XDG_CACHE_HOME": empty}
                processor, wall = run(name, command, variables)
            if repeat:
                results[name].processor.append(processor)
                results[name].wall.append(wall)
    return results


def run(name: str, command: list[str], variables: dict[str, str]) -> tuple[float, float]:
    """Run a command, and return its seconds of processor time and of the wall clock."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, env=variables)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall


def table(results: dict[str, Times]) -> Table:
    """Return the first table."""
    result = Table(
        Column("a whole process", no_wrap=True),
        *("processor s", "median", "ratio", "wall s", "median", "ratio"),
    )
    bare = results["bare imports"]
    for name, times in results.items():
        cells = []
        for values, least in (
            (times.processor, min(bare.processor)),
            (times.wall, min(bare.wall)),
        ):
            cells += [f"{min(values):.3f}", f"{statistics.median(values):.3f}"]
            cells.append(f"{min(values) / least:.2f}")
        result.add_row(name, *cells)
    return result


def import_profile(command: list[str]) -> Table:
    """Return the second table."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        check=True, capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    spent: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for microseconds, module in IMPORT.findall(done.stderr):
        package = module.partition(".")[0]
        spent[package] += int(microseconds)
        modules[package] += 1
    result = Table("imports of greedy", "ms", "modules")
    for package, microseconds in spent.most_common(SHOWN):
        result.add_row(package, f"{microseconds / 1000:.1f}", str(modules[package]))
    result.add_row("all", f"{sum(spent.values()) / 1000:.1f}", str(modules.total()))
    return result


if __name__ == "__main__":
    main()
