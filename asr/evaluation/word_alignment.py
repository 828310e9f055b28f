"""Words of a reference and a hypothesis side by side, as sclite aligns them."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

SUBSTITUTION, DELETION, INSERTION = 4, 3, 3
"""What each costs in sclite's alignment; in plain Levenshtein distance
(:mod:`asr.evaluation.scoring`) each costs 1, so that errors may divide into other kinds; where very
much is wrong they are, rarely, one more: three substitutions cost what two
deletions and two insertions do."""


class Step(NamedTuple):
    """A word of each side; None where one has nothing."""

    reference: str | None
    hypothesis: str | None

    @property
    def kind(self) -> str:
        """``C`` correct, ``S`` substitution, ``D`` deletion, ``I`` insertion."""
        if self.reference is None:
            return "I"
        if self.hypothesis is None:
            return "D"
        return "C" if self.reference == self.hypothesis else "S"


def align_words(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Step, ...]:
    """The cheapest alignment; of equal ones, from the end on, that with a pair, else with an
    insertion, which is sclite's choice."""
    rows, columns = len(reference), len(hypothesis)
    if list(reference) == list(hypothesis):
        return tuple(map(Step, reference, hypothesis))
    # What is cheaper than any way that leaves a band around the diagonal lies in it (Ukkonen 1985).
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
    """Of the first words of each, where their numbers differ by ``width`` at most, by ways that
    stay there; infinite elsewhere."""
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
