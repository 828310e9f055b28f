"""Measure how long training takes to its first step on a large corpus, and its peak memory.

    python scripts/benchmarks/scale.py --config recipes/an4/config.toml --lines 857 85700 300000

The corpus is simulated: the training manifest of the configuration is repeated, under new ids,
until it has the wanted number of lines. For each number, a process of its own trains ``--steps``
steps. The time counts from the start of the process, imports included.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from asr.data.manifest import read_manifest, write_manifest
from asr.errors import AsrError
from asr.training.config import load_config
from asr.training.environment import tune_libraries


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the configuration of training")
    parser.add_argument(
        "--lines",
        type=int,
        nargs="+",
        default=[857, 85_700, 300_000],
        help="the sizes of the manifest; default: 857 85700 300000",
    )
    parser.add_argument("--steps", type=int, default=100, help="steps to train; default: 100")
    # A child gets its manifest and the time at which it was started.
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.child:
            train(options.config, Path(options.child[0]), float(options.child[1]), options.steps)
        else:
            measure(options.config, options.lines, options.steps)
    except AsrError as error:
        sys.exit(f"error: {error}")


def measure(config: Path, sizes: list[int], steps: int) -> None:
    """Run a child for each size and print the table."""
    items = [item for path in load_config(config).data.train for item in read_manifest(path)]
    table = Table("lines", "manifest, MB", "seconds to the first step", "peak memory, MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        for size in sizes:
            repeated = enumerate(islice(cycle(items), size))
            write_manifest(path, (replace(item, id=f"{item.id}-{i}") for i, item in repeated))
            command = [sys.executable, __file__, "--config", str(config), "--steps", str(steps)]
            command += ["--child", str(path), str(time.time())]
            result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            values = json.loads(result.stdout.splitlines()[-1])
            megabytes = f"{path.stat().st_size / 1e6:.1f}"
            seconds, memory = f"{values['seconds']:.1f}", f"{values['peak'] / 1e6:.0f}"
            table.add_row(f"{size:,}", megabytes, seconds, memory)
    Console().print(table)


class Enough(Exception):
    """An exception that ends the training once it has done enough steps."""


def train(config: Path, manifest: Path, started: float, steps: int) -> None:
    """Train on ``manifest`` for some steps as ``asr train`` does; print the figures as JSON."""
    tune_libraries()
    from asr.training import fit as engine

    options = load_config(config)
    options = replace(options, data=replace(options.data, train=(str(manifest),)))
    step = engine.CTCModule.training_step
    taken: list[float] = []

    def counted(self: Any, batch: Any, index: int) -> Any:
        if len(taken) == steps:
            raise Enough
        taken.append(time.time() - started)
        return step(self, batch, index)

    engine.CTCModule.training_step = counted  # type: ignore[method-assign]
    try:
        engine.fit(options, folder=manifest.parent / f"run-{started}")
    except Enough:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": taken[0], "peak": peak}))


if __name__ == "__main__":
    main()
