"""Back-off n-gram models, stored in flat arrays."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.lm.trie import NO_NODE, ROOT, IntArray, Trie, empty_trie, grow

MAX_ORDER = 6
START, END, UNKNOWN, SPACE = "<s>", "</s>", "<unk>", "<space>"

FloatArray = npt.NDArray[np.float32]


def split_units(text: str, unit: str) -> list[str]:
    """Return the units of a normalised text: its words, or its characters with ``<space>`` for
    blanks.

    >>> split_units("go on", "word"), split_units("go on", "token")
    (['go', 'on'], ['g', 'o', '<space>', 'o', 'n'])
    """
    if unit == "word":
        return text.split()
    return [SPACE if character == " " else character for character in text]


class Matches(NamedTuple):
    """The n-grams of a model that end at each of the T positions of sentences, each of which begins
    with ``<s>``."""

    ids: IntArray
    """(T,) the word ids."""
    position: IntArray
    """(T,) the place in the sentence, 0 at ``<s>``."""
    nodes: IntArray
    """(order, T) row k - 1 holds the nodes of the k words up to each position; -1 stands for words
    that are no n-gram of the model."""


@dataclass(frozen=True, eq=False)
class NgramModel:
    """A back-off model in a trie of word ids (Katz 1987, eq. 4; Chen and Goodman 1998, eq. 12).

    The path w1 .. wk leads to the node of that k-gram; the root is the empty context and all
    words are its children, so that word id w is node 1 + w.

    ``words`` (V,) are the words by their ids. ``log10_probs`` (nodes,) float32 are the
    probabilities of the last word of a node's n-gram after the others. ``log10_backoffs`` (lower,)
    float32 are the back-offs of the nodes below the highest order, which come first. ``suffix``
    (nodes,) int32 is the node of the longest proper suffix w2 .. wk that is in the model.

    Raises:
        DataError: the order is out of range, or the words lack ``<s>``, ``</s>`` or ``<unk>``.
    """

    order: int
    words: tuple[str, ...]
    trie: Trie
    log10_probs: FloatArray
    log10_backoffs: FloatArray
    suffix: IntArray

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise DataError(f"an n-gram model has order 1 to {MAX_ORDER}, got {self.order}")
        for special in (START, END, UNKNOWN):
            if special not in self.words:
                raise DataError(f"an n-gram model needs the word {special}, which is missing")

    @property
    def unit(self) -> str:
        """The unit of the model: ``token`` if ``<space>`` is among its words, of which the others
        are
        then characters; else ``word``."""
        return "token" if SPACE in self.ids else "word"

    @property
    def lower(self) -> int:
        """The number of nodes below the highest order, which have back-offs."""
        return len(self.log10_backoffs)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each word in its normal form (:func:`asr.text.normalize`); words that differ
        only
        in case share the lowest of their ids."""
        words = unicodedata.normalize("NFC", "\n".join(self.words).lower()).split("\n")
        return dict(zip(reversed(words), range(len(words) - 1, -1, -1), strict=True))

    @property
    def unknown_id(self) -> int:
        """The id that words outside the model share."""
        return self.ids[UNKNOWN]

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """The bounds (order + 2,) of the orders: k-grams are nodes ``bounds[k]`` to
        ``bounds[k + 1] - 1``."""
        bounds = [0, 1]
        while len(bounds) < self.order + 2:
            bounds.append(int(self.trie.first[bounds[-1]]))
        return tuple(bounds)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order, from 1 on."""
        return tuple(int(count) for count in np.diff(self.bounds[1:]))

    def word_id(self, word: str) -> int:
        """Return the id of ``word``, or that of ``<unk>`` if the model lacks it."""
        return self.ids.get(word, self.unknown_id)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the units of a normalised text."""
        return [self.word_id(word) for word in split_units(text, self.unit)]

    def match(self, sentences: Sequence[Sequence[int]]) -> Matches:
        """Look up the n-grams that end at each word of ``sentences`` (ids without markers)."""
        start, end = self.ids[START], self.ids[END]
        stream = [id for sentence in sentences for id in (start, *sentence, end)]
        ids = np.array(stream, np.int32)
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences)) + 2
        begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
        position = (np.arange(len(ids)) - begins).astype(np.int32)
        nodes = np.full((self.order, len(ids)), NO_NODE, np.int32)
        nodes[0] = 1 + ids
        for k in range(1, self.order):
            nodes[k, 1:] = self.trie.children(nodes[k - 1, :-1], ids[1:])
            nodes[k, position < k] = NO_NODE
        return Matches(ids, position, nodes)

    def context(self, words: Sequence[int]) -> int:
        """Return the node of the longest context in the model with which ``<s>`` and ``words``
        end."""
        words = [self.ids[START], *words]
        for length in range(min(self.order - 1, len(words)), 0, -1):
            node = 0
            for word in words[-length:]:
                node = int(self.trie.children(np.array([node]), np.array([word]))[0])
                if node == NO_NODE:
                    break
            else:
                return node
        return 0

    def score(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """Compute the log10-probabilities of all words of sentences and of their ends.

        The longest n-gram in the model that ends at a word gives its probability, and every longer
        context in the model adds its back-off. The first word follows ``<s>``.

        Args:
            sentences: word ids, without ``<s>`` and ``</s>`` (see :meth:`encode`).

        Returns:
            An array (words + 1,) for each sentence, the last of which is that of ``</s>``.
        """
        scores = self._score(self.match(sentences))
        ends = list(accumulate(len(sentence) + 2 for sentence in sentences))
        return [
            scores[end - len(sentence) - 1 : end]
            for sentence, end in zip(sentences, ends, strict=True)
        ]

    def _score(self, matches: Matches) -> npt.NDArray[np.float64]:
        """Compute the scores (T,) of all positions; those at ``<s>`` have no meaning."""
        nodes = matches.nodes
        scores: npt.NDArray[np.float64] = self.log10_probs[nodes[0]].astype(np.float64)
        for k in range(1, self.order):
            found = nodes[k] >= 0
            context = np.roll(nodes[k - 1], 1)
            context[matches.position < k] = NO_NODE
            known = context >= 0
            # A longer n-gram replaces the score; a context without this word adds its back-off.
            scores[known] += self.log10_backoffs[context[known]]
            scores[found] = self.log10_probs[nodes[k, found]]
        return scores


class GramError(DataError):
    """An n-gram that does not fit into a model; ``row`` counts from 0 among those of its
    ``order``."""

    def __init__(self, order: int, row: int, message: str) -> None:
        super().__init__(message)
        self.order = order
        self.row = row


def assemble(
    words: Sequence[str],
    grams: Sequence[IntArray],
    log10_probs: Sequence[npt.NDArray[np.floating]],
    log10_backoffs: Sequence[npt.NDArray[np.floating]],
) -> NgramModel:
    """Assemble a model from the n-grams of every order, each order in any sequence.

    Args:
        words: (V,) the word of each id.
        grams: the word ids (k, n) of each order k = 1 .. order, whose columns are the n-grams;
            those of order 1 are 0 .. V - 1.
        log10_probs: an array (n,) for each order.
        log10_backoffs: an array (n,) for each order but the highest.

    Raises:
        GramError: an n-gram stands twice, or its first words are not an n-gram.
        DataError: see :class:`NgramModel`.
    """
    trie = empty_trie()
    probs = [np.zeros(1, np.float32)]
    backoffs = [np.zeros(1, np.float32)]
    bounds = [0, 1]
    for k, ids in enumerate(grams, start=1):
        parents = 1 + ids[0] if k > 1 else np.full(ids.shape[1], ROOT, np.int32)
        for row in ids[1:-1]:
            parents = trie.children(parents, row)
        if (missing := np.flatnonzero(parents < 0)).size:
            raise GramError(k, int(missing[0]), "the n-gram of its first words is missing")
        trie, nodes = grow(trie, parents, ids[-1])
        places = nodes - bounds[-1]
        bounds.append(len(trie))
        if bounds[-1] - bounds[-2] != len(places):
            _, firsts = np.unique(places, return_index=True)
            repeated = np.setdiff1d(np.arange(len(places)), firsts)[0]
            raise GramError(k, int(repeated), "it stands here a second time")
        probs.append(np.empty(len(places), np.float32))
        probs[-1][places] = log10_probs[k - 1]
        if k < len(grams):
            backoffs.append(np.empty(len(places), np.float32))
            backoffs[-1][places] = log10_backoffs[k - 1]
    return NgramModel(
        order=len(grams),
        words=tuple(words),
        trie=trie,
        log10_probs=np.concatenate(probs),
        log10_backoffs=np.concatenate(backoffs),
        suffix=_suffixes(trie, bounds),
    )


def _suffixes(trie: Trie, bounds: Sequence[int]) -> IntArray:
    """Find the longest proper suffix (nodes,) of every node.

    A suffix of (h, w) is a suffix of h followed by w, so that the suffixes of one level follow from
    those of the level above, like the failure links of Aho and Corasick (1975).
    """
    parents = trie.parents()
    suffix = np.full(len(trie), ROOT, np.int32)
    for begin, end in pairwise(bounds[2:]):
        labels = trie.label[begin:end]
        shorter = suffix[parents[begin:end]]
        found = trie.children(shorter, labels)
        while (missing := np.flatnonzero(found == NO_NODE)).size:
            shorter[missing] = suffix[shorter[missing]]
            found[missing] = trie.children(shorter[missing], labels[missing])
        suffix[begin:end] = found
    return suffix
