"""Hashes of words, by which language models and the search know them without a table of strings."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BASE, MASK = 1000003, 0xFFFFFFFFFFFF
"""A character with the code point ``c`` takes the hash ``h`` to ``(h * BASE + c + 1) & MASK``."""


@lru_cache(1 << 16)
def hash_word(word: str) -> int:
    """Return the hash of ``word``, 48 bits.

    >>> hash_word(""), hash_word("a"), hash_word("an") == (98 * BASE + 111) & MASK
    (0, 98, True)
    """
    code = 0
    for character in word:
        code = (code * BASE + ord(character) + 1) & MASK
    return code


def hash_words(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the hashes (words,) of many words at once.

    >>> hash_words(["a", "an"]).tolist() == [hash_word("a"), hash_word("an")]
    True
    """
    characters = np.frombuffer("".join(words).encode("utf-32-le"), "<u4").astype(np.uint64)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    begins = np.cumsum(lengths) - lengths
    codes = np.zeros(len(words), np.uint64)
    place, longer = 0, np.flatnonzero(lengths)
    while len(longer):
        # The product overflows 64 bits; the 48 that are kept are right nevertheless.
        codes[longer] *= np.uint64(BASE)
        codes[longer] += characters[begins[longer] + place] + np.uint64(1)
        place += 1
        longer = longer[lengths[longer] > place]
    return codes & np.uint64(MASK)
