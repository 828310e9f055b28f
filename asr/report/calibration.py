"""May a word's confidence be believed? Its share of right words beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The ``words`` whose confidence lies between ``low`` and ``high``: their mean confidence, and
    the share of them that is right."""

    low: float
    high: float
    words: int
    confidence: float
    correct: float


@dataclass(frozen=True)
class Calibration:
    """Bins of equal width that hold words, and the expected calibration error ``ece``: the mean
    distance between confidence and share of right words (Guo et al. 2017, equation 3)."""

    words: int
    ece: float
    bins: tuple[Bin, ...]


def calibrate(confidences: Sequence[float], correct: Sequence[bool]) -> Calibration | None:
    """Of words with these confidences, 0 to 1, each right or not; None for no words."""
    if not confidences:
        return None
    values, right = np.array(confidences), np.array(correct)
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            bins.append(
                Bin(
                    low=place / BINS,
                    high=(place + 1) / BINS,
                    words=int(inside.sum()),
                    confidence=float(values[inside].mean()),
                    correct=float(right[inside].mean()),
                )
            )
    error = sum(item.words * abs(item.confidence - item.correct) for item in bins)
    return Calibration(len(values), error / len(values), tuple(bins))
