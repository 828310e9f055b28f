"""How far off may a measured error rate be? Its 95 % interval, over speakers or utterances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.evaluation.bootstrap import LEVEL, Floats, Groups, group, rate, t_quantiles
from asr.evaluation.scoring import ErrorCounts

Z = 1.959964
"""Standard deviations of the normal distribution that hold :data:`LEVEL` of it."""


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
    """Of the error rate of utterances with ``counts``; None for less than two of them, or no words.

    Over speakers, where all are known and there are two at least.
    """
    groups = group([item.errors for item in counts], [item.reference for item in counts], speakers)
    if groups is None or not groups.words.sum():
        return None
    return Interval(*rate_interval(groups), len(groups.words), groups.over)


def rate_interval(groups: Groups) -> tuple[float, float]:
    """Lower and upper end for ``sum(errors) / sum(words)``.

    Bootstrap-t of the logarithm of the rate, which holds its coverage with ten groups. It is never
    narrower than if every error were independent of all others (the score interval of a Poisson
    count), so that groups which happen to be alike, or without errors, are no certainty.
    """
    value, deviation = _log_rate(groups.errors[None], groups.words[None])
    low, high = t_quantiles(groups, _log_rate)
    ends = np.exp(value[0] - deviation[0] * np.array([high, low]))
    total = groups.errors.sum()
    half = Z * np.sqrt(total + Z**2 / 4)
    least = (total + Z**2 / 2 + np.array([-half, half])) / groups.words.sum()
    return float(max(0.0, min(ends[0], least[0]))), float(max(ends[1], least[1]))


def difference_interval(groups: Groups) -> tuple[float, float, float]:
    """Of two systems' error rates, where ``groups`` hold the differences of their errors: the value
    and both ends of its interval, by the paired bootstrap-t."""
    value, deviation = rate(groups.errors[None], groups.words[None])
    low, high = t_quantiles(groups, rate)
    return (
        float(value[0]),
        float(value[0] - deviation[0] * high),
        float(value[0] - deviation[0] * low),
    )


def _log_rate(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    # Half an error more: the logarithm of none is no number.
    rates, deviations = rate(errors, words)
    shifted = rates + 0.5 / words.sum(1)
    return np.log(shifted), deviations / shifted
