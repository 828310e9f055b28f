"""Lines over a common axis, drawn with braille characters: 2 by 4 dots in each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of the dots of a braille character (Unicode, chapter 21.1), by column and row."""

EMPTY = 0x2800
DOTTED = 4
"""A dotted line has one dot in so many columns."""

NARROWEST = 10
MARK = "●"


@dataclass(frozen=True)
class Line:
    """Values (N,) at the places of the axis; those that are not finite are left out. ``marked`` is
    the index of the value whose place gets a sign of its own."""

    label: str
    values: Sequence[float]
    dotted: bool = False
    marked: int | None = None


def draw(
    places: Sequence[int], lines: Sequence[Line], width: int, height: int, top: float
) -> list[str]:
    """Rows of text, none longer than ``width``, ``height`` of them above the axis.

    ``places`` (N,) ascend; values go from 0 to ``top``, higher ones are drawn at the upper edge.
    Each line has its label at its end.
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
    """Of ``count`` dots, the one at ``value`` of ``whole``."""
    return round(value / whole * (count - 1)) if whole else 0


def _joined(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The dots of straight lines from each point to the next."""
    dots = list(points[:1])
    for (x, y), (next_x, next_y) in pairwise(points):
        steps = max(abs(next_x - x), abs(next_y - y))
        dots += [
            (x + round((next_x - x) * step / steps), y + round((next_y - y) * step / steps))
            for step in range(1, steps + 1)
        ]
    return dots


def _free(labels: Sequence[str], row: int) -> int:
    """The row nearest to ``row`` that has no label."""
    free = [index for index, label in enumerate(labels) if not label]
    return min(free, key=lambda index: abs(index - row))
