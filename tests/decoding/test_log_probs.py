"""The probability of a text is the sum over all its paths, and equals that of torch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_cases import VOCABULARY, all_texts, exact_score, random_log_probs

from asr.decoding.log_probs import log_probability
from asr.errors import DataError
from asr.text import min_frames


@pytest.mark.parametrize("frames", range(7))
@pytest.mark.parametrize("impossible", [0.0, 0.2])
def test_every_text_has_the_sum_of_its_paths(frames, impossible):
    log_probs = random_log_probs(frames, len(VOCABULARY), frames, 2.0, impossible)
    expected = all_texts(log_probs)
    assert len(expected) > frames
    for text, score in expected.items():
        found = log_probability(log_probs, VOCABULARY.encode(text), 0)
        assert found == pytest.approx(score, abs=1e-5)
    assert sum(np.exp(list(expected.values()))) == pytest.approx(1, abs=1e-5)


@settings(deadline=None, max_examples=60)
@given(frames=st.integers(1, 60), seed=st.integers(0, 10**6), data=st.data())
def test_torch(frames, seed, data):
    """The probability of a text equals the CTC loss of torch."""
    log_probs = random_log_probs(frames, 5, seed, 3.0)
    tokens = data.draw(st.lists(st.integers(1, 4), max_size=frames))
    expected = exact_score(log_probs, tokens)
    assert log_probability(log_probs, tokens, 0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("tokens", [[1], [1, 2, 1], [1, 1, 2, 2]])
def test_what_just_fits(tokens):
    """A text has a probability above 0 if and only if it fits in the frames."""
    needed = min_frames(tokens)
    assert log_probability(random_log_probs(needed, 3, 0), tokens, 0) > -np.inf
    assert log_probability(random_log_probs(needed - 1, 3, 0), tokens, 0) == -np.inf


def test_without_frames_and_another_blank():
    """Without frames only the empty text is possible; the index of the blank changes nothing."""
    nothing = np.zeros((0, 3), np.float32)
    assert log_probability(nothing, [], 0) == 0.0
    assert log_probability(nothing, [1], 0) == -np.inf
    log_probs = random_log_probs(9, 3, 1)
    same = log_probability(log_probs[:, [1, 2, 0]], [0, 1, 1], 2)
    assert same == log_probability(log_probs, [1, 2, 2], 0)


def test_what_is_no_text_of_the_log_probs():
    """Tokens outside the vocabulary, the blank and log-probs of a wrong shape are refused."""
    for tokens in ([3], [-1], [0], [1, 0]):
        with pytest.raises(DataError, match="0 <= token < V = 3, without the blank 0"):
            log_probability(random_log_probs(9, 3, 0), tokens, 0)
    with pytest.raises(DataError, match="shape"):
        log_probability(np.zeros(3, np.float32), [1], 0)
