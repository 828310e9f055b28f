"""Comparison of two recognisers that were trained several times, with other seeds.

Two tests look at one source of chance each: the bootstrap over speakers tells whether the
difference holds for these trained models on other speakers, and Welch's t-test whether it holds for
models of other seeds on these speakers. (A permutation test of three seeds against three has
p = 0.1 at best and could never find a difference.) Where both sources are about equal, two such
tests agree by chance in up to one case of ten with five seeds a side; so the sum of both variances
is tested too. With that third test, the verdict was wrong in at most 5 % of simulated cases.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.counts import counted
from asr.errors import DataError
from asr.evaluation.comparison import SIGNIFICANT, excludes_zero
from asr.evaluation.interval import cluster_errors, difference_interval, rate
from asr.evaluation.results import Results, same_utterances
from asr.evaluation.scoring import count_each
from asr.evaluation.t_test import TTest, t_test

ROUNDING = 1 / 12
"""The least variance of a number of errors over seeds, which is what rounding to whole errors
hides: seeds that happen to be alike prove nothing."""


@dataclass(frozen=True)
class Seeds:
    """The word errors of each of a system's runs, on ``words`` reference words."""

    errors: tuple[int, ...]
    words: int

    @property
    def mean(self) -> float:
        """The mean error rate, a fraction."""
        return statistics.mean(self.errors) / self.words

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the error rate over seeds; None for one seed."""
        return statistics.stdev(self.errors) / self.words if len(self.errors) > 1 else None

    @property
    def mean_variance(self) -> float:
        """The variance of the mean error rate over seeds."""
        variance = max(statistics.variance(self.errors), ROUNDING)
        return variance / len(self.errors) / self.words**2


@dataclass(frozen=True)
class SeedDifference:
    """The difference between the mean error rates of two systems, the second less the first, as
    fractions.

    ``low`` to ``high`` is its 95 % interval over speakers or utterances, as ``over`` says, of which
    there are ``groups``; both are None where these are too few or too unlike each other. ``seeds``
    is Welch's test over seeds, ``together`` the test over seeds and speakers; both are None where a
    system has one seed.
    """

    rate: float
    low: float | None
    high: float | None
    groups: int
    over: str
    first: Seeds
    second: Seeds
    seeds: TTest | None
    together: TTest | None

    @property
    def within(self) -> float | None:
        """The standard deviation of the error rate over the seeds of one system, pooled over both
        systems; None where each has one seed."""
        parts = [part for part in (self.first, self.second) if len(part.errors) > 1]
        if not parts:
            return None
        squares = sum((len(x.errors) - 1) * statistics.variance(x.errors) for x in parts)
        return math.sqrt(squares / sum(len(x.errors) - 1 for x in parts)) / self.first.words

    def verdict(self, first: str = "the first", second: str = "the second") -> str:
        """Return the outcome in words, with the names of both systems."""
        by_interval = excludes_zero(self.low, self.high)
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
        if by_seeds and self.low is None:
            return f"undecided: over other seeds {better} is better, {self.over} give no interval"
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
    """Compare two systems, each of which was run with several seeds.

    The interval is the paired bootstrap-t of :func:`asr.evaluation.comparison.compare`, with the
    errors averaged over a system's runs.

    >>> references = ["a b", "c d", "e f", "g h"]
    >>> runs = [["a b", "c d", "e f", "g x"], ["a b", "c d", "e x", "g h"]]
    >>> found = compare_seeds(references, runs, [references, references])
    >>> found.rate, found.first.errors, found.second.errors
    (-0.125, (1, 1), (0, 0))

    Args:
        references: a normalised text for each utterance.
        first: for each run of the first system, a normalised text for each utterance.
        second: the same for the second system.
        speakers: the speaker of each utterance, None where unknown.

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
    if len(sizes) < 2 or not words:
        raise DataError(
            f"a comparison needs at least two utterances with words, got {len(sizes)} with "
            f"{counted(words, 'word')}"
        )
    clusters = cluster_errors(differences, sizes, speakers or [None] * len(sizes))
    value = sum(differences) / words
    low, high = difference_interval(clusters) or (None, None)
    before, after = (Seeds(tuple(map(sum, runs)), words) for runs in counts)
    seeds = together = None
    if len(before.errors) > 1 and len(after.errors) > 1:
        parts = [(item.mean_variance, len(item.errors) - 1) for item in (before, after)]
        seeds = t_test(value, parts)
        _, error = rate(clusters.errors[None], clusters.words[None])
        together = t_test(value, [*parts, (float(error[0]) ** 2, len(clusters.words) - 1)])
    return SeedDifference(
        value, low, high, len(clusters.words), clusters.over, before, after, seeds, together
    )


def compare_runs(first: Sequence[Results], second: Sequence[Results]) -> SeedDifference:
    """Compare the evaluations of two systems' runs, as :func:`compare_seeds` does their texts.

    Raises:
        DataError: a run is given twice (:func:`check_runs`); other utterances or other references;
            fewer than two utterances, or no words.
    """
    check_runs(first, second)
    runs = [*first, *second]
    ids = same_utterances(runs)
    one, two = ([run.column("hypothesis", ids) for run in system] for system in (first, second))
    references, speakers = (runs[0].column(name, ids) for name in ("reference", "speaker"))
    return compare_seeds(references, one, two, speakers)


def check_runs(*systems: Sequence[Results]) -> None:
    """Raise a DataError if one file is given twice, or if two runs of one system have the same
    model: the spread of such runs would seem smaller than that of seeds."""
    seen: dict[tuple[int, str], Path] = {}
    for index, system in enumerate(systems):
        for run in system:
            model = run.values.get("model")
            keys = [(-1, str(run.path.resolve()))]
            keys += [(index, model["sha256"])] if model else []
            for key in keys:
                if key in seen:
                    raise DataError(
                        f"{run.path} and {seen[key]} are of one run; needs runs that differ in "
                        "their seed"
                    )
                seen[key] = run.path
