"""Score a model on the test sets of AN4 and FSDD, clean, in noise and through a telephone.

    python scripts/measure_conditions.py --model runs/default/model --output runs/default/tests.json

Needs ``data/an4``, ``data/fsdd`` and what make_conditions.py makes of their test sets.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from asr.errors import AsrError
from asr.files import write_atomically
from asr.report.evaluate import evaluate, results
from asr.transcriber import Transcriber

SETS = {
    "AN4 test": Path("an4/test.jsonl"),
    "FSDD test, digits": Path("fsdd/test.jsonl"),
    "FSDD test, strings": Path("fsdd/test_strings.jsonl"),
}
CONDITIONS = {
    "clean": "",
    "20 dB": "20db",
    "10 dB": "10db",
    "5 dB": "5db",
    "8 kHz": "8khz",
    "telephone": "telephone",
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        values = measure(options.model, options.data)
        write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def measure(model: Path, data: Path) -> dict[str, Any]:
    """Errors of greedy decoding, and how far confidences are off (ECE)."""
    transcriber = Transcriber(model)
    rows: dict[str, dict[str, Any]] = {}
    for name in SETS:
        rows[name] = {}
        for condition in CONDITIONS:
            manifest = manifest_of(data, name, condition)
            values = results(evaluate(manifest, transcriber), manifest, transcriber)
            ece = round(values["calibration"]["ece"], 4)
            rows[name][condition] = {"wer": values["score"]["wer"], "ece": ece}
            counts = values["score"]["wer"]
            print(f"{name}, {condition}: {counts['errors']} / {counts['reference']}, ECE {ece}")
    return {"table": "conditions", "model": {"sha256": transcriber.model.hash}, "rows": rows}


def manifest_of(data: Path, name: str, condition: str) -> Path:
    """The test set ``name`` in a condition."""
    clean = data / SETS[name]
    if not CONDITIONS[condition]:
        return clean
    return data / "conditions" / clean.parent.name / f"{clean.stem}-{CONDITIONS[condition]}.jsonl"


if __name__ == "__main__":
    main()
