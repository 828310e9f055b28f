"""Train vanilla RNN, LSTM and GRU, in one direction and in both, on AN4 with the same budget.

    python recipes/cells/study.py
    python recipes/cells/gradients.py
    python scripts/tables.py

Every cell and direction is trained with three seeds at each of two hidden sizes: that of
``config.toml``, and the one at which the number of parameters comes closest to that of the
bidirectional GRU of ``config.toml``. Each cell is also trained once in one direction without
clipping the gradient. Each run is an ``asr train`` of its own, and its record is ``runs/NAME.json``
beside this file. A run that has its record is not trained again.
"""

import argparse
import os
import subprocess
import sys
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from asr.errors import AsrError, TrainingError
from asr.text import Vocabulary
from asr.training.config import Config, load_config
from asr.training.model import Encoder

HERE = Path(__file__).parent
DATA = Path("data/an4")  # config.toml trains on it
CELLS = ("rnn", "lstm", "gru")
SEEDS = (1, 2, 3)
UNCLIPPED = 1e9


@dataclass(frozen=True)
class Run:
    """One training of the study, which knows where its results lie."""

    cell: str
    bidirectional: bool
    hidden_size: int
    seed: int
    clipped: bool = True

    @property
    def name(self) -> str:
        """Return the name of the run, for example ``gru-bi-128-1``."""
        direction = "bi" if self.bidirectional else "uni"
        name = f"{self.cell}-{direction}-{self.hidden_size}-{self.seed}"
        return name if self.clipped else f"{name}-unclipped"

    @property
    def folder(self) -> Path:
        """Return the folder in which ``asr train`` keeps the run."""
        return Path("runs") / f"cells-{self.name}"

    @property
    def record(self) -> Path:
        """Return the path of the run's record, a JSON file."""
        return HERE / "runs" / f"{self.name}.json"

    @property
    def settings(self) -> list[str]:
        """Return the arguments of ``--set`` with which ``asr train`` trains the run."""
        values = {
            "name": self.folder.name,
            "seed": self.seed,
            "encoder.cell": self.cell,
            "encoder.bidirectional": str(self.bidirectional).lower(),
            "encoder.hidden_size": self.hidden_size,
        }
        if not self.clipped:
            values["optimizer.gradient_clip"] = UNCLIPPED
        return [f"{key}={value}" for key, value in values.items()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--jobs",
        type=int,
        default=2,
        help="the number of trainings at once, each on one core; default: 2",
    )
    parser.add_argument("--list", action="store_true", help="only print what is left to train")
    options = parser.parse_args(arguments)
    runs = [run for run in study(load_config(HERE / "config.toml")) if not run.record.exists()]
    if options.list:
        print("\n".join(run.name for run in runs))
        return
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for run in pool.map(train, runs):
                print(f"finished: {run.name}", file=sys.stderr, flush=True)
        for run in runs:  # once more, to measure the speed of each while nothing runs beside it
            record(run)
    except AsrError as error:
        sys.exit(f"error: {error}")


def study(base: Config) -> list[Run]:
    """Return all runs of the study, those of the first seed first."""
    target = parameters(base)
    shapes = [
        (cell, bidirectional, size)
        for cell in CELLS
        for bidirectional in (False, True)
        for size in {base.encoder.hidden_size, equal_size(base, cell, bidirectional, target)}
    ]
    runs = [Run(*shape, seed) for seed in SEEDS for shape in shapes]
    runs += [Run(cell, False, base.encoder.hidden_size, SEEDS[0], False) for cell in CELLS]
    return sorted(runs, key=lambda run: run.seed)


def parameters(config: Config) -> int:
    """Return the number of weights of the network of ``config``."""
    vocabulary = Vocabulary.from_characters(config.data.characters)
    with torch.device("meta"):
        encoder = Encoder(config.encoder, config.features.num_mels, len(vocabulary))
    return sum(weight.numel() for weight in encoder.parameters())


def equal_size(base: Config, cell: str, bidirectional: bool, target: int) -> int:
    """Return the hidden size at which the number of parameters is closest to ``target``."""

    def count(size: int) -> int:
        encoder = replace(base.encoder, cell=cell, bidirectional=bidirectional, hidden_size=size)
        return parameters(replace(base, encoder=encoder))

    sizes = range(1, 2048)
    above = bisect_left(sizes, target, key=count)
    return min(sizes[above - 1 : above + 1], key=lambda size: abs(count(size) - target))


def train(run: Run) -> Run:
    """Train a run, or what is left of it after it was stopped, and write its record."""
    if not (run.folder / "model").exists():
        command = [str(Path(sys.executable).with_name("asr")), "train"]
        command += ["--config", os.path.relpath(HERE / "config.toml")]
        for setting in run.settings:
            command += ["--set", setting]
        if (run.folder / "last.ckpt").exists():
            command.append("--resume")
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2]
            raise TrainingError(f"{run.name} ended with exit code {done.returncode}: {reason}")
    record(run)
    return run


def record(run: Run) -> None:
    """Write the record of a run."""
    script = HERE.parent.parent / "scripts" / "record_run.py"
    options = ["--run", run.folder, "--data", DATA, "--output", run.record]
    subprocess.run([sys.executable, script, *options], check=True)


if __name__ == "__main__":
    main()
