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
FEWEST = 2
"""The least number of clusters from which an interval can be computed."""
MEANINGLESS = 2.0
"""An interval says nothing if it reaches beyond this many times the largest rate of a cluster, or
100 % if that is more."""
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

    It is over speakers if every utterance has one and there are two speakers at least, else over
    utterances.

    >>> counts = [ErrorCounts(hits=9, substitutions=1), ErrorCounts(hits=10)] * 4
    >>> interval = wer_interval(counts, ["ann", "bob", "cid", "dan"] * 2)
    >>> print(interval)
    0.02 to 17.37 % in 95 % of cases, over 4 speakers

    Args:
        counts: errors of each utterance.
        speakers: the speaker of each utterance, None where unknown.

    Returns:
        None for fewer than two utterances, where the references hold no word, and where the
        interval means nothing, because there are too few utterances, or they are too unlike: it
        reaches beyond twice 100 %, and beyond twice the largest rate among them.
    """
    clusters = cluster_errors(
        [item.errors for item in counts], [item.reference for item in counts], speakers
    )
    if clusters is None or not clusters.words.sum():
        return None
    low, high = rate_interval(clusters)
    some = clusters.words > 0
    largest = float((clusters.errors[some] / clusters.words[some]).max())
    if high > MEANINGLESS * max(1.0, largest):
        return None
    return Interval(low, high, len(clusters.words), clusters.over)


def cluster_errors(
    errors: Sequence[float], words: Sequence[int], speakers: Sequence[str | None]
) -> Clusters | None:
    """Add utterances up by speaker if all speakers are known and there are two at least, else keep
    the utterances apart. Return None for fewer than two utterances.

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
    if len(totals) < FEWEST:
        return None
    table = np.array(list(totals.values()), np.float64)
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


def difference_interval(clusters: Clusters) -> tuple[float, float, float]:
    """Return the difference between two systems' error rates, and the lower and the upper end of
    its interval, by the paired bootstrap-t.

    Args:
        clusters: hold the second system's errors less the first's.
    """
    value, deviation = rate(clusters.errors[None], clusters.words[None])
    low, high = t_quantiles(clusters, rate)
    return (
        float(value[0]),
        float(value[0] - deviation[0] * high),
        float(value[0] - deviation[0] * low),
    )


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
