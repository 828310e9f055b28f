"""Lexicon: the words that a search knows, as a trie of their spellings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.decoding.hotwords import without_space
from asr.errors import DataError
from asr.files import read_lines
from asr.lm.trie import ROOT, Trie, build_trie
from asr.text import Vocabulary, normalize


@dataclass(frozen=True)
class Lexicon:
    """A trie of spelled words.

    The labels of ``trie`` are token ids. ``words`` (nodes,) holds the id of the word that ends at
    each node, and -1 where none does. ``follow`` (nodes,) are sets of the tokens that may follow
    each node if no other words are allowed: bit k is set for the tokens k, k + 64, k + 128 and so
    on.
    """

    trie: Trie
    words: npt.NDArray[np.int32]
    follow: npt.NDArray[np.uint64]


def build_lexicon(words: Sequence[str], ids: Sequence[int], vocabulary: Vocabulary) -> Lexicon:
    """Build the trie of ``words``, each spelled as the vocabulary encodes it, with their ``ids``.

    Raises:
        DataError: there is no word, one contains a space, or the vocabulary cannot spell one.

    >>> letters = Vocabulary.from_characters(" ab")  # token 0 is the blank, token 1 the space
    >>> lexicon = build_lexicon(["a", "ab"], [0, 1], letters)
    >>> lexicon.words
    array([-1,  0,  1], dtype=int32)
    >>> [f"{tokens:04b}" for tokens in lexicon.follow.tolist()]
    ['0100', '1010', '0010']
    """
    if not words:
        raise DataError("the lexicon holds no word")
    spelled = []
    for word in words:
        if " " in word or vocabulary.unknown_characters(word):
            wrong = " ".join(map(repr, vocabulary.unknown_characters(word))) or "a space"
            raise DataError(f"word {word!r} of the lexicon: {wrong} is no symbol for a word here")
        spelled.append(without_space(vocabulary.encode(word), vocabulary))
    trie, ends = build_trie(spelled)
    at_node = np.full(len(trie.label), -1, np.int32)
    at_node[ends] = ids
    return Lexicon(trie, at_node, _follow(trie, at_node >= 0, vocabulary))


def _follow(
    trie: Trie, ends: npt.NDArray[np.bool_], vocabulary: Vocabulary
) -> npt.NDArray[np.uint64]:
    """Return the sets of the tokens that may follow each node; words end at ``ends`` (nodes,)."""
    follow = np.zeros(len(trie), np.uint64)
    np.bitwise_or.at(follow, trie.parents()[1:], _bit(trie.label[1:]))
    first = trie.label[trie.first[0] : trie.first[1]]  # the children of the root
    boundaries = np.array(vocabulary.word_boundaries)
    if vocabulary.space_id is not None:
        after = ends.copy()
        after[ROOT] |= vocabulary.leading_space
        follow[after] |= _bit(vocabulary.space_id)
    if vocabulary.leading_space:  # tokens that begin with a space begin the next word
        follow[ends] |= np.bitwise_or.reduce(_bit(first[boundaries[first]]))
    return follow


def _bit(tokens: Any) -> Any:
    return np.uint64(1) << (np.asarray(tokens).astype(np.uint64) % np.uint64(64))


def read_lexicon(path: str | Path) -> list[str]:
    """Read the words of a word list or of a pronouncing dictionary.

    They are the first field of each line, normalised, each once. ``WORD(2)`` is a second
    pronunciation of ``WORD``. Lines that begin with ``#`` or ``;;;`` are comments.

    Raises:
        DataError: the file cannot be read, is not UTF-8, or holds no word.
    """
    words = [
        normalize(re.sub(r"\(\d+\)$", "", line.split()[0]))
        for line in read_lines(path, "lexicon")
        if line.strip() and not line.startswith((";;;", "#"))
    ]
    if not words:
        raise DataError(f"{path}: the lexicon holds no word")
    return list(dict.fromkeys(words))
