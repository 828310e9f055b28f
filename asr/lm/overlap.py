"""Overlap of a test with a language model's text, on which the model would look too good."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asr.errors import DataError
from asr.lm.ngram import split_units
from asr.lm.packed import PackedLm

LONG_SENTENCE = 4  # words; shorter sentences are often equal by chance
OVERLAP_LIMIT = 0.2  # share of the long sentences from which an overlap is worth a warning


@dataclass(frozen=True)
class TextOverlap:
    """The numbers of a test's sentences and n-grams, and of those that are ``seen`` in another
    text.

    ``long`` sentences have :data:`LONG_SENTENCE` words or more. N-grams are counted as ``distinct``
    and as ``running``; they lie within a sentence, without its markers.
    """

    order: int
    sentences: int
    sentences_seen: int
    long: int
    long_seen: int
    distinct: int
    distinct_seen: int
    running: int
    running_seen: int

    @property
    def warning(self) -> str | None:
        """A line of warning if too many sentences stand word for word in the other text."""
        if not self.long or self.long_seen < OVERLAP_LIMIT * self.long:
            return None
        return (
            f"{_share(self.long_seen, self.long)} of the test's sentences of {LONG_SENTENCE} or "
            "more words stand word for word in the language model's text; results on them say "
            "little about other speech"
        )

    def __str__(self) -> str:
        return (
            f"{_share(self.sentences_seen, self.sentences)} of the test's sentences, "
            f"{_share(self.distinct_seen, self.distinct)} of its distinct and "
            f"{_share(self.running_seen, self.running)} of its running {self.order}-grams are in "
            "the language model's text"
        )


@dataclass(frozen=True)
class ModelOverlap:
    """The numbers of a test's ``running`` n-grams, and of those that a model holds (``explicit``).

    Both have an entry for each order. Markers count as words; an n-gram with an unknown word is not
    held. A sentence is covered if the model holds, for each of its words, the n-gram of the full
    order that ends there, or of as many words as the sentence has up to there.
    """

    explicit: tuple[int, ...]
    running: tuple[int, ...]
    sentences: int
    sentences_covered: int
    long: int
    long_covered: int

    @property
    def warning(self) -> str | None:
        """A line of warning if too many sentences are covered."""
        if not self.long or self.long_covered < OVERLAP_LIMIT * self.long:
            return None
        return (
            f"{_share(self.long_covered, self.long)} of the test's sentences of {LONG_SENTENCE} or "
            f"more words are made of {len(self.explicit)}-grams that the language model holds; "
            "the test may have been among its texts"
        )

    def __str__(self) -> str:
        pairs = zip(self.explicit, self.running, strict=True)
        shares = [f"{_share(a, b)} of the {k}-grams" for k, (a, b) in enumerate(pairs, start=1)]
        covered = _share(self.sentences_covered, self.sentences)
        return f"the model holds {', '.join(shares)}; {covered} of the sentences are covered"


def text_overlap(
    lm_texts: Iterable[str], test_texts: Sequence[str], order: int, unit: str = "word"
) -> TextOverlap:
    """Count the sentences and n-grams of a test that are in a language model's text.

    All texts are normalised.

    Raises:
        DataError: the test is empty.
    """
    _need_texts(test_texts)
    sentences, grams = set(test_texts), set(_grams(test_texts, order, unit))
    sentences_seen: set[str] = set()
    grams_seen: set[tuple[str, ...]] = set()
    for text in lm_texts:
        if text in sentences:
            sentences_seen.add(text)
        grams_seen |= grams.intersection(_grams([text], order, unit))
    running = list(_grams(test_texts, order, unit))
    long = [text for text in test_texts if _is_long(text)]
    return TextOverlap(
        order=order,
        sentences=len(test_texts),
        sentences_seen=sum(text in sentences_seen for text in test_texts),
        long=len(long),
        long_seen=sum(text in sentences_seen for text in long),
        distinct=len(grams),
        distinct_seen=len(grams_seen),
        running=len(running),
        running_seen=sum(gram in grams_seen for gram in running),
    )


def model_overlap(model: PackedLm, test_texts: Sequence[str]) -> ModelOverlap:
    """Count the n-grams of normalised test texts that ``model`` holds.

    Raises:
        DataError: the test is empty.
    """
    _need_texts(test_texts)
    ids, position, _, in_model = model.match([model.encode(text) for text in test_texts])
    known = ids != model.unknown_id
    explicit, running = [], []
    covered = np.ones(len(ids), bool)  # true where the model holds the longest n-gram that fits
    for k in range(1, model.order + 1):
        fits = position >= max(k - 1, 1)
        held = fits & in_model[k - 1] & known
        explicit.append(int(held.sum()))
        running.append(int(fits.sum()))
        covered[fits] = held[fits]
        known = known & np.roll(ids != model.unknown_id, k)
    whole = np.logical_and.reduceat(covered, np.flatnonzero(position == 0))
    long = np.array([_is_long(text) for text in test_texts])
    return ModelOverlap(
        explicit=tuple(explicit),
        running=tuple(running),
        sentences=len(test_texts),
        sentences_covered=int(whole.sum()),
        long=int(long.sum()),
        long_covered=int((whole & long).sum()),
    )


def _need_texts(test_texts: Sequence[str]) -> None:
    if not test_texts:
        raise DataError("an overlap needs test texts, got none")


def _is_long(text: str) -> bool:
    return len(text.split()) >= LONG_SENTENCE


def _grams(texts: Iterable[str], order: int, unit: str) -> Iterator[tuple[str, ...]]:
    for text in texts:
        units = split_units(text, unit)
        yield from zip(*(units[at:] for at in range(order)), strict=False)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.1f} %"
