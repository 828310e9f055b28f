"""Text normalisation, and the vocabulary that alone knows the blank and what its symbols spell."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import isfinite

import numpy as np

from asr.errors import DataError

BLANK = "<blank>"
UNICODE_FORMS = ("NFC", "NFKC")
WORD_MARK = "▁"
"""In sub-words, the space before a word: U+2581."""


def normalize(text: str, form: str = "NFC") -> str:
    """Lower case, a Unicode normal form (UAX #15), single spaces, none at the ends: the form all
    text has inside, NFC but where a model's text has another (:meth:`Vocabulary.normalize`)."""
    # Again, for capitals that have no form with a further accent, whose small letters have one.
    lower = unicodedata.normalize(form, text).lower()  # type: ignore[arg-type]
    return " ".join(unicodedata.normalize(form, lower).split())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Vocabulary:
    """The output symbols of a model, the CTC blank at index 0, and what is to be known of its text.

    Symbols are single characters or, with ``scores``, sub-words and the characters that they are
    made of: ``▁`` stands for a space, with which every word begins, and a text is divided so that
    the sum of the scores (logarithms of probabilities; the blank's is 0) is the largest: the
    unigram model of Kudo (2018), equation 1.

    ``unicode`` is the normal form of the text. Where words are not ``spaced``, as in Japanese, each
    symbol stands for itself, and errors are counted in characters.
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
        """The blank, then the distinct ``characters`` in order."""
        return cls((BLANK, *sorted(set(characters))), (), unicode, spaced)

    @property
    def blank_id(self) -> int:
        """Index of the CTC blank."""
        return 0

    @property
    def space_id(self) -> int | None:
        """Index of the space between words, None where there is none."""
        return self._ids.get(self._space)

    @cached_property
    def word_boundaries(self) -> tuple[bool, ...]:
        """(V,) the symbols before which a word ends: the space, what begins with one, and all where
        words are not spaced."""
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
        """:func:`normalize` to the form of this model's text."""
        return normalize(text, self.unicode)

    def space_units(self, text: str) -> str:
        """A text with single spaces between the units that errors are counted in: its words, or its
        characters where words are not spaced."""
        return " ".join(text.split() if self.spaced else "".join(text.split()))

    def join_units(self, units: Iterable[str]) -> str:
        """The text of such units."""
        return (" " if self.spaced else "").join(units)

    def unknown_characters(self, text: str) -> list[str]:
        """The distinct characters of ``text`` that have no symbol, sorted."""
        return sorted(set(text) - self._characters)

    def encode(self, text: str) -> list[int]:
        """Symbol indices of ``text``.

        Raises:
            DataError: a character without a symbol.
        """
        unknown = self.unknown_characters(text)
        if unknown:
            raise DataError(f"characters {unknown} of {text!r} are not in the vocabulary")
        return self._pieces(text) if self.scores else [self._ids[letter] for letter in text]

    def _pieces(self, text: str) -> list[int]:
        """The best path through ``text``: the best score that ends at each place, and the symbol
        that it ends with. Of equal ones it is the longest, and sums are those of float32, as in
        sentencepiece."""
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
        """The text of symbol indices without blanks, as :meth:`encode` gave them."""
        text = "".join(self.tokens[index] for index in ids)
        if not self.scores:
            return text
        text = text.replace(WORD_MARK, " ")
        return text.removeprefix(" ") if self.spaced else text

    def split_words(self, text: str) -> list[str]:
        """The words of a text as they are recognised; where words are not spaced, its symbols."""
        if self.spaced:
            return text.split()
        return [symbol for id in self.encode(text) if (symbol := self.decode([id]).strip())]

    def is_joined(self, ids: Sequence[int], index: int) -> bool:
        """Whether words are not spaced, and none of the symbols ``ids`` is a space before that at
        ``index``."""
        if self.spaced or (index > 0 and ids[index - 1] == self.space_id):
            return False
        return not self.tokens[ids[index]].startswith(self._space)

    def word_spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """First and last (exclusive) index of the symbols of each word, spaces left out."""
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


def min_frames(ids: Sequence[int]) -> int:
    """Fewest frames on which CTC can emit ``ids``: one a label and a blank between equal ones
    (Graves et al. 2006, section 3.1)."""
    return len(ids) + sum(a == b for a, b in pairwise(ids))
