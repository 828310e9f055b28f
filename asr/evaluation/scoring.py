"""Word and character error rates, and the counts that they are made of; jiwer aligns the texts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jiwer

from asr.counts import counted
from asr.errors import DataError
from asr.text import normalize

AT_ONCE = 2000
"""The number of utterances that jiwer aligns in one call: it keeps all their alignments in
memory."""

_WORDS = jiwer.Compose([jiwer.ReduceToListOfListOfWords()])
_CHARACTERS = jiwer.Compose([jiwer.ReduceToListOfListOfChars()])


@dataclass(frozen=True)
class ErrorCounts:
    """The hits, substitutions, deletions and insertions of an alignment with the fewest errors.

    >>> print(ErrorCounts(hits=8, substitutions=1, deletions=1) + ErrorCounts(insertions=1))
    30.00 % [3 / 10: 1 ins, 1 del, 1 sub]
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference(self) -> int:
        """The number of words (or characters) of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """The number of errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """The errors for each word of the reference, a fraction; infinite if there are insertions
        against an empty reference, 0 if there is nothing at all."""
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
    """The errors over all utterances: in words, in characters with spaces counted, in characters
    without spaces, and the number of sentences that have an error. ``by_utterance`` holds the word
    errors of each utterance."""

    words: ErrorCounts
    characters: ErrorCounts
    characters_without_spaces: ErrorCounts
    sentences: int
    sentence_errors: int
    by_utterance: tuple[ErrorCounts, ...] = field(default=(), compare=False, repr=False)

    @property
    def wer(self) -> float:
        """The word error rate, a fraction."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """The character error rate with spaces counted, a fraction."""
        return self.characters.rate

    @property
    def ser(self) -> float:
        """The sentence error rate: the share of sentences that have an error."""
        return self.sentence_errors / self.sentences


def score(references: Sequence[str], hypotheses: Sequence[str], unit: str = "word") -> Score:
    """Score ``hypotheses`` against ``references``, utterance by utterance.

    Both are normalised (:func:`asr.text.normalize`). The words of a hypothesis whose reference is
    empty count as insertions, as in sclite.

    >>> result = score(["Yes no", "stop"], ["yes", "stop"])
    >>> print(result.words)
    33.33 % [1 / 3: 0 ins, 1 del, 0 sub]
    >>> round(result.cer, 2), result.ser
    (0.3, 0.5)

    Args:
        references: what was said, a text for each utterance.
        hypotheses: what was recognised, in the same order.
        unit: "word", or "character" for texts that have a space between all characters, so that
            characters are scored as words; spaces are then not counted in ``characters``.

    Raises:
        DataError: the numbers of references and hypotheses differ, or no reference has a word.
    """
    if len(references) != len(hypotheses):
        raise DataError(
            f"{counted(len(references), 'reference')} but {len(hypotheses)} hypotheses; needs "
            "one for each"
        )
    references = [normalize(text) for text in references]
    hypotheses = [normalize(text) for text in hypotheses]
    if not any(references):
        raise DataError("the references hold no word: an error rate needs at least one")
    words = count_each(references, hypotheses)
    stripped = _count_characters(
        [text.replace(" ", "") for text in references],
        [text.replace(" ", "") for text in hypotheses],
    )
    spaces_count = unit == "word"
    return Score(
        words=_sum(words),
        characters=_count_characters(references, hypotheses) if spaces_count else stripped,
        characters_without_spaces=stripped,
        sentences=len(references),
        sentence_errors=sum(r != h for r, h in zip(references, hypotheses, strict=True)),
        by_utterance=tuple(words),
    )


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Count the word errors over all utterances, whose texts are normalised already."""
    return _sum(count_each(references, hypotheses))


def count_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Count the word errors of one utterance; the reference may be empty.

    >>> count_errors("yes no", "yes now please").errors
    2
    """
    return word_errors([normalize(reference)], [normalize(hypothesis)])


def count_character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Count the character errors of one utterance, with spaces counted; the reference may be empty.

    >>> count_character_errors("yes no", "yes now").errors
    1
    """
    return _count_characters([normalize(reference)], [normalize(hypothesis)])


def _sum(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    return sum(counts, ErrorCounts())


def count_each(references: Sequence[str], hypotheses: Sequence[str]) -> list[ErrorCounts]:
    """Count the word errors of each utterance; the texts are normalised already, and references may
    be empty."""
    counts = [
        ErrorCounts(hits=len(reference.split()))
        if reference == hypothesis
        else ErrorCounts(insertions=len(hypothesis.split()))
        for reference, hypothesis in zip(references, hypotheses, strict=True)
    ]
    for places, output in _aligned(jiwer.process_words, _WORDS, references, hypotheses):
        for place, chunks in zip(places, output.alignments, strict=True):
            sizes = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
            for chunk in chunks:
                size = chunk.ref_end_idx - chunk.ref_start_idx
                sizes[chunk.type] += size or chunk.hyp_end_idx - chunk.hyp_start_idx
            counts[place] = ErrorCounts(*sizes.values())
    return counts


def _count_characters(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Count the character errors over all utterances."""
    pairs = list(zip(references, hypotheses, strict=True))
    total = ErrorCounts(
        hits=sum(len(reference) for reference, hypothesis in pairs if reference == hypothesis),
        insertions=sum(len(hypothesis) for reference, hypothesis in pairs if not reference),
    )
    for _, output in _aligned(jiwer.process_characters, _CHARACTERS, references, hypotheses):
        total += ErrorCounts(output.hits, output.substitutions, output.deletions, output.insertions)
    return total


def _aligned(
    process: Callable[..., Any],
    transform: jiwer.Compose,
    references: Sequence[str],
    hypotheses: Sequence[str],
) -> Iterator[tuple[list[int], Any]]:
    """Yield the places of pairs that differ, :data:`AT_ONCE` at a time, and what jiwer's
    ``process`` returns for them. Empty references are left out, because jiwer refuses them."""
    places = [
        place
        for place, pair in enumerate(zip(references, hypotheses, strict=True))
        if pair[0] and pair[0] != pair[1]
    ]
    for first in range(0, len(places), AT_ONCE):
        part = places[first : first + AT_ONCE]
        yield (
            part,
            process(
                [references[place] for place in part],
                [hypotheses[place] for place in part],
                reference_transform=transform,
                hypothesis_transform=transform,
            ),
        )
