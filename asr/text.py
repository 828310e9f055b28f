"""Normalisation of text, and the vocabulary: a model's symbols and the text that they spell."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import isfinite
from operator import eq

import numpy as np

from asr.errors import DataError

BLANK = "<blank>"
UNICODE_FORMS = ("NFC", "NFKC")
WORD_MARK = "▁"
"""The character U+2581, which stands for the space before a word in pieces."""


def normalize(text: str, form: str = "NFC") -> str:
    """Return ``text`` in the form that all text has inside the package.

    That is lower case, a Unicode normal form (UAX #15), single spaces, and none at the ends. A
    model whose text has another normal form than NFC says so (:meth:`Vocabulary.normalize`).

    >>> normalize("  Café\\tAU lait ")
    'café au lait'
    """
    if not isinstance(text, str):
        raise TypeError(f"a text needs to be a str, got {type(text).__name__}")
    # Composed a second time: some letters have a form with a further accent in lower case alone.
    lower = unicodedata.normalize(form, text).lower()  # type: ignore[arg-type]
    return " ".join(unicodedata.normalize(form, lower).split())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Vocabulary:
    """The output symbols of a model, with the CTC blank at index 0.

    Symbols are single characters or, if there are ``scores``, pieces (sub-words) and the characters
    that these are made of. In pieces, ``▁`` stands for the space with which every word begins. A
    text is divided into the pieces whose scores (natural logarithms of probabilities; 0 for the
    blank) have the largest sum: the unigram model of Kudo (2018), equation 1.

    ``unicode`` is the normal form of the model's text. ``spaced`` is False for languages that put
    no spaces between words, such as Japanese: each symbol is then taken as a word, and errors are
    counted in characters.

    Raises:
        DataError: the first symbol is not the blank, a symbol occurs twice, or the symbols, scores
            and form do not fit together.

    >>> vocabulary = Vocabulary.from_characters(" enotw")
    >>> vocabulary.encode("one two")
    [4, 3, 2, 1, 5, 6, 4]
    >>> vocabulary.decode([4, 3, 2])
    'one'
    """

    tokens: tuple[str, ...]
    scores: tuple[float, ...] = ()
    unicode: str = "NFC"
    spaced: bool = True

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[0] != BLANK:
            raise DataError(f"a vocabulary starts with {BLANK!r}, got {self.tokens[:1]}")
        if len(set(self.tokens)) != len(self.tokens):
            raise DataError("a vocabulary holds every symbol once, got a repetition")
        if self.unicode not in UNICODE_FORMS:
            raise DataError(f"unicode is {self.unicode!r}, needs one of {', '.join(UNICODE_FORMS)}")
        if not isinstance(self.spaced, bool):
            raise DataError(f"spaced is {self.spaced!r}, needs true or false")
        if self.scores:
            self._check_pieces()
            return
        for token in self.tokens[1:]:
            if len(token) != 1:
                raise DataError(f"vocabulary symbols are single characters, got {token!r}")

    def _check_pieces(self) -> None:
        if len(self.scores) != len(self.tokens) or not all(map(isfinite, self.scores)):
            raise DataError(f"{len(self.tokens)} symbols need as many finite scores")
        if self.spaced and WORD_MARK not in self._ids:
            raise DataError(f"sub-words of words need the symbol {WORD_MARK!r}")
        for token in self.tokens[1:]:
            if not token or WORD_MARK in token[1:] or " " in token:
                raise DataError(f"sub-words have {WORD_MARK} at the beginning, got {token!r}")
            for character in token:
                if character not in self._ids:
                    raise DataError(f"the sub-word {token!r} needs the symbol {character!r} too")

    @classmethod
    def from_characters(
        cls, characters: Iterable[str], unicode: str = "NFC", spaced: bool = True
    ) -> "Vocabulary":
        """Return the vocabulary of the blank and the distinct ``characters``, sorted."""
        return cls((BLANK, *sorted(set(characters))), (), unicode, spaced)

    @property
    def blank_id(self) -> int:
        """The index of the CTC blank."""
        return 0

    @property
    def space_id(self) -> int | None:
        """The index of the space between words, or None if the vocabulary has none."""
        return self._ids.get(self._space)

    @property
    def leading_space(self) -> bool:
        """True if a text may begin with the space, as one of pieces does."""
        return bool(self.scores) and self.spaced

    @cached_property
    def word_boundaries(self) -> tuple[bool, ...]:
        """(V,) True for each symbol before which a word ends: the space, pieces that begin with
        one, and every symbol but the blank where words are not spaced."""
        return tuple(
            index != self.blank_id and (not self.spaced or token.startswith(self._space))
            for index, token in enumerate(self.tokens)
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def _space(self) -> str:
        return WORD_MARK if self.scores else " "

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens) if index != self.blank_id}

    @cached_property
    def _characters(self) -> frozenset[str]:
        single = {token for token in self._ids if len(token) == 1}
        if self.scores and WORD_MARK in single:
            single = single - {WORD_MARK} | {" "}
        return frozenset(single)

    def normalize(self, text: str) -> str:
        """Return ``text`` in the form of this model's text; see :func:`normalize`."""
        return normalize(text, self.unicode)

    def space_units(self, text: str) -> str:
        """Return ``text`` with single spaces between the units that errors are counted in.

        These are its words, or its characters where words are not spaced.
        """
        return " ".join(text.split() if self.spaced else "".join(text.split()))

    def join_units(self, units: Iterable[str]) -> str:
        """Return the text of such units; the inverse of :meth:`space_units`."""
        return (" " if self.spaced else "").join(units)

    def unknown_characters(self, text: str) -> list[str]:
        """Return the distinct characters of ``text`` that have no symbol, sorted."""
        return sorted(set(text) - self._characters)

    def encode(self, text: str) -> list[int]:
        """Return the symbol indices of a normalised ``text``.

        Raises:
            DataError: a character has no symbol.
        """
        unknown = self.unknown_characters(text)
        if unknown:
            raise DataError(f"characters {unknown} of {text!r} are not in the vocabulary")
        return self._pieces(text) if self.scores else [self._ids[letter] for letter in text]

    def _pieces(self, text: str) -> list[int]:
        """Divide ``text`` into the pieces with the largest sum of scores, by Viterbi's algorithm.

        Kept for each position are the best score of a division that ends there, and its last piece.
        As in sentencepiece, the longest of equally good pieces wins, and sums are float32.
        """
        if not text:
            return []
        spelled = WORD_MARK * self.spaced + text.replace(" ", WORD_MARK)
        best: list[tuple[np.float32, int]] = [(np.float32(0), 0)]
        for end in range(1, len(spelled) + 1):
            found: tuple[np.float32, int] | None = None
            for begin in range(max(0, end - self._longest), end):
                id = self._ids.get(spelled[begin:end])
                if id is not None:
                    score = best[begin][0] + self._float_scores[id]
                    if found is None or score > found[0]:
                        found = score, id
            assert found is not None  # each character is a symbol
            best.append(found)
        ids, end = [], len(spelled)
        while end:
            ids.append(best[end][1])
            end -= len(self.tokens[ids[-1]])
        return ids[::-1]

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._ids), default=0)

    @cached_property
    def _float_scores(self) -> list[np.float32]:
        return [np.float32(score) for score in self.scores]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of symbol indices without blanks; the inverse of :meth:`encode`."""
        text = "".join(self.tokens[index] for index in ids)
        if not self.scores:
            return text
        text = text.replace(WORD_MARK, " ")
        return text.removeprefix(" ") if self.spaced else text

    def split_words(self, text: str) -> list[str]:
        """Return the words of a text; where words are not spaced, each symbol is one."""
        if self.spaced:
            return text.split()
        return [symbol for id in self.encode(text) if (symbol := self.decode([id]).strip())]

    def is_joined(self, ids: Sequence[int], index: int) -> bool:
        """Return True if the word that begins at ``ids[index]`` follows the one before it without a
        space, which happens only where words are not spaced."""
        if self.spaced or (index > 0 and ids[index - 1] == self.space_id):
            return False
        return not self.tokens[ids[index]].startswith(self._space)

    def word_spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return the first and last (exclusive) index in ``ids`` of each word, without spaces."""
        spans: list[tuple[int, int]] = []
        inside = False
        for index, id in enumerate(ids):
            if id == self.space_id:
                inside = False
            elif inside and not self.word_boundaries[id]:
                spans[-1] = spans[-1][0], index + 1
            else:
                spans.append((index, index + 1))
                inside = True
        return spans


def min_frames(ids: Sequence[object]) -> int:
    """Return the fewest frames on which CTC can emit ``ids``, or the characters of a text.

    Each label needs a frame, and two equal labels in a row a blank between them (Graves et al.
    2006, section 3.1).

    >>> min_frames([7, 7, 9])
    4
    """
    equal: Iterable[bool] = map(eq, ids, islice(ids, 1, None))
    return len(ids) + sum(equal)
