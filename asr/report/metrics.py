"""``metrics.csv``: the numbers of a training run, a row an epoch."""

import csv
from pathlib import Path
from typing import Any

METRICS = "metrics.csv"
INTEGERS = ("epoch", "step", "clipped_steps", "skipped_steps", "rejected")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of ``metrics.csv`` as numbers; none where the file does not exist yet."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {key: int(value) if key in INTEGERS else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]
