"""Measure how training begins on large corpora: seconds to the first step, and peak memory.

    python scripts/benchmarks/scale.py --config recipes/an4/config.toml [--output scale.svg]

The corpus is simulated: the training manifest of the configuration is repeated, under new ids,
until it has the wanted number of lines. For each number, two processes train ``--steps`` steps, one
after the other: the first one builds the table of the manifest, the second one finds it. Times
count from the start of a process, imports included. With ``--output``, the growth is drawn
(matplotlib, of the extra plots): an SVG file follows the light or dark scheme of the reader's
browser. All default sizes take half an hour, and 4 GB of disk; let nothing else run meanwhile.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from picture import INK, LINE, save, style, subplots
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError
from asr.training.config import load_config
from asr.training.environment import tune_libraries

BUILDS, FINDS = "builds the table", "finds it"
LINES = [10_000, 100_000, 1_000_000, 10_000_000]


@dataclass(frozen=True)
class Point:
    """What training on a manifest of so many ``lines`` takes: ``seconds`` to the first step, when
    the table of the manifest is there and when it is ``built``, and the peak ``memory`` in MB, of
    both processes."""

    lines: int
    size: float
    seconds: float
    built: float
    memory: float
    memory_built: float


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the configuration of training")
    parser.add_argument(
        "--lines",
        type=int,
        nargs="+",
        default=LINES,
        help=f"the sizes of the manifest; default: {' '.join(map(str, LINES))}",
    )
    parser.add_argument("--steps", type=int, default=20, help="steps to train; default: 20")
    parser.add_argument("--output", type=Path, help="draw the growth in this file")
    # A child gets its manifest and the time at which it was started.
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.child:
            train(options.config, Path(options.child[0]), float(options.child[1]), options.steps)
            return
        points = measure(options.config, options.lines, options.steps)
        if options.output:
            draw(points, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def measure(config: Path, sizes: list[int], steps: int) -> list[Point]:
    """Run the processes of each size and print the table."""
    items = [item for path in load_config(config).data.train for item in read_manifest(path)]
    points = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.jsonl"
            write_repeated(path, items, size)
            command = [sys.executable, __file__, "--config", str(config), "--steps", str(steps)]
            found = []
            for _ in range(2):
                started = ["--child", str(path), str(time.time())]
                result = subprocess.run(
                    [*command, *started], stdout=subprocess.PIPE, text=True, check=True
                )
                found.append(json.loads(result.stdout.splitlines()[-1]))
            built, again = found
            points.append(
                Point(
                    size,
                    path.stat().st_size / 1e6,
                    again["seconds"],
                    built["seconds"],
                    again["peak"] / 1e6,
                    built["peak"] / 1e6,
                )
            )
    table = Table(
        *("lines", "manifest, MB", "seconds to the first step", "peak memory, MB"),
        *("seconds, table built", "peak memory, MB"),
        box=MARKDOWN,
    )
    for point in points:
        table.add_row(
            *(f"{point.lines:,}", f"{point.size:.1f}"),
            *(f"{point.seconds:.1f}", f"{point.memory:.0f}"),
            *(f"{point.built:.1f}", f"{point.memory_built:.0f}"),
        )
    Console(width=120).print(table)
    return points


def write_repeated(path: Path, items: list[Utterance], size: int) -> None:
    """Write a manifest of ``size`` lines, in which ``items`` are repeated under new ids."""
    write_manifest(path, items)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with open(path, "w", encoding="utf-8") as file:
        for number, row in enumerate(islice(cycle(rows), size)):
            file.write(json.dumps(row | {"id": f"{row['id']}-{number}"}) + "\n")


def draw(points: list[Point], path: Path) -> None:
    """Write a picture of seconds (left) and memory (right) against the lines of the manifest."""
    figure, (left, right) = subplots(1, 2, (8, 3))
    left.set_yscale("log")
    lines = [point.lines for point in points]
    for axes, names, label in (
        (left, ("built", "seconds"), "seconds to the first step"),
        (right, ("memory_built", "memory"), "peak memory, MB"),
    ):
        for name, shape, text in zip(
            names, ("o--", "o-"), ("builds the table", "finds it"), strict=True
        ):
            values = [getattr(point, name) for point in points]
            axes.plot(lines, values, shape, color=LINE, markersize=4, label=text)
        axes.set_xscale("log")
        style(axes)
        axes.set_xticks(lines, [f"{number:,}" for number in lines])
        axes.set_xlabel("lines of the manifest", color=INK)
        axes.set_ylabel(label, color=INK)
    right.set_ylim(0, 1.2 * max(point.memory_built for point in points))
    left.legend(frameon=False, labelcolor=INK)
    save(figure, path)


class Enough(Exception):
    """An exception that ends the training once it has done enough steps."""


def train(config: Path, manifest: Path, started: float, steps: int) -> None:
    """Train on ``manifest`` for some steps as ``asr train`` does; print the figures as JSON."""
    tune_libraries()
    from asr.training import fit as engine

    options = load_config(config)
    data = replace(options.data, train=(str(manifest),), cache=str(manifest.parent / "cache"))
    options = replace(options, data=data)
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
