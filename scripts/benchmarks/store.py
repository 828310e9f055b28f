"""Measure how fast training is on recordings that a slow store takes a while to find.

    python scripts/benchmarks/store.py --config recipes/an4/config.toml [--latency 0 0.05 0.2]

The store is simulated: opening a recording and reading it wait for ``--latency`` seconds each.
Nothing is taken from the cache of decoded audio. The table has the speed of training in times real
time, as it is and with the recordings of a batch read one after another. Let nothing else run
meanwhile.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from asr.errors import AsrError
from asr.training.config import Config, load_config
from asr.training.environment import tune_libraries


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the configuration of training")
    parser.add_argument(
        "--latency",
        type=float,
        nargs="+",
        default=[0.0, 0.05, 0.2],
        help="seconds that the store takes for an answer; default: 0 0.05 0.2",
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="seconds of each measurement; default: 20"
    )
    options = parser.parse_args(arguments)
    tune_libraries()
    try:
        config = load_config(options.config)
        table = Table("seconds an answer", "as it is", "one after another", box=MARKDOWN)
        for latency in options.latency:
            speeds = [measure(config, latency, options.seconds, several) for several in (32, 1)]
            table.add_row(f"{latency:g}", *(f"{speed:.1f}×" for speed in speeds))
    except AsrError as error:
        sys.exit(f"error: {error}")
    Console(width=100).print(table)


def measure(config: Config, latency: float, seconds: float, several: int) -> float:
    """Return the speed of training in times real time, where ``several`` recordings are asked for
    at once."""
    from asr.training import cache, dataset
    from asr.training.throughput import measure_speed

    read, readers = cache.read_audio, dataset.READERS

    def slow(*arguments: Any) -> Any:
        time.sleep(2 * latency)
        return read(*arguments)

    uncached = replace(config, data=replace(config.data, cache_gigabytes=0.0))
    cache.read_audio, dataset.READERS = slow, several  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            return measure_speed(uncached, Path(folder) / "skipped.jsonl", seconds)
    finally:
        cache.read_audio, dataset.READERS = read, readers


if __name__ == "__main__":
    main()
