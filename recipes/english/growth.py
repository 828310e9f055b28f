"""Measure what hours of real and of synthetic speech are worth: short trainings on shares of both.

    python recipes/english/growth.py --data data/english --output recipes/english/growth.json

Each training takes the same steps from the same first weights: epochs of as many hours, whatever
there is of speech. A share of the real recordings is one of each set's speakers, or of its
recordings where fewer than ten speak; a share of the synthetic ones is one of the utterances. Every
smaller share is part of the larger ones. The word error rates are those of greedy decoding on the
development sets. A training that is finished is not done again.
"""

import argparse
import csv
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prepare import COMBINED, SYNTHETIC

from asr.config import read_values
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError
from asr.files import write_atomically
from asr.training.config import Config, load_config
from asr.training.fit import fit_once

HERE = Path(__file__).parent
SHARES = ((1.0, 1.0), (0.5, 1.0), (0.25, 1.0), (1.0, 0.5), (1.0, 0.25), (1.0, 0.0))
"""The shares of real and of synthetic speech."""
FEW = 10


@dataclass(frozen=True)
class Part:
    """A training on a share of the ``real`` and of the ``synthetic`` speech."""

    real: float
    synthetic: float

    @property
    def name(self) -> str:
        """Return the name of the run, such as ``english-growth-50-100``."""
        return f"english-growth-{100 * self.real:.0f}-{100 * self.synthetic:.0f}"

    def of(self, items: Sequence[Utterance]) -> list[Utterance]:
        """Return the utterances of the part, without those that are joined of others: these may
        be of other parts."""
        speakers: dict[str, set[str | None]] = defaultdict(set)
        for item in items:
            speakers[item.extra["set"]].add(item.speaker)
        chosen = []
        for item in items:
            name = item.extra["set"]
            if name.startswith(COMBINED):
                continue
            alone = name in SYNTHETIC or len(speakers[name]) < FEW
            key = item.id if alone else str(item.speaker)
            share = self.synthetic if name in SYNTHETIC else self.real
            if zlib.crc32(key.encode()) < share * 2**32:
                chosen.append(item)
        return chosen


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("data/english"), help="default: data/english")
    add("--epochs", type=int, default=24, help="epochs of each training; default: 24")
    add("--hours", type=float, default=2.0, help="hours of an epoch; default: 2")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="as of asr train")
    add("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    try:
        rows = [
            measure(Part(*shares), options.data, options.epochs, options.hours, options.set)
            for shares in SHARES
        ]
    except AsrError as error:
        sys.exit(f"error: {error}")
    values = {"epochs": options.epochs, "hours_of_epoch": options.hours, "rows": rows}
    write_atomically(options.output, json.dumps(values, indent=1) + "\n")


def measure(
    part: Part, data: Path, epochs: int, hours: float, settings: Sequence[str]
) -> dict[str, Any]:
    """Train on a part, and return its hours and the error rates of its last epoch.

    Raises:
        AsrError: the data or the configuration cannot be used.
    """
    items = part.of(read_manifest(data / "train.jsonl"))
    folder = data / "growth"
    manifest, mix = folder / f"{part.name}.jsonl", folder / f"{part.name}.toml"
    write_manifest(manifest, items)
    write_atomically(mix, mix_of(items, hours))
    config = configured(part, [manifest], mix, epochs, data, settings)
    model = fit_once(config)
    with (model.parent / "metrics.csv").open(encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    spoken: dict[bool, float] = {True: 0.0, False: 0.0}
    for item in items:
        spoken[item.extra["set"] in SYNTHETIC] += item.duration / 3600
    return {
        "real": part.real,
        "synthetic": part.synthetic,
        "real_hours": round(spoken[False], 4),
        "synthetic_hours": round(spoken[True], 4),
        "minutes": round(float(last["seconds"]) * epochs / 60, 1),
        "wer": {
            name.removeprefix("wer_"): round(float(value), 2)
            for name, value in last.items()
            if name.startswith("wer_")
        },
    }


def mix_of(items: Sequence[Utterance], hours: float) -> str:
    """Return the mix of the recipe, without the sets that a part does not have."""
    sets = {item.extra["set"] for item in items}
    values = read_values(HERE / "mix.toml")
    lines = [f"hours = {hours}"]
    for table in ("shares", "weights"):
        lines.append(f"[{table}]")
        lines += [f"{name} = {value}" for name, value in values[table].items() if name in sets]
    return "\n".join([*lines, ""])


def configured(
    part: Part,
    manifests: Sequence[Path],
    mix: Path,
    epochs: int,
    data: Path,
    settings: Sequence[str],
) -> Config:
    """Return the configuration of a training: the recipe's, in one cycle."""
    given = {
        "name": part.name,
        "data.train": json.dumps([str(path) for path in manifests]),
        "data.dev": json.dumps([str(data / "dev.jsonl")]),
        "data.mix": mix,
        "augment.noise.manifest": data / "noise.jsonl",
        "optimizer.schedule": "one_cycle",
        "optimizer.plan": "",
        "optimizer.warmup": 0.1,
        "training.epochs": epochs,
        "training.average": 1,
        "training.keep_every": 0,
    }
    return load_config(
        HERE / "config.toml", [*(f"{key}={value}" for key, value in given.items()), *settings]
    )


if __name__ == "__main__":
    main()
