"""Text normalisation, and the vocabulary that alone knows the blank."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from asr.errors import DataError

BLANK = "<blank>"


def normalize(text: str) -> str:
    """Lower case, Unicode NFC, single spaces, none at the ends: the form all text has inside."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


@dataclass(frozen=True)
class Vocabulary:
    """The output symbols of a model: single characters, and the CTC blank at index 0."""

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[0] != BLANK:
            raise DataError(f"a vocabulary starts with {BLANK!r}, got {self.tokens[:1]}")
        if len(set(self.tokens)) != len(self.tokens):
            raise DataError("a vocabulary holds every symbol once, got a repetition")
        for token in self.tokens[1:]:
            if len(token) != 1:
                raise DataError(f"vocabulary symbols are single characters, got {token!r}")

    @classmethod
    def from_characters(cls, characters: Iterable[str]) -> "Vocabulary":
        """The blank, then the distinct ``characters`` in order."""
        return cls((BLANK, *sorted(set(characters))))

    @property
    def blank_id(self) -> int:
        """Index of the CTC blank."""
        return 0

    @property
    def space_id(self) -> int | None:
        """Index of the space between words, None where there is none."""
        return self._ids.get(" ")

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens) if index != self.blank_id}

    def unknown(self, text: str) -> list[str]:
        """The distinct characters of ``text`` that have no symbol, sorted."""
        return sorted(set(text) - self._ids.keys())

    def encode(self, text: str) -> list[int]:
        """Symbol indices of ``text``.

        Raises:
            DataError: a character without a symbol.
        """
        unknown = self.unknown(text)
        if unknown:
            raise DataError(f"characters {unknown} of {text!r} are not in the vocabulary")
        return [self._ids[character] for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of symbol indices without blanks, as :meth:`encode` gave them."""
        return "".join(self.tokens[index] for index in ids)


def min_frames(ids: Sequence[int]) -> int:
    """Fewest frames on which CTC can emit ``ids``: one a label and a blank between equal ones
    (Graves et al. 2006, section 3.1)."""
    return len(ids) + sum(a == b for a, b in pairwise(ids))
