"""A trie holds every prefix of its sequences once, and finds the children of its nodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import DataError
from asr.lm.trie import build_trie, empty_trie, grow

SEQUENCES = st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=12)


def prefixes(sequences):
    """Return all prefixes of the sequences, themselves included."""
    return {tuple(sequence[:end]) for sequence in sequences for end in range(len(sequence) + 1)}


@given(SEQUENCES)
def test_the_nodes_are_the_prefixes(sequences):
    trie, ends = build_trie(sequences)
    paths = [()]
    for node in range(len(trie)):  # breadth first: a node's path is known before its children's
        children = range(trie.first[node], trie.first[node + 1])
        labels = [int(trie.label[child]) for child in children]
        assert list(children) == list(range(len(paths), len(paths) + len(labels)))
        assert labels == sorted(set(labels))
        paths += [(*paths[node], label) for label in labels]
    assert len(paths) == len(trie) == len(trie.first) - 1
    assert set(paths) == prefixes(sequences) | {()}
    assert [paths[end] for end in ends] == [tuple(sequence) for sequence in sequences]
    parents = trie.parents()
    assert [paths[parent] for parent in parents] == [path[:-1] for path in paths]


@given(SEQUENCES)
def test_children(sequences):
    trie, _ = build_trie(sequences)
    labels = np.arange(-2, 8)
    found = trie.children(np.arange(-1, len(trie))[:, None], labels)
    for node, row in zip(range(-1, len(trie)), found, strict=True):
        children = range(trie.first[node], trie.first[node + 1]) if node >= 0 else ()
        expected = {int(trie.label[child]): child for child in children}
        assert row.tolist() == [expected.get(int(label), -1) for label in labels]


def test_a_hand_made_one():
    """The arrays of a small trie are those that were worked out by hand."""
    trie, ends = build_trie([[3, 1], [], [0], [3], [3, 0], [3, 1]])
    assert trie.label.tolist() == [-1, 0, 3, 0, 1]
    assert trie.first.tolist() == [1, 3, 3, 5, 5, 5]
    assert ends.tolist() == [4, 0, 1, 2, 3, 4]
    assert (trie.first.dtype, trie.label.dtype, ends.dtype) == (np.int32,) * 3


def test_no_sequences():
    trie, ends = build_trie([])
    assert (len(trie), len(ends)) == (1, 0)
    assert trie.children([0, -1], [0, 0]).tolist() == [-1, -1]
    assert grow(empty_trie(), np.zeros(0, int), np.zeros(0, int))[1].tolist() == []


def test_labels_start_at_0():
    with pytest.raises(DataError, match="integers >= 0, got -1"):
        build_trie([[1], [-1]])


def test_a_long_sequence_takes_no_longer_than_its_length():
    """With time that grows as the square, this would take minutes."""
    sequences = [[1, 2], [1] * 200_000, [], [3]]
    trie, ends = build_trie(sequences)
    assert len(trie) == 200_003 and ends[2] == 0
    assert trie.children(0, [1, 2, 3]).tolist() == [1, -1, 2]
