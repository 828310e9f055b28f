"""Comparison of two recognisers on the same utterances."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.counts import counted
from asr.errors import DataError
from asr.evaluation.interval import cluster_errors, difference_interval
from asr.evaluation.results import Results, same_utterances
from asr.evaluation.scoring import count_errors
from asr.evaluation.word_alignment import Step, align_words

BOUNDARY = 2
"""The number of words in a row that both systems must have right between two segments."""


SIGNIFICANT = 0.05
"""The probability below which a difference is not taken for chance."""


@dataclass(frozen=True)
class MatchedPairs:
    """The matched-pairs sentence-segment test of word errors, as NIST's sc_stats computes it.

    ``mean`` and ``deviation`` are those of the first system's errors less the second's over
    ``segments``, which both systems' right words separate (Gillick and Cox 1989, "Some statistical
    issues in the comparison of speech recognition algorithms").
    """

    segments: int
    mean: float
    deviation: float

    @property
    def z(self) -> float:
        """The mean in its standard errors: it has a standard normal distribution if both systems
        make as many errors."""
        if self.deviation == 0:
            return math.copysign(math.inf, self.mean) if self.mean else 0.0
        return self.mean / (self.deviation / math.sqrt(self.segments))

    @property
    def p(self) -> float:
        """The probability of a difference as large, in either direction, if there is none."""
        return math.erfc(abs(self.z) / math.sqrt(2))


@dataclass(frozen=True)
class Difference:
    """The difference between two word error rates, the second less the first, as fractions.

    ``low`` to ``high`` is its 95 % interval over speakers or utterances, as ``over`` says, of which
    there are ``groups``; both are None where these are too few or too unlike each other.
    ``matched_pairs`` is None where fewer than two segments have errors.
    """

    rate: float
    low: float | None
    high: float | None
    groups: int
    over: str
    matched_pairs: MatchedPairs | None

    def verdict(self, first: str = "the first", second: str = "the second") -> str:
        """Return the outcome in words, with the names of both systems."""
        pairs = self.matched_pairs
        by_interval = excludes_zero(self.low, self.high)
        by_segments = pairs is not None and pairs.p < SIGNIFICANT
        better = second if self.rate < 0 else first
        if by_segments and self.low is None:
            return f"undecided: over segments {better} is better, {self.over} give no interval"
        if by_interval and by_segments:
            return f"{better} is better"
        if by_interval or by_segments:
            says, doubts = (
                (f"other {self.over}", "segments") if by_interval else ("segments", self.over)
            )
            return f"undecided: over {says} {better} is better, over {doubts} it need not be"
        return "no difference is shown"


def excludes_zero(low: float | None, high: float | None) -> bool:
    """Return whether there is an interval from ``low`` to ``high``, and 0 lies outside."""
    return low is not None and high is not None and not low <= 0 <= high


def compare(
    references: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    speakers: Sequence[str | None] = (),
) -> Difference:
    """Compare the word error rates of two systems.

    The interval is a paired bootstrap-t (:func:`asr.evaluation.interval.difference_interval`) over
    speakers where all are known and there are enough of them, else over utterances; both systems
    are counted on the same draws.

    >>> references = ["yes no", "stop", "go on", "left right"]
    >>> found = compare(references, ["yes", "stop", "go", "left right"], references)
    >>> round(found.rate, 4), found.over, found.matched_pairs.segments
    (-0.2857, 'utterances', 2)

    Args:
        references: a normalised text for each utterance.
        first: what the first system recognised, normalised.
        second: what the second system recognised, normalised.
        speakers: the speaker of each utterance, None where unknown.

    Raises:
        DataError: fewer than two utterances, or no words.
    """
    errors: list[int] = []
    words: list[int] = []
    segments: list[tuple[int, int]] = []
    for reference, *hypotheses in zip(references, first, second, strict=True):
        one, two = (align_words(reference.split(), hypothesis.split()) for hypothesis in hypotheses)
        found = error_segments(one, two)
        segments += found
        errors.append(sum(theirs - ours for ours, theirs in found))
        words.append(len(reference.split()))
    if len(words) < 2 or not sum(words):
        raise DataError(
            f"a comparison needs at least two utterances with words, got {len(words)} with "
            f"{counted(sum(words), 'word')}"
        )
    clusters = cluster_errors(errors, words, speakers or [None] * len(words))
    low, high = difference_interval(clusters) or (None, None)
    differences = np.array([one - two for one, two in segments], float)
    return Difference(
        rate=sum(errors) / sum(words),
        low=low,
        high=high,
        groups=len(clusters.words),
        over=clusters.over,
        matched_pairs=MatchedPairs(
            len(differences), float(differences.mean()), float(differences.std(ddof=1))
        )
        if len(differences) > 1
        else None,
    )


def compare_results(first: Results, second: Results) -> Difference:
    """Compare two evaluations of the same utterances, as :func:`compare` does their texts.

    Raises:
        DataError: other utterances or other references; fewer than two utterances, or no words.
    """
    ids = same_utterances([first, second])
    return compare(
        first.column("reference", ids),
        first.column("hypothesis", ids),
        second.column("hypothesis", ids),
        first.column("speaker", ids),
    )


@dataclass(frozen=True)
class Change:
    """An utterance of which two systems recognised different texts.

    ``errors`` is the number of word errors of the second system less that of the first: below 0
    the second is better.
    """

    id: str
    reference: str
    before: str
    after: str
    errors: int


def changed_utterances(first: Results, second: Results) -> list[Change]:
    """Return the utterances of which two systems recognised different texts, those with the
    largest change of the number of word errors first.

    >>> from pathlib import Path
    >>> texts = {"speaker": "s", "reference": "go on"}
    >>> one, two = (
    ...     Results(Path(f"{text}.json"), {"u1": texts | {"hypothesis": text}}, {})
    ...     for text in ("no", "go on")
    ... )
    >>> changed_utterances(one, two)
    [Change(id='u1', reference='go on', before='no', after='go on', errors=-2)]

    Raises:
        DataError: other utterances or other references.
    """
    changes = []
    for id in same_utterances([first, second]):
        reference = first.utterances[id]["reference"]
        before, after = (system.utterances[id]["hypothesis"] for system in (first, second))
        if before != after:
            errors = [count_errors(reference, text).errors for text in (before, after)]
            changes.append(Change(id, reference, before, after, errors[1] - errors[0]))
    return sorted(changes, key=lambda change: -abs(change.errors))


def error_segments(first: Sequence[Step], second: Sequence[Step]) -> list[tuple[int, int]]:
    """Return the errors of both systems in each segment of an utterance in which there are any.

    A segment ends where both systems have :data:`BOUNDARY` reference words in a row right.
    """
    (right, inserted), (other_right, other_inserted) = _by_word(first), _by_word(second)
    segments: list[tuple[int, int]] = []
    ours = theirs = run = 0
    for place, insertions in enumerate(zip(inserted, other_inserted, strict=True)):
        at_end = place == len(right)
        both = (True, True) if at_end else (right[place], other_right[place])
        ours += insertions[0] + (not both[0])
        theirs += insertions[1] + (not both[1])
        if any(insertions):
            run = 0
        run = run + 1 if all(both) else 0
        if (ours or theirs) and (run >= BOUNDARY or at_end):
            segments.append((ours, theirs))
            ours = theirs = 0
    return segments


def _by_word(steps: Sequence[Step]) -> tuple[list[bool], list[int]]:
    """Return whether each reference word is right (N,), and the number of insertions before each
    and at the end (N + 1,)."""
    right: list[bool] = []
    inserted = [0]
    for step in steps:
        if step.reference is None:
            inserted[-1] += 1
        else:
            right.append(step.kind == "C")
            inserted.append(0)
    return right, inserted
