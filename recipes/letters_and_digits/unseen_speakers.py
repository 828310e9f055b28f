"""Measure a model on speakers that it has never heard, by leaving each of FSDD's out in turn.

    python recipes/letters_and_digits/unseen_speakers.py --model recipes/an4/model \\
        --also data/an4/train.jsonl --share 0.2 --output recipes/letters_and_digits/unseen.json

FSDD has six speakers, and ``--model`` must not have heard any of them. For each of them, it is
trained further on the training recordings of the five others, together with ``--share`` of the
utterances of the ``--also`` manifests. ``--config`` and ``--epochs`` say how. The best epoch is
chosen on the development recordings of the five. Then all 500 recordings of the speaker who was
left out, and his strings of the test part, are recognised once. A run that was stopped goes on
where it was.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from publish import trainings

from asr.config import to_mapping
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.evaluate import evaluate, results_values
from asr.evaluation.interval import wer_interval
from asr.evaluation.results import count_values, counts_from_values
from asr.evaluation.scoring import ErrorCounts
from asr.files import sha256, write_atomically
from asr.model.directory import read_model
from asr.recognition.transcriber import Transcriber
from asr.training.config import Config, load_config
from asr.training.environment import tune_libraries
from asr.training.fit import fit_once

HERE = Path(__file__).parent
ISOLATED = ("train", "dev", "test")  # parts of FSDD; the first two also hold strings of digits
STRINGS = "test_strings"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("recipes/an4/model"),
        help="the model to be trained further; default: recipes/an4/model",
    )
    parser.add_argument(
        "--fsdd", type=Path, default=Path("data/fsdd"), help="FSDD, prepared; default: data/fsdd"
    )
    parser.add_argument(
        "--also",
        type=Path,
        nargs="+",
        default=[],
        metavar="MANIFEST",
        help="manifests of other speech to train on; default: none",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="the share of their utterances that is trained on; default: 1",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=HERE / "config.toml",
        help="the configuration of the training; default: the recipe's own",
    )
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each training; default: 5")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change a setting of the configuration",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/unseen"),
        help="the folder to keep the trainings in; default: runs/unseen",
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    if not 0 < options.share <= 1 or options.epochs < 1:
        parser.error("needs --share above 0, at most 1, and --epochs of 1 or more")
    command = shlex.join(
        ["python", "recipes/letters_and_digits/unseen_speakers.py", *(arguments or sys.argv[1:])]
    )
    settings = [f"training.epochs={options.epochs}", "training.average=1", *options.set]
    try:
        tune_libraries()
        config = load_config(options.config, settings)
        also = [item for path in options.also for item in share(path, options.share)]
        values = study(options.model, options.fsdd, also, config, options.runs)
        values = {
            "command": command,
            "also": {str(path): sha256(path) for path in options.also},
            **values,
        }
        write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def share(manifest: Path, part: float) -> list[Utterance]:
    """Return a ``part`` (0 to 1) of the utterances of a manifest, evenly spread over it."""
    items = read_manifest(manifest)
    return [item for i, item in enumerate(items) if int((i + 1) * part) > int(i * part)]


def study(
    model: Path, fsdd: Path, also: Sequence[Utterance], config: Config, runs: Path
) -> dict[str, Any]:
    """Train and measure a model for each speaker, and return the values of the JSON file.

    Raises:
        DataError: a speaker is among those that the model was trained on or those of ``also``, or
            nobody can tell.
    """
    parts = {name: read_manifest(fsdd / f"{name}.jsonl") for name in (*ISOLATED, STRINGS)}
    speakers = sorted({str(item.speaker) for item in parts["test"]})
    heard = [*trained_on(model), *also]
    check_unknown(heard, [item for items in parts.values() for item in items])
    found = {}
    for speaker in speakers:
        found[speaker] = leave_out(speaker, parts, also, model, config, runs / speaker)
        wer = found[speaker]["isolated"]["wer"]
        print(f"{speaker}: {wer['errors']} of {wer['reference']} digits wrong", flush=True)
    return {
        "start": {"path": str(model), "sha256": read_model(model).hash},
        "fsdd": {name: sha256(fsdd / f"{name}.jsonl") for name in parts},
        "config": to_mapping(config),
        "hardware": read_model(runs / speakers[0] / "run" / "model").provenance["hardware"],
        "speakers": found,
        "all": {part: together(found, part) for part in ("isolated", "strings")},
    }


def trained_on(model: Path) -> list[Utterance]:
    """Return the utterances that a model was trained and selected on.

    Those of the models that it began as are among them.

    Raises:
        DataError: a manifest does not exist any more, or has changed since.
    """
    heard = []
    for each in trainings(read_model(model)):
        for path, digest in each.provenance["data"].items():
            if not Path(path).exists() or sha256(path) != digest:
                raise DataError(
                    f"{path} is not what {model} was trained with, so nobody can tell whom it has "
                    "heard; prepare it there"
                )
            heard += read_manifest(path)
    return heard


def check_unknown(heard: Collection[Utterance], held_out: Collection[Utterance]) -> None:
    """Check that no speaker and no file of ``held_out`` is among those ``heard``.

    Raises:
        DataError: one of them is.
    """
    speakers = {item.speaker for item in heard} - {None}
    files = {item.audio.resolve() for item in heard}
    for item in held_out:
        if item.speaker in speakers or item.audio.resolve() in files:
            raise DataError(
                f"{item.speaker} ({item.audio}) has been heard already; needs a model and "
                "manifests without the speakers that are to be left out"
            )


def leave_out(
    speaker: str,
    parts: dict[str, list[Utterance]],
    also: Sequence[Utterance],
    model: Path,
    config: Config,
    folder: Path,
) -> dict[str, Any]:
    """Train without ``speaker``, unless that was done already, and recognise his recordings."""
    train, dev, isolated, strings = (
        folder / f"{name}.jsonl" for name in ("train", "dev", "isolated", "strings")
    )
    write_manifest(train, [*without(speaker, parts["train"]), *also])
    write_manifest(dev, without(speaker, parts["dev"]))
    own = [item for part in ISOLATED for item in parts[part] if item.speaker == speaker]
    write_manifest(isolated, [item for item in own if " " not in item.text])
    write_manifest(strings, [item for item in parts[STRINGS] if item.speaker == speaker])
    check_unknown(
        [item for path in (train, dev) for item in read_manifest(path)],
        [item for path in (isolated, strings) for item in read_manifest(path)],
    )
    config = replace(
        config,
        data=replace(config.data, train=(str(train),), dev=(str(dev),)),
        training=replace(config.training, init_from=str(model)),
    )
    transcriber = Transcriber(fit_once(config, folder / "run"))
    return {
        "model": transcriber.model.hash,
        "minutes": transcriber.model.provenance["minutes"],
        "isolated": recognise(isolated, transcriber),
        "strings": recognise(strings, transcriber),
    }


def without(speaker: str, items: Sequence[Utterance]) -> list[Utterance]:
    """Return the utterances of all other speakers."""
    return [item for item in items if item.speaker != speaker]


def recognise(manifest: Path, transcriber: Transcriber) -> dict[str, Any]:
    """Return the word errors, and the reference and hypothesis of each text that is wrong."""
    found = results_values(evaluate(manifest, transcriber), transcriber)
    return {
        "wer": found["score"]["wer"],
        "wrong": {
            item["id"]: [item["reference"], item["hypothesis"]]
            for item in found["utterances"]
            if item["errors"]
        },
    }


def together(found: dict[str, dict[str, Any]], part: str) -> dict[str, Any]:
    """Return the word errors of all speakers, and their confidence interval over speakers."""
    counts = [counts_from_values(item[part]["wer"]) for item in found.values()]
    interval = wer_interval(counts, list(found))
    return {
        "wer": count_values(sum(counts, ErrorCounts())),
        "wer_interval": None if interval is None else asdict(interval),
    }


if __name__ == "__main__":
    main()
