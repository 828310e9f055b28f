"""Is one recogniser better than another, beyond what the seed of its training gives?

Two tests look at one source of chance each: the bootstrap over speakers holds for these trained
models on other speakers, Welch's t-test for models of other seeds on these speakers. (A permutation
of three seeds against three has p = 0.1 at best and could never find a difference.) Where both
sources are about equal, two such tests agree by chance in up to one case of ten with five seeds a
side; so the sum of both variances is tested too. With it the verdict was wrong in 5 % of
simulated cases at most.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from asr.errors import DataError
from asr.evaluation.bootstrap import group, rate
from asr.evaluation.comparison import SIGNIFICANT
from asr.evaluation.interval import difference_interval
from asr.evaluation.scoring import count_each
from asr.evaluation.student import two_sided_p

ROUNDING = 1 / 12
"""Least variance of a number of errors over seeds: what rounding to whole ones hides. Seeds that
happen to be alike are no certainty."""


@dataclass(frozen=True)
class Seeds:
    """Word errors of each of a system's runs, on ``words`` reference words."""

    errors: tuple[int, ...]
    words: int

    @property
    def mean(self) -> float:
        """Mean error rate, a fraction."""
        return statistics.mean(self.errors) / self.words

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the error rate over seeds; None for one."""
        return statistics.stdev(self.errors) / self.words if len(self.errors) > 1 else None

    @property
    def mean_variance(self) -> float:
        """Of the mean error rate, over seeds."""
        variance = max(statistics.variance(self.errors), ROUNDING)
        return variance / len(self.errors) / self.words**2


@dataclass(frozen=True)
class TTest:
    """A difference in its standard errors, ``degrees`` of freedom, and the probability ``p`` of one
    as large if there is none."""

    t: float
    degrees: float
    p: float


@dataclass(frozen=True)
class SeedDifference:
    """Of the mean error rates of two systems, the second less the first, as fractions; ``low`` to
    ``high`` is its 95 % interval over speakers or utterances (``over``), of which there are
    ``groups``. ``seeds`` is Welch's test over seeds, ``together`` that over seeds and speakers;
    both are None where a system has one seed."""

    rate: float
    low: float
    high: float
    groups: int
    over: str
    first: Seeds
    second: Seeds
    seeds: TTest | None
    together: TTest | None

    @property
    def within(self) -> float | None:
        """Standard deviation of the error rate over the seeds of one system, pooled."""
        parts = [part for part in (self.first, self.second) if len(part.errors) > 1]
        if not parts:
            return None
        squares = sum((len(x.errors) - 1) * statistics.variance(x.errors) for x in parts)
        return math.sqrt(squares / sum(len(x.errors) - 1 for x in parts)) / self.first.words

    def verdict(self, first: str = "the first", second: str = "the second") -> str:
        """In words, with names of both systems."""
        by_interval = not self.low <= 0 <= self.high
        better = second if self.rate < 0 else first
        if self.seeds is None or self.together is None:
            found = (
                f"undecided: over other {self.over} {better} is better"
                if by_interval
                else "no difference is shown"
            )
            return f"{found}; one seed says nothing of the spread of others"
        by_seeds = self.seeds.p < SIGNIFICANT
        if by_interval and by_seeds:
            if self.together.p < SIGNIFICANT:
                return f"{better} is better"
            return (
                f"undecided: over other {self.over} or other seeds {better} is better, over both "
                "together it need not be"
            )
        if by_interval or by_seeds:
            says, doubts = (self.over, "seeds") if by_interval else ("seeds", self.over)
            return f"undecided: over other {says} {better} is better, over {doubts} it need not be"
        return "no difference is shown"


def compare_seeds(
    references: Sequence[str],
    first: Sequence[Sequence[str]],
    second: Sequence[Sequence[str]],
    speakers: Sequence[str | None] = (),
) -> SeedDifference:
    """The difference of two systems, each given by the normalised texts of its runs, which differ
    in their seed.

    The interval is the paired bootstrap-t of :func:`asr.evaluation.comparison.compare`, of errors
    averaged over a system's runs.

    Raises:
        DataError: fewer than two utterances, or no words.
    """
    counts = [
        [[item.errors for item in count_each(references, texts)] for texts in runs]
        for runs in (first, second)
    ]
    sizes = [len(reference.split()) for reference in references]
    words = sum(sizes)
    one, two = ([statistics.fmean(errors) for errors in zip(*runs, strict=True)] for runs in counts)
    differences = [theirs - ours for ours, theirs in zip(one, two, strict=True)]
    groups = group(differences, sizes, speakers or [None] * len(sizes))
    if groups is None or not words:
        raise DataError(
            f"a comparison needs two utterances with words at least, got {len(sizes)} with "
            f"{words} words"
        )
    value, low, high = difference_interval(groups)
    before, after = (Seeds(tuple(map(sum, runs)), words) for runs in counts)
    seeds = together = None
    if len(before.errors) > 1 and len(after.errors) > 1:
        parts = [(item.mean_variance, len(item.errors) - 1) for item in (before, after)]
        seeds = t_test(value, parts)
        _, error = rate(groups.errors[None], groups.words[None])
        together = t_test(value, [*parts, (float(error[0]) ** 2, len(groups.words) - 1)])
    return SeedDifference(
        value, low, high, len(groups.words), groups.over, before, after, seeds, together
    )


def t_test(difference: float, parts: Sequence[tuple[float, int]]) -> TTest:
    """Of a difference whose variance is the sum of ``parts``: estimates of variances and their
    degrees of freedom (Welch 1947, for two; Satterthwaite 1946)."""
    total = sum(variance for variance, _ in parts)
    degrees = total**2 / sum(variance**2 / freedom for variance, freedom in parts)
    t = difference / math.sqrt(total)
    return TTest(t, degrees, two_sided_p(t, degrees))
