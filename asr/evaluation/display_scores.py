"""Scores of written texts: their marks and their capitals, apart from their words."""

from collections.abc import Sequence
from dataclasses import dataclass

from asr.display.written import MARKS, mark_behind, split_written, without_marks
from asr.evaluation.word_alignment import align_words


@dataclass(frozen=True)
class MarkScore:
    """How often a ``mark`` stands in both texts behind the same word (``right``), in the hypothesis
    (``said``) and in the reference (``true``)."""

    mark: str
    right: int
    said: int
    true: int

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None if neither text has the mark."""
        both = self.said + self.true
        return 2 * self.right / both if both else None

    def __str__(self) -> str:
        f1 = "no figure" if self.f1 is None else f"F1 {100 * self.f1:.2f} %"
        shares = f"precision {self.right} / {self.said}, recall {self.right} / {self.true}"
        return f"{self.mark}    {f1} [{shares}]"


@dataclass(frozen=True)
class CaseScore:
    """The words that both texts have, and those of them that are written in another case."""

    errors: int
    words: int

    def __str__(self) -> str:
        if not self.words:
            return "no figure: no word is in both texts"
        rate = 100 * self.errors / self.words
        return f"{rate:.2f} % [{self.errors} / {self.words} right words in another case]"


@dataclass(frozen=True)
class DisplayScore:
    """The scores of each mark and of case."""

    marks: tuple[MarkScore, ...]
    case: CaseScore


def score_display(references: Sequence[str], hypotheses: Sequence[str]) -> DisplayScore:
    """Score the marks and the case of written texts.

    Words are aligned in lower case; a mark is right if it stands behind a word that is aligned with
    one that has it, whether the word is right or not.

    >>> score = score_display(["Yes, Ann. Go!"], ["yes, Ann? Go."])
    >>> print(score.marks[0], score.marks[1], score.case, sep="\\n")
    ,    F1 100.00 % [precision 1 / 1, recall 1 / 1]
    .    F1 0.00 % [precision 0 / 1, recall 0 / 1]
    33.33 % [1 / 3 right words in another case]
    """
    right, said, true = (dict.fromkeys(MARKS, 0) for _ in range(3))
    errors = words = 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        ours, theirs = _divided(hypothesis), _divided(reference)
        for _, mark in ours:
            said[mark] += 1
        for _, mark in theirs:
            true[mark] += 1
        steps = align_words(
            [word.lower() for word, _ in theirs], [word.lower() for word, _ in ours]
        )
        first, second = iter(theirs), iter(ours)
        for step in steps:
            own = next(first) if step.reference is not None else None
            other = next(second) if step.hypothesis is not None else None
            if own and other:
                right[own[1]] += own[1] == other[1]
                if step.kind == "C":
                    words += 1
                    errors += own[0] != other[0]
    marks = tuple(MarkScore(mark, right[mark], said[mark], true[mark]) for mark in MARKS[1:])
    return DisplayScore(marks, CaseScore(errors, words))


def _divided(text: str) -> list[tuple[str, str]]:
    """Return the words of a written text, each with the mark behind it."""
    words: list[tuple[str, str]] = []
    for token in split_written(text):
        word, mark = without_marks(token), mark_behind(token)
        if word:
            words.append((word, mark))
        elif words and mark and not words[-1][1]:
            words[-1] = words[-1][0], mark
    return words
