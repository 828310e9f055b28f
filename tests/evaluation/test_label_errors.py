"""Scores of likely label errors, by hand and against all texts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_cases import VOCABULARY, all_texts, random_log_probs

from asr.errors import DataError
from asr.evaluation.label_errors import label_score


def test_by_hand():
    """Scores are those that were computed by hand."""
    # "a" has 0.4 * 0.4 + 2 * 0.4 * 0.6 = 0.64; the empty text has 0.36.
    log_probs = np.log(np.array([[0.6, 0, 0.4, 0]] * 2, np.float32) + np.float32(1e-9))
    ratio = math.log(0.64 / 0.36)
    assert label_score("", "a", log_probs, VOCABULARY) == pytest.approx(ratio, abs=1e-6)
    assert label_score("a", "", log_probs, VOCABULARY) == pytest.approx(-ratio, abs=1e-6)
    assert label_score(" A", "a", log_probs, VOCABULARY) == 0


@settings(deadline=None, max_examples=60)
@given(
    reference=st.text(" abx", max_size=6).map(str.strip),
    hypothesis=st.text(" ab", max_size=4).map(str.strip),
    frames=st.integers(0, 5),
    seed=st.integers(0, 10**6),
)
def test_any_text(reference, hypothesis, frames, seed):
    """The score is the log ratio of the texts' probabilities, summed over all paths, by length."""
    log_probs = random_log_probs(frames, len(VOCABULARY), seed, 2.0)
    reference, hypothesis = (" ".join(text.split()) for text in (reference, hypothesis))
    found = label_score(reference, hypothesis, log_probs, VOCABULARY)
    totals = all_texts(log_probs)
    if reference == hypothesis:
        assert found == 0
    elif reference not in totals:
        assert found == math.inf
    else:
        ratio = totals.get(hypothesis, -math.inf) - totals[reference]
        assert found == pytest.approx(ratio / max(len(reference), len(hypothesis)), abs=1e-4)


def test_what_cannot_be_stands_above_all_else():
    """A reference that no path spells has an infinite score."""
    log_probs = random_log_probs(3, len(VOCABULARY), 0, 9.0)
    for impossible in ("a b a b", "x"):
        for hypothesis in ("a", "", "b b b b"):
            assert label_score(impossible, hypothesis, log_probs, VOCABULARY) == math.inf
            assert label_score(hypothesis, hypothesis, log_probs, VOCABULARY) == 0
    assert label_score("a", "a b a b", log_probs, VOCABULARY) == -math.inf
    nothing = np.zeros((0, len(VOCABULARY)), np.float32)
    assert label_score("a", "", nothing, VOCABULARY) == math.inf


def test_what_are_no_log_probs():
    """Log-probs of another shape, and probabilities, are errors."""
    log_probs = random_log_probs(3, len(VOCABULARY), 0)
    with pytest.raises(DataError, match=r"shape \(frames, 4\), got \(3, 3\)"):
        label_score("a", "b", log_probs[:, :3], VOCABULARY)
    with pytest.raises(DataError, match="these are probabilities"):
        label_score("a", "b", np.exp(log_probs), VOCABULARY)
