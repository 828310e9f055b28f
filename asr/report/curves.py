"""The training curves of a run, for the terminal."""

import math
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.report.chart import MARK, Line, draw
from asr.report.metrics import METRICS, read_log

HEIGHT = 10
SHOWN = 12.0
"""How many times the best value the picture shows: losses and perplexities begin very high."""

MEASURES = {
    "dev_wer": ("WER", " %"),
    "dev_cer": ("CER", " %"),
    "dev_perplexity": ("perplexity", ""),
}
"""What epochs are compared by, as its column is called: a name and a unit."""


def read_run(folder: str | Path) -> list[dict[str, Any]]:
    """The rows of a run's ``metrics.csv``.

    Raises:
        DataError: it cannot be read, or no epoch is over.
    """
    path = Path(folder) / METRICS
    try:
        rows = read_log(path)
        known = [{"epoch", "train_loss", "dev_loss", "seconds", measure} for measure in MEASURES]
        if rows and not any(names <= rows[0].keys() for names in known):
            raise ValueError(f"its columns are {', '.join(rows[0])}")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: not a {METRICS} of asr train ({error})") from error
    if not rows:
        raise DataError(f"{path}: no epoch is over yet; ask again when asr train has printed one")
    return rows


def curves(rows: list[dict[str, Any]], width: int) -> str:
    """Losses, and what epochs are compared by, over epochs; no line is longer than ``width``, if
    that is 40 or more."""
    column = next(name for name in MEASURES if name in rows[0])
    measure, unit = MEASURES[column]
    epochs = [row["epoch"] for row in rows]
    train, dev, values = (
        [row[name] for row in rows] for name in ("train_loss", "dev_loss", column)
    )
    minutes = sum(row["seconds"] for row in rows) / 60
    title = f"dev {measure}{unit and f' ({unit.strip()})'} by epoch"
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    best = min(finite, key=values.__getitem__, default=None)
    summary = f"{len(rows)} epochs in {minutes:.0f} min"
    if best is not None:
        title += f", {MARK} the best"
        summary += f"; best dev {measure} {values[best]:.2f}{unit} after epoch {epochs[best]}"
    losses = [Line("train", train, dotted=True), Line("dev", dev)]
    text = [
        "loss by epoch",
        *draw(epochs, losses, width, HEIGHT, _top([*train, *dev], dev)),
        "",
        title,
        *draw(epochs, [Line("dev", values, marked=best)], width, HEIGHT, _top(values, values)),
        "",
        summary,
    ]
    return "\n".join(text) + "\n"


def _top(values: list[float], compared: list[float]) -> float:
    """The upper end of the axis: the greatest value, or :data:`SHOWN` times the least of
    ``compared``."""
    greatest = max(filter(math.isfinite, values), default=1.0)
    least = min(filter(math.isfinite, compared), default=greatest)
    return min(greatest, SHOWN * least) or greatest or 1.0
