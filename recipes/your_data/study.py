"""Measure how much ten minutes of one's own recordings improve a model: results.json.

    python recipes/an4/prepare.py --archive an4_sphere.tar.gz --output data/an4   # or --download
    python recipes/your_data/study.py
    python scripts/tables.py

Speakers of AN4's training set, drawn until they have spoken for 15 minutes, stand for somebody's
own recordings. A base model is trained by AN4's recipe on the other speakers. (Their texts are of
the same kind, and some are even the same.) ``prepare.py`` divides the own recordings: two thirds
are trained on, and the rest is the test, with the same voices. Three models are measured on the
test, once each: the base model as it is, the base model fine-tuned on the own recordings, and a
network that is trained on the own recordings alone. A training that was finished earlier is not
repeated, and one that was stopped goes on.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from asr.data.leakage import find_leakage
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.comparison import compare
from asr.evaluation.evaluate import evaluate, results_values
from asr.files import write_atomically
from asr.recognition.transcriber import Transcriber
from asr.training.config import load_config
from asr.training.environment import tune_libraries
from asr.training.fit import fit_once

HERE = Path(__file__).parent
AN4_CONFIG = HERE.parent / "an4" / "config.toml"
NAME = "your_data"
BASE, TUNED, SCRATCH = "base", "fine-tuned", "from scratch"
SHARES = ("--split", "files", "--test-share", "0.333", "--dev-share", "0.067")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--an4", type=Path, default=Path("data/an4"), help="AN4, prepared; default: data/an4"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=15,
        help="draw this much speech as own recordings; default: 15",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="determines which speakers are drawn; default: 1"
    )
    parser.add_argument(
        "--base-epochs", type=int, default=60, help="epochs of the base model; default: 60"
    )
    parser.add_argument(
        "--epochs",
        type=int,
        help="epochs of the other models; default: as many as prepare.py suggests",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=HERE / "results.json",
        help="the JSON file to write; default: results.json beside this script",
    )
    options = parser.parse_args(arguments)
    command = shlex.join(["python", "recipes/your_data/study.py", *(arguments or sys.argv[1:])])
    try:
        values = study(options.an4, options.minutes, options.seed, options.base_epochs,
                       options.epochs)  # fmt: skip
        text = json.dumps({"command": command, **values}, indent=1, ensure_ascii=False)
        write_atomically(options.output, text + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def study(
    an4: Path, minutes: float, seed: int, base_epochs: int, epochs: int | None
) -> dict[str, Any]:
    """Train the models that are missing, measure all, and return the values of ``results.json``."""
    tune_libraries()
    folder = an4.parent / NAME
    others, own = folder / "others.jsonl", folder / "own.jsonl"
    chosen, rest = choose(read_manifest(an4 / "train.jsonl"), minutes, seed)
    keep(others, rest)
    keep(own, chosen)
    base = train(
        AN4_CONFIG,
        f"{NAME}-base",
        **{
            "data.train": json.dumps([str(others)]),
            "data.dev": json.dumps([str(an4 / "dev.jsonl")]),
            "training.epochs": base_epochs,
        },
    )
    runs = {BASE: base}
    outputs = {}
    for name, options in ((TUNED, ["--model", base]), (SCRATCH, ["--from-scratch"])):
        output = outputs[name] = an4.parent / f"{NAME}-{name.replace(' ', '-')}"
        if not (output / "config.toml").exists():
            script = [sys.executable, HERE / "prepare.py", own, "--output", output]
            subprocess.run([*script, *SHARES, *options], check=True)
        given = {} if epochs is None else {"training.epochs": epochs}
        runs[name] = train(output / "config.toml", output.name, **given)
    part = {name: outputs[TUNED] / f"{name}.jsonl" for name in ("train", "dev", "test")}
    trained = [others, part["train"], part["dev"]]
    rows = {name: measure(model, part["test"], trained) for name, model in runs.items()}
    if epochs is None:  # the expectation is one for the suggested number of epochs
        for name, output in outputs.items():
            rows[name]["expected_minutes"] = expected_minutes(output / "config.toml")
    test = read_manifest(part["test"])
    values = {
        "seed": seed,
        "speakers": len({item.speaker for item in chosen}),
        "others": amount(rest),
        **{name: amount(read_manifest(path)) for name, path in part.items()},
        "shared": {
            name: asdict(
                find_leakage(test, [item for path in paths for item in read_manifest(path)])
            )
            for name, paths in (("others", [others]), ("own", trained[1:]))
        },
        "rows": [{"model": name, **row} for name, row in rows.items()],
        "differences": [difference(test, rows, *pair) for pair in combinations(rows, 2)],
    }
    for item in values["differences"]:
        print(f"{item['second']} against {item['first']}: {item['verdict']}")
    return values


def choose(
    utterances: list[Utterance], minutes: float, seed: int
) -> tuple[list[Utterance], list[Utterance]]:
    """Draw speakers until they have this many minutes; return their utterances, and all others.

    Raises:
        DataError: no speaker is left for the others.
    """
    speakers = sorted({str(item.speaker) for item in utterances})
    order = np.random.default_rng(seed).permutation(len(speakers)).tolist()
    own: set[str] = set()
    left = 60 * minutes
    while left > 0 and order:
        own.add(speakers[order.pop()])
        left = 60 * minutes - sum(item.duration for item in utterances if item.speaker in own)
    if not order:
        raise DataError(f"{minutes:g} minutes of own recordings leave no speaker for a base model")
    chosen = [item for item in utterances if item.speaker in own]
    return chosen, [item for item in utterances if item.speaker not in own]


def keep(path: Path, utterances: list[Utterance]) -> None:
    """Write a manifest, or check that the one that exists has the same utterances.

    Raises:
        DataError: it has others; runs may have been trained on them.
    """
    new = path.with_suffix(".new.jsonl")
    write_manifest(new, utterances)
    if path.exists() and path.read_bytes() != new.read_bytes():
        new.unlink()
        raise DataError(f"{path} holds another choice; remove {path.parent}* and runs/{NAME}-*")
    new.replace(path)


def train(config: Path, name: str, **settings: Any) -> Path:
    """Return the model of the run ``name``, after training what is missing of it.

    Raises:
        DataError: the run was trained with other settings or on other data.
    """
    values = {"name": name, **settings}
    return fit_once(load_config(config, [f"{key}={value}" for key, value in values.items()]))


def measure(model: Path, manifest: Path, trained: list[Path]) -> dict[str, Any]:
    """Measure a model on the test set, and return the results and what its training took."""
    transcriber = Transcriber(model)
    found = results_values(evaluate(manifest, transcriber, trained), transcriber)
    provenance = transcriber.model.provenance
    return {
        "epochs": provenance["config"]["training"]["epochs"],
        "minutes": provenance["minutes"],
        "hardware": provenance["hardware"],
        "wer": found["score"]["wer"],
        "wer_interval": found["wer_interval"],
        "unseen_texts": found["unseen_texts"],
        "hypotheses": {item["id"]: item["hypothesis"] for item in found["utterances"]},
    }


def expected_minutes(config: Path) -> int:
    """Return the minutes that ``prepare.py`` wrote at the head of its configuration.

    Raises:
        DataError: it wrote none.
    """
    head = re.search(r"^# Expected: (\d+) minutes", config.read_text(encoding="utf-8"), re.M)
    if head is None:
        raise DataError(f"{config}: does not say how many minutes are expected")
    return int(head[1])


def amount(utterances: list[Utterance]) -> dict[str, Any]:
    """Return the amount of speech in utterances."""
    return {
        "utterances": len(utterances),
        "minutes": round(sum(item.duration for item in utterances) / 60, 2),
        "words": sum(len(item.text.split()) for item in utterances),
    }


def difference(
    test: list[Utterance], rows: dict[str, dict[str, Any]], first: str, second: str
) -> dict[str, Any]:
    """Return the paired comparison of two rows.

    Its verdict calls one model better where both the interval over speakers and the matched pairs
    say so.
    """
    texts = [[rows[name]["hypotheses"][item.id] for item in test] for name in (first, second)]
    found = compare([item.text for item in test], *texts, [item.speaker for item in test])
    values = asdict(found)
    pairs = found.matched_pairs
    return {
        "first": first,
        "second": second,
        **{name: values[name] for name in ("rate", "low", "high", "groups", "over")},
        "p": None if pairs is None else pairs.p,
        "verdict": found.verdict(first, second),
    }


if __name__ == "__main__":
    main()
