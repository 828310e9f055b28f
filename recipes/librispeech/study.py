"""Measure how well a model recognises the seventy utterances that it has learnt by heart.

    python recipes/librispeech/study.py

``asr train --config recipes/librispeech/sample.toml`` has trained the model. It decodes them by
greedy search, and with a language model that ``asr lm build`` has made of the same transcripts. The
script writes ``results.json``.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from asr.errors import AsrError
from asr.evaluation.evaluate import evaluate
from asr.evaluation.results import score_values
from asr.files import sha256, write_atomically
from asr.recognition.transcriber import Transcriber
from asr.training.curves import read_metrics

HERE = Path(__file__).parent
FROM_MODEL = ("command", "seed", "parameters", "minutes", "hardware", "config", "versions")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/librispeech_sample"),
        help="the folder of the manifest and the language model; default: data/librispeech_sample",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs/librispeech-sample"),
        help="the folder of the training; default: runs/librispeech-sample",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=HERE / "results.json",
        help="the JSON file to write; default: results.json beside this script",
    )
    options = parser.parse_args(arguments)
    try:
        values = study(options.data, options.run)
        write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")
    for name, score in values["scores"].items():
        print(f"{name}: {100 * score['wer']['rate']:.2f} % of {score['wer']['reference']} words")


def study(data: Path, run: Path) -> dict[str, Any]:
    """Recognise the utterances in both ways, and return the values of ``results.json``.

    Raises:
        ModelError: the run is not finished, or there is no language model.
        DataError: the manifest cannot be used.
    """
    manifest, lm = data / "train-clean-100.jsonl", data / "words.ngram"
    greedy = Transcriber(run / "model")
    beam = Transcriber(run / "model", decoder="beam", lm=str(lm))
    found = {
        "greedy search": evaluate(manifest, greedy),
        "beam search, language model of the same texts": evaluate(manifest, beam),
    }
    provenance = greedy.model.provenance
    rows = read_metrics(run / "metrics.csv")
    seconds = found["greedy search"].duration
    return {
        "command": "python recipes/librispeech/study.py",
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "minutes": round(seconds / 60, 2),
        "model": greedy.model.hash,
        "training": {
            **{name: provenance[name] for name in FROM_MODEL},
            "epochs": len(rows),
            "times_real_time": round(seconds * len(rows) / sum(row["seconds"] for row in rows), 1),
        },
        "scores": {name: score_values(item.score) for name, item in found.items()},
        "hypotheses": {
            name: {
                utterance.id: transcript.text
                for utterance, transcript in zip(item.utterances, item.transcripts, strict=True)
            }
            for name, item in found.items()
        },
    }


if __name__ == "__main__":
    main()
