"""Draws of speakers or utterances with replacement, for intervals of error rates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
REPLICATES = 2000
SEED = 1
DRAWN = 2**21
"""Groups drawn at once: tens of megabytes."""

FEWEST = 2
"""Groups from which an interval can be had."""

SMALLEST_VARIANCE = 0.25
"""Of a sum of errors: groups that happen to be alike are no certainty."""

Floats = npt.NDArray[np.float64]
Estimate = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Errors and words (N, G) of N draws of G groups -> values (N,) and their standard errors (N,)."""


@dataclass(frozen=True)
class Groups:
    """Errors (G,), which may be differences of two systems', and reference words (G,) of what is
    drawn: ``speakers`` or ``utterances``."""

    errors: Floats
    words: Floats
    over: str


def group(
    errors: Sequence[float], words: Sequence[int], speakers: Sequence[str | None]
) -> Groups | None:
    """Add utterances up by speaker, where all speakers are known and there are two at least; else
    leave them. None for less than two utterances.

    Errors of one speaker depend on each other: an interval over utterances is too narrow for what
    other speakers would give (Bisani and Ney 2004).
    """
    names = [str(name) for name in speakers] if all(speakers) else []
    by_speaker = len(set(names)) >= FEWEST
    keys = names if by_speaker else [str(index) for index in range(len(words))]
    totals: dict[str, tuple[float, int]] = {}
    for key, wrong, size in zip(keys, errors, words, strict=True):
        before = totals.get(key, (0, 0))
        totals[key] = before[0] + wrong, before[1] + size
    if len(totals) < FEWEST:
        return None
    table = np.array(list(totals.values()), np.float64)
    return Groups(table[:, 0], table[:, 1], "speakers" if by_speaker else "utterances")


def rate(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    """Rates (N,) of groups (N, G), and their standard errors as ratio estimators (Cochran 1977,
    chapter 6)."""
    count, sizes = errors.shape[1], words.sum(1)
    rates = errors.sum(1) / sizes
    residuals = errors - rates[:, None] * words
    variance = (residuals**2).sum(1) * count / (count - 1)
    return rates, np.sqrt(np.maximum(variance, SMALLEST_VARIANCE)) / sizes


def t_quantiles(groups: Groups, estimate: Estimate) -> tuple[float, float]:
    """The quantiles of a draw's deviation from the whole, in its own standard errors, which hold
    :data:`LEVEL` of draws (bootstrap-t: Efron and Tibshirani 1993, section 12.5)."""
    rng = np.random.default_rng(SEED)
    whole, _ = estimate(groups.errors[None], groups.words[None])
    steps: list[Floats] = []
    count = len(groups.words)
    at_once = max(1, DRAWN // count)
    for first in range(0, REPLICATES, at_once):
        drawn = rng.integers(count, size=(min(at_once, REPLICATES - first), count))
        words = groups.words[drawn]
        some = words.sum(1) > 0  # without words there is no rate
        values, errors = estimate(groups.errors[drawn][some], words[some])
        steps.append((values - whole) / errors)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(steps), [tail, 1 - tail])
    return float(low), float(high)
