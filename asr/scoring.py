"""Word and character error rates, aligned by jiwer, with the counts they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer

from asr.errors import DataError
from asr.text import normalize


@dataclass(frozen=True)
class ErrorCounts:
    """Hits, substitutions, deletions and insertions of a minimum edit alignment."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference(self) -> int:
        """Number of reference units."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Number of errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference unit; infinite for insertions against nothing, 0 for no units."""
        if self.reference:
            return self.errors / self.reference
        return float("inf") if self.errors else 0.0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    def __str__(self) -> str:
        return (
            f"{100 * self.rate:.2f} % [{self.errors} / {self.reference}: {self.insertions} ins, "
            f"{self.deletions} del, {self.substitutions} sub]"
        )


@dataclass(frozen=True)
class Score:
    """Counts over all utterances: words, characters with spaces counted and with spaces
    stripped, and sentences with an error."""

    words: ErrorCounts
    characters: ErrorCounts
    characters_without_spaces: ErrorCounts
    sentences: int
    sentence_errors: int

    @property
    def wer(self) -> float:
        """Word error rate, a fraction."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate with spaces counted, a fraction."""
        return self.characters.rate

    @property
    def ser(self) -> float:
        """Share of sentences with an error."""
        return self.sentence_errors / self.sentences


def score(references: Sequence[str], hypotheses: Sequence[str]) -> Score:
    """Score ``hypotheses`` against ``references``, utterance by utterance.

    Both are normalised (:func:`asr.text.normalize`). The words of a hypothesis whose reference
    is empty count as insertions, as in sclite.

    Raises:
        DataError: different numbers of utterances, none at all, or no reference word in any.
    """
    if len(references) != len(hypotheses):
        raise DataError(
            f"{len(references)} references but {len(hypotheses)} hypotheses; needs one for each"
        )
    references = [normalize(text) for text in references]
    hypotheses = [normalize(text) for text in hypotheses]
    if not any(references):
        raise DataError("the references hold no word: an error rate needs at least one")
    pairs = list(zip(references, hypotheses, strict=True))
    return Score(
        words=_count([(r.split(), h.split()) for r, h in pairs]),
        characters=_count([(list(r), list(h)) for r, h in pairs]),
        characters_without_spaces=_count(
            [(list(r.replace(" ", "")), list(h.replace(" ", ""))) for r, h in pairs]
        ),
        sentences=len(pairs),
        sentence_errors=sum(r != h for r, h in pairs),
    )


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Word errors alone, over all utterances; the texts are normalised already."""
    pairs = zip(references, hypotheses, strict=True)
    return _count([(reference.split(), hypothesis.split()) for reference, hypothesis in pairs])


def count_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Word errors of one utterance, both texts normalised; the reference may be empty."""
    return _count([(normalize(reference).split(), normalize(hypothesis).split())])


def _count(pairs: Sequence[tuple[list[str], list[str]]]) -> ErrorCounts:
    # jiwer takes strings of words, so each distinct unit becomes a word: a space can be a unit
    # too. Empty references are counted here, as jiwer refuses them.
    inserted = sum(len(hypothesis) for reference, hypothesis in pairs if not reference)
    filled = [pair for pair in pairs if pair[0]]
    if not filled:
        return ErrorCounts(insertions=inserted)
    ids: dict[str, str] = {}
    texts = [
        [" ".join(ids.setdefault(unit, f"u{len(ids)}") for unit in units) for units in side]
        for side in zip(*filled, strict=True)
    ]
    output = jiwer.process_words(texts[0], texts[1])
    return ErrorCounts(
        output.hits, output.substitutions, output.deletions, output.insertions + inserted
    )
