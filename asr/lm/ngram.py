"""The n-grams of back-off models in flat arrays, as estimation and ARPA files need them.

The form that scores texts is :class:`asr.lm.packed.PackedLm`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

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
    def lower(self) -> int:
        """The number of nodes below the highest order, which have back-offs."""
        return len(self.log10_backoffs)

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
