"""Alignment of the words of a reference and a hypothesis, as sclite aligns them."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

SUBSTITUTION, DELETION, INSERTION = 4, 3, 3
"""The costs of errors in sclite's alignment.

In plain Levenshtein distance (:mod:`asr.evaluation.scoring`) each error costs 1, so that the same
texts may have other numbers of each kind. If very much is wrong, the alignment rarely has one error
more, because three substitutions cost as much as two deletions and two insertions.
"""


class Step(NamedTuple):
    """One step of an alignment: a word of each text, None where a text has no word for it."""

    reference: str | None
    hypothesis: str | None

    @property
    def kind(self) -> str:
        """The kind of the step: ``C`` correct, ``S`` substitution, ``D`` deletion, ``I``
        insertion."""
        if self.reference is None:
            return "I"
        if self.hypothesis is None:
            return "D"
        return "C" if self.reference == self.hypothesis else "S"


def align_words(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Step, ...]:
    """Return the cheapest alignment of two sequences of words.

    Of alignments with equal cost it is the one that sclite chooses: from the end on, the one with a
    pair of words, else the one with an insertion.

    >>> [step.kind for step in align_words("yes no stop".split(), "yes now".split())]
    ['C', 'D', 'S']
    """
    rows, columns = len(reference), len(hypothesis)
    if list(reference) == list(hypothesis):
        return tuple(map(Step, reference, hypothesis))
    # A path that is cheaper than every path that leaves a band around the diagonal is the cheapest
    # of all (Ukkonen 1985, "Algorithms for approximate string matching").
    width = abs(rows - columns) + 1
    costs = _costs(reference, hypothesis, width)
    while costs[-1][-1] >= min(DELETION, INSERTION) * (width + 1) and width < max(rows, columns):
        width *= 2
        costs = _costs(reference, hypothesis, width)
    steps = []
    row, column = rows, columns
    while row or column:
        here = costs[row][column]
        if row and column:
            word, other = reference[row - 1], hypothesis[column - 1]
            if here == costs[row - 1][column - 1] + (0 if word == other else SUBSTITUTION):
                steps.append(Step(word, other))
                row, column = row - 1, column - 1
                continue
        if column and here == costs[row][column - 1] + INSERTION:
            column -= 1
            steps.append(Step(None, hypothesis[column]))
        else:
            row -= 1
            steps.append(Step(reference[row], None))
    return tuple(reversed(steps))


def _costs(reference: Sequence[str], hypothesis: Sequence[str], width: int) -> list[list[float]]:
    """Return the costs (R + 1, H + 1) of aligning the first words of both texts.

    Only places are computed whose numbers of words differ by at most ``width``, by paths that stay
    within this band; the cost elsewhere is infinite.
    """
    columns = len(hypothesis)
    costs = [[INSERTION * column if column <= width else inf for column in range(columns + 1)]]
    for row, word in enumerate(reference, start=1):
        above, line = costs[-1], [inf] * (columns + 1)
        if row <= width:
            line[0] = DELETION * row
        for column in range(max(1, row - width), min(columns, row + width) + 1):
            pair = above[column - 1] + (0 if word == hypothesis[column - 1] else SUBSTITUTION)
            line[column] = min(pair, above[column] + DELETION, line[column - 1] + INSERTION)
        costs.append(line)
    return costs
