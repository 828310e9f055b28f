"""The words that a search knows, as a trie of their spellings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.decoding.hotwords import without_space
from asr.errors import DataError
from asr.files import read_text
from asr.lm.trie import Trie, build_trie
from asr.text import Vocabulary, normalize


@dataclass(frozen=True)
class Lexicon:
    """``trie``: edges are token ids; ``words`` (nodes,): the id of the word that ends at a node,
    -1 where none does."""

    trie: Trie
    words: npt.NDArray[np.int32]


def build_lexicon(words: Sequence[str], ids: Sequence[int], vocabulary: Vocabulary) -> Lexicon:
    """The trie of ``words`` with their ``ids``. Of sub-words, a word's are those that training
    texts are divided into.

    Raises:
        DataError: a word that the vocabulary cannot spell, one that holds a space, or none.
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
    return Lexicon(trie, at_node)


def read_lexicon(path: str | Path) -> list[str]:
    """The words of a word list or of a pronouncing dictionary: the first field of each line, in
    its normal form, once each; ``WORD(2)`` is another way to say ``WORD``.

    Raises:
        DataError: not readable, not UTF-8, or without words.
    """
    words = [
        normalize(re.sub(r"\(\d+\)$", "", line.split()[0]))
        for line in read_text(path, "lexicon").splitlines()
        if line.strip() and not line.startswith((";;;", "#"))
    ]
    if not words:
        raise DataError(f"{path}: the lexicon holds no word")
    return list(dict.fromkeys(words))
