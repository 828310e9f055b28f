"""Measure a model on AN4, spoken digits and the samples, clean and degraded: one JSON file.

    python recipes/letters_and_digits/measure_conditions.py --model asr/models/default \\
        --output recipes/letters_and_digits/conditions.json

The model recognises the official test parts of AN4 and FSDD, the latter as isolated digits and
joined to strings (``recipes/fsdd/prepare.py``), and the samples. The degraded copies are those of
``conditions.py``; their babble is made of AN4's training speakers. The model decodes as it does by
default, and the file keeps every hypothesis.
"""

import argparse
import json
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conditions import SEED, Talkers, degrade

import asr
from asr.audio.probe import probe
from asr.audio.read import MAX_READ_SECONDS
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.evaluate import decoder_values, evaluate, results_values
from asr.files import read_text, sha256, write_atomically
from asr.model.directory import default_model
from asr.recognition.transcriber import Transcriber

CLEAN = "clean"
NOISY = (CLEAN, "snr20", "snr10", "snr5", "8khz", "telephone")
CODED = (CLEAN, "mp3", "telephone")


@dataclass(frozen=True)
class Set:
    """The recordings of a ``manifest``, which are to be recognised in some ``conditions``."""

    manifest: Path
    conditions: tuple[str, ...]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    parser.add_argument(
        "--an4", type=Path, default=Path("data/an4"), help="AN4, prepared; default: data/an4"
    )
    parser.add_argument(
        "--fsdd", type=Path, default=Path("data/fsdd"), help="FSDD, prepared; default: data/fsdd"
    )
    parser.add_argument(
        "--samples",
        type=Path,
        default=Path("samples"),
        help="a folder of recordings NAME.wav with their texts NAME.txt; default: samples",
    )
    parser.add_argument(
        "--copies",
        type=Path,
        default=Path("data/conditions"),
        help="the folder to write the degraded copies to; default: data/conditions",
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    command = shlex.join(
        ["python", "recipes/letters_and_digits/measure_conditions.py", *(arguments or sys.argv[1:])]
    )
    try:
        values = measure(options.model, options.an4, options.fsdd, options.samples, options.copies)
        write_atomically(
            options.output, json.dumps({"command": command, **values}, indent=1) + "\n"
        )
    except AsrError as error:
        sys.exit(f"error: {error}")


def measure(model: Path, an4: Path, fsdd: Path, samples: Path, copies: Path) -> dict[str, Any]:
    """Write the degraded copies, recognise everything, and return the values of the JSON file.

    Raises:
        ModelError: the model cannot be used.
        DataError: a corpus is not prepared.
    """
    transcriber = asr.load(model)
    talkers = an4 / "train.jsonl"
    speakers = Talkers(read_manifest(talkers))
    sets = {
        "an4_test": Set(an4 / "test.jsonl", NOISY),
        "fsdd_test": Set(fsdd / "test.jsonl", NOISY),
        "fsdd_strings": Set(fsdd / "test_strings.jsonl", NOISY),
        "samples": Set(list_samples(samples, copies / "samples.jsonl"), CODED),
    }
    found = {
        name: {
            condition: recognise(
                copy(part.manifest, condition, speakers, copies / name), transcriber
            )
            for condition in part.conditions
        }
        for name, part in sets.items()
    }
    return {
        "model": transcriber.model.hash,
        "decoder": decoder_values(transcriber),
        "seed": SEED,
        "talkers": {"path": str(talkers), "sha256": sha256(talkers)},
        "manifests": {
            name: {"path": str(part.manifest), "sha256": sha256(part.manifest)}
            for name, part in sets.items()
            if name != "samples"
        },
        "sets": found,
        "versions": {"asr": asr.__version__, "python": platform.python_version()},
    }


def list_samples(folder: Path, manifest: Path) -> Path:
    """Write ``manifest``, which has each ``NAME.wav`` of ``folder`` with the text of ``NAME.txt``.

    Raises:
        DataError: there are no recordings, or one has no text.
    """
    items = [
        Utterance(
            path,
            probe(path, MAX_READ_SECONDS).duration,
            read_text(path.with_suffix(".txt"), "text of a sample").strip(),
            path.stem,
        )
        for path in sorted(folder.glob("*.wav"))
    ]
    if not items:
        raise DataError(f"{folder}: holds no NAME.wav with its NAME.txt")
    write_manifest(manifest, items)
    return manifest


def copy(manifest: Path, condition: str, talkers: Talkers, folder: Path) -> Path:
    """Return the manifest of the recordings in a condition; in the clean one it is ``manifest``."""
    if condition == CLEAN:
        return manifest
    return degrade(read_manifest(manifest), condition, talkers, folder)


def recognise(manifest: Path, transcriber: Transcriber) -> dict[str, Any]:
    """Return the word errors with their interval, the calibration error, and every hypothesis."""
    values = results_values(evaluate(manifest, transcriber), transcriber)
    calibration = values["calibration"]
    return {
        "wer": values["score"]["wer"],
        "wer_interval": values["wer_interval"],
        "ece": None if calibration is None else round(calibration["ece"], 4),
        "utterances": values["utterance_count"],
        "utterances_wrong": values["score"]["ser"]["errors"],
        "hypotheses": {item["id"]: item["hypothesis"] for item in values["utterances"]},
    }


if __name__ == "__main__":
    main()
