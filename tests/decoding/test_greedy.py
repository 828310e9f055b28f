"""Greedy decoding merges runs, drops blanks, and gives frames and posteriors of each token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.decoding.greedy import greedy
from asr.errors import DataError

BLANK = 0

# Each row holds a path, its tokens, their first frames and their last frames (exclusive).
TABLE = [
    ([], [], [], []),
    ([0, 0, 0], [], [], []),
    ([1], [1], [0], [1]),
    ([1, 1, 1], [1], [0], [3]),
    ([1, 0, 1], [1, 1], [0, 2], [1, 3]),
    ([0, 1, 1, 2, 0, 0, 2, 2], [1, 2, 2], [1, 3, 6], [3, 4, 8]),
    ([2, 1, 2], [2, 1, 2], [0, 1, 2], [1, 2, 3]),
]


def log_probs_of(path, size=3, peak=0.8):
    """Return log-probs whose best path is ``path``, with the probability ``peak`` in each frame."""
    rows = np.full((len(path), size), (1 - peak) / (size - 1))
    rows[np.arange(len(path)), path] = peak
    return np.log(rows)


@pytest.mark.parametrize(("path", "tokens", "starts", "ends"), TABLE)
def test_table(path, tokens, starts, ends):
    """The path of each row gives the tokens and frames of the row."""
    hypothesis = greedy(log_probs_of(path), BLANK)
    assert list(hypothesis.tokens) == tokens
    assert list(hypothesis.start_frames) == starts
    assert list(hypothesis.end_frames) == ends
    assert hypothesis.score == pytest.approx(len(path) * np.log(0.8))
    assert hypothesis.log_posteriors == pytest.approx([np.log(0.8)] * len(tokens))


def test_posterior_is_the_largest_of_the_run():
    probs = np.array([[0.3, 0.7], [0.1, 0.9], [0.4, 0.6], [0.9, 0.1]])
    hypothesis = greedy(np.log(probs), BLANK)
    assert np.exp(hypothesis.log_posteriors) == pytest.approx([0.9])


def test_blank_may_be_any_index():
    assert greedy(log_probs_of([2, 0, 2, 1]), blank_id=2).tokens == (0, 1)


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 4))
def test_against_the_definition(path, blank):
    """The tokens are those of the path after runs were merged and blanks dropped."""
    hypothesis = greedy(log_probs_of(path, 5), blank)
    merged = [b for a, b in zip([None, *path], path, strict=False) if a != b]
    assert list(hypothesis.tokens) == [token for token in merged if token != blank]
    for token, start, end in zip(
        hypothesis.tokens, hypothesis.start_frames, hypothesis.end_frames, strict=True
    ):
        assert set(path[start:end]) == {token}


def test_input_that_is_not_log_probs():
    with pytest.raises(DataError, match=r"got \(3,\)"):
        greedy(np.zeros(3), BLANK)
    with pytest.raises(DataError, match="blank_id is 5"):
        greedy(np.zeros((1, 3)), 5)
