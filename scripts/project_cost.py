"""Project the cost of training on a corpus that is not at hand from the speed of its network.

    python scripts/project_cost.py --config recipes/librispeech/config.toml --hours 100.6 \\
        --manifest data/librispeech_sample/train-clean-100.jsonl \\
        --output recipes/librispeech/cost/100h.json

The network is trained as ``asr train`` does it, but on a manifest of other speech. It is trained
for ``--epochs`` epochs, of which the fastest counts, so let nothing else run beside it. The
projection is the hours of the corpus times the epochs of the configuration, divided by that speed.
If the speed was not measured on a GPU, the time on one GPU is estimated too. The estimate takes a
training step for three times the operations of the network forward, at the rate ``ASSUMED``.
"""

import argparse
import json
import platform
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from asr.config import to_mapping
from asr.data.manifest import read_manifest, write_manifest
from asr.errors import AsrError
from asr.files import sha256, write_atomically
from asr.model.directory import read_model
from asr.training.config import Config, load_config
from asr.training.curves import read_metrics
from asr.training.fit import fit
from asr.training.model import Encoder
from asr.version import __version__

ASSUMED = 2e12
"""Operations a second that one GPU is assumed to reach in training. This was not measured. It is a
tenth of what the maker states for an A100 (19.5 TFLOP/s in float32), because a recurrent layer has
to wait for one frame after the other."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--config", type=Path, required=True, help="the configuration of the corpus's recipe"
    )
    parser.add_argument(
        "--hours", type=float, required=True, help="the length of its training part"
    )
    parser.add_argument(
        "--manifest", type=Path, required=True, help="the speech to measure the speed on"
    )
    parser.add_argument("--epochs", type=int, default=2, help="epochs to measure; default: 2")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config)
        values = project(config, options.manifest, options.hours, options.epochs)
        values = {"config": options.config.name, **values}
        write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def project(config: Config, manifest: Path, hours: float, epochs: int) -> dict[str, Any]:
    """Measure the speed of training, and return the values of the file.

    Raises:
        ConfigError: an utterance is too long for the batches of the configuration.
        DataError: the manifest cannot be used.
    """
    items = read_manifest(manifest)
    longest = max(item.duration for item in items)
    with tempfile.TemporaryDirectory() as folder:
        dev = Path(folder) / "dev.jsonl"
        write_manifest(dev, items[:1])
        measured = replace(
            config,
            data=replace(
                config.data,
                train=(str(manifest),),
                dev=(str(dev),),
                characters="",
                max_duration=max(longest, config.data.max_duration),
                cache=f"{folder}/cache",
            ),
            training=replace(
                config.training,
                epochs=epochs,
                average=1,
                workers=config.training.workers if torch.cuda.is_available() else 0,
            ),
        )
        model = read_model(fit(measured, folder=Path(folder) / "run"))
        seconds = min(row["seconds"] for row in read_metrics(Path(folder) / "run" / "metrics.csv"))
    total = sum(item.duration for item in items)
    speed = total / seconds
    work = hours * config.training.epochs
    step = 3 * operations(config, len(model.vocabulary))
    return {
        "command": shlex.join(["python", "scripts/project_cost.py", *sys.argv[1:]]),
        "encoder": to_mapping(config.encoder),
        "parameters": model.provenance["parameters"],
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "minutes": round(total / 60, 2),
        "seconds_per_epoch": seconds,
        "times_real_time": round(speed, 1),
        "hardware": model.provenance["hardware"],
        "threads": torch.get_num_threads(),
        "hours": hours,
        "epochs": config.training.epochs,
        "projected_hours": round(work / speed, 5),
        "operations": round(step),
        "estimate": None
        if torch.cuda.is_available()
        else {"operations_per_second": ASSUMED, "hours": round(work * step / ASSUMED, 5)},
        "versions": {
            "asr": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }


def operations(config: Config, symbols: int) -> float:
    """Return the multiplications and additions of the network, forward, for a second of audio."""
    with torch.device("meta"):
        encoder = Encoder(config.encoder, config.features.num_mels, symbols)
    rate = config.features.sample_rate / config.features.hop_length
    weights = (w for part in (encoder.layers, encoder.output) for w in part.parameters())
    total = 2 * rate / config.encoder.reduction * sum(w.numel() for w in weights if w.dim() == 2)
    mels = config.features.num_mels
    for convolution in encoder.front.convolutions:
        rate, mels = rate / 2, -(-mels // 2)
        total += 2 * rate * mels * convolution.weight.numel()
    return total


if __name__ == "__main__":
    main()
