"""Tries in two flat arrays.

The spelled lexicon is a trie whose labels are tokens; the labels of that of n-grams are words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from asr.errors import DataError

ROOT = 0
NO_NODE = -1

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Trie:
    """A trie whose nodes are numbered breadth first, so that the children of a node are contiguous.

    The children of node n are ``first[n]`` to ``first[n + 1] - 1``, sorted by label; ``first`` is
    (nodes + 1,) int32. ``label`` (nodes,) int32 are the labels on the edges into the nodes, -1 for
    the root, which is node 0.
    """

    first: IntArray
    label: IntArray

    def __len__(self) -> int:
        """Return the number of nodes, the root included."""
        return len(self.label)

    @cached_property
    def _size(self) -> int:
        """The largest label plus 1."""
        return int(self.label.max()) + 1

    @cached_property
    def _keys(self) -> npt.NDArray[np.int64]:
        """The keys (nodes,) of all nodes but the root, and at the end one that is above all.

        The key of a node is its parent x size + its label, so that keys ascend by construction.
        """
        keys = np.full(len(self), np.iinfo(np.int64).max)
        keys[:-1] = self.parents()[1:]
        keys[:-1] *= self._size
        keys[:-1] += self.label[1:]
        return keys

    def parents(self) -> IntArray:
        """Return the parent (nodes,) of every node; that of the root is the root."""
        parents = np.zeros(len(self), np.int32)
        parents[1:] = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.first))
        return parents

    def children(self, nodes: npt.ArrayLike, labels: npt.ArrayLike) -> IntArray:
        """Return the child along each label of each node; -1 if there is none, or the node is -1.

        ``nodes`` and ``labels`` broadcast to the shape of the result.
        """
        labels = np.asarray(labels)
        wanted = np.asarray(nodes, np.int64) * self._size + labels
        found = np.searchsorted(self._keys, wanted)
        hit = (self._keys[found] == wanted) & (labels >= 0) & (labels < self._size)
        return np.where(hit, found + 1, NO_NODE).astype(np.int32)


def empty_trie() -> Trie:
    """Return the trie that is a root alone."""
    return Trie(first=np.ones(2, np.int32), label=np.full(1, -1, np.int32))


def grow(
    trie: Trie, parents: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]
) -> tuple[Trie, IntArray]:
    """Add a level to a trie.

    Args:
        parents: (n,) nodes of the deepest level of ``trie``.
        labels: (n,) labels >= 0, in any order; equal pairs become one node.

    Returns:
        The larger trie, and (n,) the new node of each pair.
    """
    nodes = len(trie)
    if not len(labels):
        return trie, np.zeros(0, np.int32)
    their_parents, their_labels, inverse = _distinct(parents, labels)
    # The end of a parent's children moves by the new children of all parents up to it.
    ends = np.cumsum(np.bincount(their_parents, minlength=nodes))
    first = np.full(nodes + len(their_labels) + 1, nodes + len(their_labels), np.int32)
    first[: nodes + 1] = trie.first
    first[1 : nodes + 1] += ends.astype(np.int32)
    label = np.concatenate([trie.label, their_labels.astype(np.int32)])
    return Trie(first, label), (nodes + inverse).astype(np.int32)


def _distinct(
    parents: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the parents and the labels of the distinct pairs in ascending order, and where among
    these each pair is."""
    size = int(labels.max()) + 1
    wanted = parents.astype(np.int64) * size + labels
    if (wanted[1:] > wanted[:-1]).all():  # sorted already
        keys, inverse = wanted, np.arange(len(wanted))
    else:
        keys, inverse = np.unique(wanted, return_inverse=True)
    return keys // size, keys % size, inverse


def build_trie(sequences: Sequence[Sequence[int]]) -> tuple[Trie, IntArray]:
    """Build the trie of all ``sequences``; return it, and the node (sequences,) where each one
    ends.

    Equal sequences end at one node, an empty one at the root. All sequences are taken together,
    depth by depth.

    Raises:
        DataError: a label is below 0.
    """
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    labels = np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum()))
    if labels.size and labels.min() < 0:
        raise DataError(f"the labels of a trie are integers >= 0, got {labels.min()}")
    starts = np.cumsum(lengths) - lengths
    ends = np.full(len(sequences), ROOT, np.int32)
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []
    nodes, depth = 1, 0
    active = np.flatnonzero(lengths)
    while len(active):
        parents, their_labels, inverse = _distinct(ends[active], labels[starts[active] + depth])
        parts.append((parents, their_labels))
        ends[active] = nodes + inverse
        nodes += len(parents)
        depth += 1
        active = active[lengths[active] > depth]
    if not parts:
        return empty_trie(), ends
    all_parents, all_labels = map(np.concatenate, zip(*parts, strict=True))
    first = np.ones(nodes + 1, np.int32)
    first[1:] += np.cumsum(np.bincount(all_parents, minlength=nodes)).astype(np.int32)
    return Trie(first, np.concatenate([[-1], all_labels]).astype(np.int32)), ends
