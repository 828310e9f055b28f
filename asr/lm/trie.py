"""A trie in two flat arrays: the spelled lexicon (labels are tokens) and the n-grams (words)."""

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
    """Nodes are numbered breadth first, so that the children of a node are contiguous.

    ``first`` (nodes + 1,) int32: the children of node n are ``first[n]`` to ``first[n + 1] - 1``,
    sorted by label. ``label`` (nodes,) int32: the label on the edge into a node, -1 for the root,
    which is node 0.
    """

    first: IntArray
    label: IntArray

    def __len__(self) -> int:
        """Number of nodes, the root included."""
        return len(self.label)

    @cached_property
    def _size(self) -> int:
        """One more than the largest label."""
        return int(self.label.max()) + 1

    @cached_property
    def _keys(self) -> npt.NDArray[np.int64]:
        """(nodes,) parent x size + label of the nodes but the root, ascending by construction;
        at the end one key that is above all."""
        keys = np.full(len(self), np.iinfo(np.int64).max)
        keys[:-1] = self.parents()[1:]
        keys[:-1] *= self._size
        keys[:-1] += self.label[1:]
        return keys

    def parents(self) -> IntArray:
        """(nodes,) the parent of every node; the root's is the root."""
        parents = np.zeros(len(self), np.int32)
        parents[1:] = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.first))
        return parents

    def children(self, nodes: npt.ArrayLike, labels: npt.ArrayLike) -> IntArray:
        """The child along each label of each node; -1 where there is none or the node is -1.

        ``nodes`` and ``labels`` broadcast to the shape of the result.
        """
        labels = np.asarray(labels)
        wanted = np.asarray(nodes, np.int64) * self._size + labels
        found = np.searchsorted(self._keys, wanted)
        hit = (self._keys[found] == wanted) & (labels >= 0) & (labels < self._size)
        return np.where(hit, found + 1, NO_NODE).astype(np.int32)


def empty_trie() -> Trie:
    """The root alone."""
    return Trie(first=np.ones(2, np.int32), label=np.full(1, -1, np.int32))


def grow(
    trie: Trie, parents: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]
) -> tuple[Trie, IntArray]:
    """Add a level.

    Args:
        parents: (n,) nodes of the deepest level of ``trie``.
        labels: (n,) labels >= 0, in any order; equal pairs become one node.

    Returns:
        The larger trie, and (n,) the new node of each pair.
    """
    nodes = len(trie)
    if not len(labels):
        return trie, np.zeros(0, np.int32)
    size = int(labels.max()) + 1
    wanted = parents.astype(np.int64) * size + labels
    if (wanted[1:] > wanted[:-1]).all():  # sorted already
        keys, inverse = wanted, np.arange(len(wanted))
    else:
        keys, inverse = np.unique(wanted, return_inverse=True)
    # Where a parent's children end moves by the children of all parents up to it.
    ends = np.cumsum(np.bincount(keys // size, minlength=nodes))
    first = np.full(nodes + len(keys) + 1, nodes + len(keys), np.int32)
    first[: nodes + 1] = trie.first
    first[1 : nodes + 1] += ends.astype(np.int32)
    label = np.concatenate([trie.label, (keys % size).astype(np.int32)])
    return Trie(first, label), (nodes + inverse).astype(np.int32)


def build_trie(sequences: Sequence[Sequence[int]]) -> tuple[Trie, IntArray]:
    """The trie of all ``sequences``, and (sequences,) the node at which each one ends.

    Equal sequences end at one node, an empty one at the root. The work is vectorised by depth.

    Raises:
        DataError: a label below 0.
    """
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    labels = np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum()))
    if labels.size and labels.min() < 0:
        raise DataError(f"the labels of a trie are integers >= 0, got {labels.min()}")
    starts = np.cumsum(lengths) - lengths
    trie = empty_trie()
    ends = np.full(len(sequences), ROOT, np.int32)
    for depth in range(int(lengths.max(initial=0))):
        active = np.flatnonzero(lengths > depth)
        trie, ends[active] = grow(trie, ends[active], labels[starts[active] + depth])
    return trie, ends
