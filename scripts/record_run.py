"""Record the results and the cost of a finished run in one JSON file.

    python scripts/record_run.py --run runs/an4 --data data/an4 --output recipes/an4/runs/1.json

The file holds the WER on the development and test sets with every hypothesis, the number of
parameters, the seconds of an epoch, and how many times real time recognition is. The folder
``--data`` holds the manifests ``train.jsonl``, ``dev.jsonl`` and ``test.jsonl``, and those of
further test sets that ``--also`` names. The seconds are those of the fastest epoch, which had the
machine most to itself. The times real time are the median of several passes over the test set, so
let nothing else run beside the script.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.errors import AsrError
from asr.evaluation.evaluate import evaluate, results_values
from asr.files import write_atomically
from asr.recognition.transcriber import Transcriber
from asr.training.curves import read_metrics

FROM_MODEL = ("command", "seed", "parameters", "minutes", "hardware", "config", "data", "versions")
SPEED_PASSES = 5


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="a run folder of asr train")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the manifests")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="NAME",
        help="another test set, whose manifest is NAME.jsonl",
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    try:
        values = record(options.run, options.data, options.also)
        write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def record(run: Path, data: Path, also: Sequence[str] = ()) -> dict[str, Any]:
    """Recognise all sets, and return the values of the file.

    Raises:
        ModelError: the run is not finished.
        DataError: a manifest cannot be used.
    """
    transcriber = Transcriber(run / "model")
    trained = [data / "train.jsonl", data / "dev.jsonl"]
    parts = {}
    for name in ("dev", "test", *also):
        manifest = data / f"{name}.jsonl"
        training = trained[:1] if name == "dev" else trained
        parts[name] = results_values(evaluate(manifest, transcriber, training), transcriber)
    again = [evaluate(data / "test.jsonl", transcriber) for _ in range(SPEED_PASSES)]
    provenance = transcriber.model.provenance
    rows = read_metrics(run / "metrics.csv")
    return {
        "model": transcriber.model.hash,
        **{name: provenance[name] for name in FROM_MODEL},
        "epochs": len(rows),
        "seconds_per_epoch": round(min(row["seconds"] for row in rows), 2),
        "times_real_time": round(statistics.median(x.duration / x.seconds for x in again), 1),
        **{
            name: {
                "wer": part["score"]["wer"],
                "unseen_texts": part["unseen_texts"],
                "manifest": part["manifest"],
                "hypotheses": {item["id"]: item["hypothesis"] for item in part["utterances"]},
            }
            for name, part in parts.items()
        },
    }


if __name__ == "__main__":
    main()
