"""How far off may a measured error rate be? Its 95 % interval, over speakers or utterances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.scoring import ErrorCounts

LEVEL = 0.95
REPLICATES = 2000
SEED = 1
Z = 1.959964
"""Standard deviations of the normal distribution that hold :data:`LEVEL` of it."""

DRAWN = 2**21
"""Groups drawn at once: tens of megabytes."""

FEWEST = 2
"""Groups from which an interval can be had."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """The rate, a fraction, lies between ``low`` and ``high`` with :data:`LEVEL` confidence, for
    other speakers (``groups`` of them were tested) or utterances like these."""

    low: float
    high: float
    groups: int
    over: str
    """``speakers`` or ``utterances``."""

    def __str__(self) -> str:
        return (
            f"{100 * self.low:.2f} to {100 * self.high:.2f} % in {100 * LEVEL:.0f} % of cases, "
            f"over {self.groups} {self.over}"
        )


def wer_interval(counts: Sequence[ErrorCounts], speakers: Sequence[str | None]) -> Interval | None:
    """Of the error rate of utterances with ``counts``, drawn by speaker where all are known and
    there are two at least, else by utterance. None for less than two utterances.

    Errors of one speaker depend on each other: an interval over utterances is too narrow for what
    other speakers would give (Bisani and Ney 2004).
    """
    names = [str(name) for name in speakers] if all(speakers) else []
    by_speaker = len(set(names)) >= FEWEST
    keys = names if by_speaker else [str(index) for index in range(len(counts))]
    totals: dict[str, tuple[int, int]] = {}
    for key, item in zip(keys, counts, strict=True):
        errors, words = totals.get(key, (0, 0))
        totals[key] = errors + item.errors, words + item.reference
    if len(totals) < FEWEST:
        return None
    low, high = rate_interval(*zip(*totals.values(), strict=True))
    return Interval(low, high, len(totals), "speakers" if by_speaker else "utterances")


def rate_interval(errors: npt.ArrayLike, words: npt.ArrayLike) -> tuple[float, float]:
    """Lower and upper end for ``sum(errors) / sum(words)`` of independent groups (G,).

    Bootstrap-t (Efron and Tibshirani 1993, section 12.5) of the logarithm of the rate, whose
    standard error is that of a ratio estimator (Cochran 1977, chapter 6). It is never
    narrower than if every error were independent of all others (the score interval of a Poisson
    count), so that groups which happen to be alike, or without errors, are no certainty.

    Raises:
        DataError: fewer than two groups, or no words.
    """
    counts, sizes = np.asarray(errors, np.float64), np.asarray(words, np.float64)
    groups = len(counts)
    if groups < FEWEST or not sizes.sum():
        raise DataError(
            f"an interval needs words of {FEWEST} groups at least, got {groups} groups with "
            f"{sizes.sum():.0f} words"
        )
    rng = np.random.default_rng(SEED)
    log_rate, deviation = _log_rate(counts[None], sizes[None])
    steps = np.empty(REPLICATES)
    at_once = max(1, DRAWN // groups)
    for first in range(0, REPLICATES, at_once):
        part = steps[first : first + at_once]
        drawn = rng.integers(groups, size=(len(part), groups))
        log_rates, deviations = _log_rate(counts[drawn], sizes[drawn])
        part[:] = (log_rates - log_rate) / deviations
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(steps, [tail, 1 - tail])
    ends = np.exp(log_rate[0] - deviation[0] * np.array([high, low]))
    total = counts.sum()
    half = Z * np.sqrt(total + Z**2 / 4)
    least = (total + Z**2 / 2 + np.array([-half, half])) / sizes.sum()
    return float(max(0.0, min(ends[0], least[0]))), float(max(ends[1], least[1]))


def _log_rate(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    """Logarithms of rates (N,) of groups (N, G), and their standard errors."""
    groups = errors.shape[1]
    total = errors.sum(1) + 0.5
    rate = total / words.sum(1)
    residuals = errors - rate[:, None] * words
    variance = (residuals**2).sum(1) * groups / (groups - 1)
    return np.log(rate), np.sqrt(np.maximum(variance, 0.25)) / total
