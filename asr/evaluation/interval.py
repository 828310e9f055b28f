"""Confidence intervals of error rates, by a bootstrap over speakers or utterances.

Errors of one speaker depend on each other: an interval over utterances is narrower than what other
speakers would give (Bisani and Ney 2004, "Bootstrap estimates for confidence intervals in ASR
performance evaluation"). So what is drawn with replacement are speakers, where all are known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.counts import counted
from asr.evaluation.scoring import ErrorCounts

LEVEL = 0.95
"""The share of cases in which an interval holds the true rate."""
Z = 1.959964
"""Standard deviations from the mean of a normal distribution that hold :data:`LEVEL` of it."""
REPLICATES = 2000
SEED = 1
DRAWN = 2**21
"""The number of clusters that are drawn in one array operation, which needs tens of megabytes."""
FEWEST = 4
"""The least number of clusters that an interval is computed from.

A draw of copies of one cluster has no standard error that says anything. Of all draws from N
clusters, N**-N are copies of the best one. With three clusters these are 3.7 %, more than the tail
of 2.5 % that a quantile cuts off, so that such draws alone determine the interval; with four they
are 0.4 %. In simulated test sets of 600 words a speaker, whose rates had a mean of 8 % and a
coefficient of variation of 0.6, the upper ends were beyond 100 % in 95 % of cases with three
speakers, and in 26 % with four.
"""
SMALLEST_VARIANCE = 0.25
"""The least variance of a sum of errors: clusters that happen to be alike prove nothing."""

Floats = npt.NDArray[np.float64]
Estimate = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Maps the errors and words (N, G) of N draws of G clusters to N values and their standard errors,
both (N,)."""


@dataclass(frozen=True)
class Interval:
    """The range in which an error rate lies with :data:`LEVEL` confidence.

    ``low`` and ``high`` are fractions; ``groups`` is the number of speakers or utterances that the
    interval was estimated from, and ``over`` is their name. It holds for other speakers or
    utterances that are like them.
    """

    low: float
    high: float
    groups: int
    over: str
    """Either ``speakers`` or ``utterances``."""

    def __str__(self) -> str:
        return (
            f"{100 * self.low:.2f} to {100 * self.high:.2f} % in {100 * LEVEL:.0f} % of cases, "
            f"over {counted(self.groups, self.over.removesuffix('s'))}"
        )


@dataclass(frozen=True)
class Clusters:
    """The units that a bootstrap draws: the errors (G,) and reference words (G,) of each speaker or
    utterance, as ``over`` says. Errors may be differences between two systems."""

    errors: Floats
    words: Floats
    over: str


def wer_interval(counts: Sequence[ErrorCounts], speakers: Sequence[str | None]) -> Interval | None:
    """Return the 95 % interval of an error rate.

    It is over speakers if every utterance has one and there are :data:`FEWEST` speakers at least,
    else over utterances.

    >>> counts = [ErrorCounts(hits=9, substitutions=1), ErrorCounts(hits=10)] * 4
    >>> interval = wer_interval(counts, ["ann", "bob", "cid", "dan"] * 2)
    >>> print(interval)
    0.02 to 17.37 % in 95 % of cases, over 4 speakers

    Args:
        counts: errors of each utterance.
        speakers: the speaker of each utterance, None where unknown.

    Returns:
        None for fewer than :data:`FEWEST` utterances, where the references hold no word, and where
        the interval would say nothing (:func:`says_nothing`).
    """
    clusters = cluster_errors(
        [item.errors for item in counts], [item.reference for item in counts], speakers
    )
    if len(clusters.words) < FEWEST or not clusters.words.sum():
        return None
    low, high = rate_interval(clusters)
    if says_nothing(clusters, low, high):
        return None
    return Interval(low, high, len(clusters.words), clusters.over)


def says_nothing(clusters: Clusters, low: float, high: float, signed: bool = False) -> bool:
    """Return whether an interval is wider than what is possible without it.

    An error rate lies between 0 and 100 %, which a recogniser gets that recognises nothing, or the
    rate of the worst cluster, if that is more; a difference of two rates (``signed``) between minus
    and plus that. An interval as wide adds nothing: a few clusters have so many more errors than
    the others that nobody knows how many others are like them.

    >>> few = Clusters(np.array([1.0, 1, 1, 30]), np.array([10.0, 10, 10, 10]), "speakers")
    >>> says_nothing(few, 0.1, 2.5), says_nothing(few, 0.1, 3.5)
    (False, True)
    """
    some = clusters.words > 0
    largest = float(np.abs(clusters.errors[some] / clusters.words[some]).max())
    return high - low > (2 if signed else 1) * max(1.0, largest)


def cluster_errors(
    errors: Sequence[float], words: Sequence[int], speakers: Sequence[str | None]
) -> Clusters:
    """Add utterances up by speaker if all speakers are known and there are :data:`FEWEST` at least,
    else keep the utterances apart.

    Args:
        errors: of each utterance; they may be differences between two systems.
        words: reference words of each utterance.
        speakers: the speaker of each utterance, None where unknown.
    """
    names = [str(name) for name in speakers] if all(speakers) else []
    by_speaker = len(set(names)) >= FEWEST
    keys = names if by_speaker else [str(index) for index in range(len(words))]
    totals: dict[str, tuple[float, int]] = {}
    for key, wrong, size in zip(keys, errors, words, strict=True):
        before = totals.get(key, (0, 0))
        totals[key] = before[0] + wrong, before[1] + size
    table = np.array(list(totals.values()), np.float64).reshape(-1, 2)
    return Clusters(table[:, 0], table[:, 1], "speakers" if by_speaker else "utterances")


def rate_interval(clusters: Clusters) -> tuple[float, float]:
    """Return the lower and the upper end for the rate ``sum(errors) / sum(words)``.

    This is the bootstrap-t interval of the logarithm of the rate, which keeps its coverage with as
    few as ten clusters. It is never narrower than if every error were independent of all others
    (the score interval of a Poisson count), because clusters that happen to be alike, or to have no
    errors, prove nothing.
    """
    value, deviation = _log_rate(clusters.errors[None], clusters.words[None])
    low, high = t_quantiles(clusters, _log_rate)
    ends = np.exp(value[0] - deviation[0] * np.array([high, low]))
    total = clusters.errors.sum()
    half = Z * np.sqrt(total + Z**2 / 4)
    least = (total + Z**2 / 2 + np.array([-half, half])) / clusters.words.sum()
    return float(max(0.0, min(ends[0], least[0]))), float(max(ends[1], least[1]))


def difference_interval(clusters: Clusters) -> tuple[float, float] | None:
    """Return the lower and the upper end of the interval of the difference between two systems'
    error rates, by the paired bootstrap-t; None where an error rate would have no interval
    (:func:`wer_interval`).

    Args:
        clusters: hold the second system's errors less the first's.
    """
    if len(clusters.words) < FEWEST:
        return None
    value, deviation = rate(clusters.errors[None], clusters.words[None])
    quantiles = t_quantiles(clusters, rate)
    low, high = (float(value[0] - deviation[0] * quantile) for quantile in reversed(quantiles))
    return None if says_nothing(clusters, low, high, signed=True) else (low, high)


def t_quantiles(clusters: Clusters, estimate: Estimate) -> tuple[float, float]:
    """Return the two quantiles between which :data:`LEVEL` of the studentised draws lie.

    A draw's value less the value of the whole sample is divided by the draw's own standard error:
    the bootstrap-t of Efron and Tibshirani (1993), "An introduction to the bootstrap", section
    12.5.
    """
    rng = np.random.default_rng(SEED)
    whole, _ = estimate(clusters.errors[None], clusters.words[None])
    steps: list[Floats] = []
    count = len(clusters.words)
    at_once = max(1, DRAWN // count)
    for first in range(0, REPLICATES, at_once):
        drawn = rng.integers(count, size=(min(at_once, REPLICATES - first), count))
        words = clusters.words[drawn]
        some = words.sum(1) > 0  # a draw without words has no rate
        values, errors = estimate(clusters.errors[drawn][some], words[some])
        steps.append((values - whole) / errors)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(steps), [tail, 1 - tail])
    return float(low), float(high)


def rate(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    """Return the rates (N,) of draws (N, G), and their standard errors (N,) as ratio estimators
    (Cochran 1977, "Sampling techniques", chapter 6)."""
    count, sizes = errors.shape[1], words.sum(1)
    rates = errors.sum(1) / sizes
    residuals = errors - rates[:, None] * words
    variance = (residuals**2).sum(1) * count / (count - 1)
    return rates, np.sqrt(np.maximum(variance, SMALLEST_VARIANCE)) / sizes


def _log_rate(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    """Return the logarithms (N,) of the rates of draws (N, G), and their standard errors (N,)."""
    # Half an error is added, because the logarithm of zero is infinite.
    rates, deviations = rate(errors, words)
    shifted = rates + 0.5 / words.sum(1)
    return np.log(shifted), deviations / shifted
