"""The curves of a training run: its ``metrics.csv``, and the drawing of it in a terminal.

Lines are drawn with braille characters, each of which holds 2 by 4 dots. Nothing here needs the
libraries of training.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from asr.counts import counted
from asr.errors import DataError

METRICS = "metrics.csv"
"""The file in which a run keeps its numbers, a row an epoch."""
INTEGERS = ("epoch", "step", "clipped_steps", "skipped_steps", "rejected")
"""The columns that hold integers."""

HEIGHT = 10
"""The rows of text of a drawing."""
SHOWN = 12.0
"""The upper end of a drawing in multiples of the best value, because losses and perplexities begin
very high."""

MEASURES = {
    "dev_wer": ("WER", " %"),
    "dev_cer": ("CER", " %"),
    "dev_perplexity": ("perplexity", ""),
}
"""The name and the unit of the measure that epochs are compared by, by the name of its column."""

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of the dots of a braille character, by column and row (Unicode Standard, section
21.1)."""

EMPTY = 0x2800
DOTTED = 4
"""The number of columns for each of which a dotted line has one dot."""

NARROWEST = 10
MARK = "●"


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a ``metrics.csv`` as numbers; none if the file does not exist yet."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {key: int(value) if key in INTEGERS else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def read_run(folder: str | Path) -> list[dict[str, Any]]:
    """Return the rows of ``metrics.csv`` in the folder of a run.

    Raises:
        DataError: the file cannot be read, or no epoch is over.
    """
    path = Path(folder) / METRICS
    try:
        rows = read_metrics(path)
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
    """Draw the losses, and the measure that epochs are compared by, over epochs.

    No line of the text is longer than ``width`` characters, if that is 40 or more.
    """
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
    summary = f"{counted(len(rows), 'epoch')} in {minutes:.0f} min"
    if best is not None:
        title += f", {MARK} the best"
        summary += f"; best dev {measure} {values[best]:.2f}{unit} after epoch {epochs[best]}"
    losses = [Curve("train", train, dotted=True), Curve("dev", dev)]
    text = [
        "loss by epoch",
        *draw(epochs, losses, width, HEIGHT, _top([*train, *dev], dev)),
        "",
        title,
        *draw(epochs, [Curve("dev", values, marked=best)], width, HEIGHT, _top(values, values)),
        "",
        summary,
    ]
    return "\n".join(text) + "\n"


def _top(values: list[float], compared: list[float]) -> float:
    """Return the upper end of the axis: the greatest value, or :data:`SHOWN` times the least of
    ``compared``."""
    greatest = max(filter(math.isfinite, values), default=1.0)
    least = min(filter(math.isfinite, compared), default=greatest)
    return min(greatest, SHOWN * least) or greatest or 1.0


@dataclass(frozen=True)
class Curve:
    """A line of a drawing: its ``values`` (N,) at the places of the axis, of which those that are
    not finite are left out. ``marked`` is the index of the value that is drawn as :data:`MARK`."""

    label: str
    values: Sequence[float]
    dotted: bool = False
    marked: int | None = None


def draw(
    places: Sequence[int], lines: Sequence[Curve], width: int, height: int, top: float
) -> list[str]:
    """Draw lines over a common axis, each with its label at its end; return rows of text.

    Args:
        places: (N,) ascending, on the horizontal axis.
        lines: with N values each.
        width: the characters that a row may have.
        height: the rows above the axis.
        top: the upper end of the vertical axis, which begins at 0; higher values are drawn there.
    """
    numbers = [f"{top * share:.3g}" for share in (1, 0.5, 0)]
    left = max(map(len, numbers))
    right = max(len(line.label) for line in lines)
    columns = max(NARROWEST, width - left - right - 3)
    cells = [[EMPTY] * columns for _ in range(height)]
    labels = [""] * height
    marks = []
    for line in lines:
        points = [
            (
                _scaled(place - places[0], places[-1] - places[0], 2 * columns),
                _scaled(top - min(value, top), top, 4 * height),
            )
            for place, value in zip(places, line.values, strict=True)
            if math.isfinite(value)
        ]
        for x, y in _joined(points):
            if not line.dotted or x % DOTTED == 0:
                cells[y // 4][x // 2] |= DOTS[x % 2][y % 4]
        if points:
            labels[_free(labels, points[-1][1] // 4)] = line.label
        if line.marked is not None:
            place, value = places[line.marked], line.values[line.marked]
            x = _scaled(place - places[0], places[-1] - places[0], 2 * columns)
            marks.append((x // 2, _scaled(top - min(value, top), top, 4 * height) // 4))
    text = [[chr(cell) if cell != EMPTY else " " for cell in row] for row in cells]
    for column, row in marks:
        text[row][column] = MARK
    ticks = {0: numbers[0], height // 2: numbers[1], height - 1: numbers[2]}
    rows = [
        f"{ticks.get(row, ''):>{left}} │{''.join(text[row])} {labels[row]}".rstrip()
        for row in range(height)
    ]
    first, last = str(places[0]), str(places[-1])
    space = " " * (columns - len(first) - len(last))
    return [*rows, f"{'':>{left}} └{'─' * columns}", f"{'':>{left}}  {first}{space}{last}"]


def _scaled(value: float, whole: float, count: int) -> int:
    """Return which of ``count`` dots lies at ``value`` on an axis from 0 to ``whole``."""
    return round(value / whole * (count - 1)) if whole else 0


def _joined(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the dots of straight lines from each point to the next."""
    dots = list(points[:1])
    for (x, y), (next_x, next_y) in pairwise(points):
        steps = max(abs(next_x - x), abs(next_y - y))
        dots += [
            (x + round((next_x - x) * step / steps), y + round((next_y - y) * step / steps))
            for step in range(1, steps + 1)
        ]
    return dots


def _free(labels: Sequence[str], row: int) -> int:
    """Return the row nearest to ``row`` that has no label."""
    free = [index for index, label in enumerate(labels) if not label]
    return min(free, key=lambda index: abs(index - row))
