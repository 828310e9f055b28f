"""Calibrators agree with another program's fit, and find the odds with which words were drawn."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
from conftest import make_info
from hypothesis import given
from hypothesis import strategies as st

from asr.decoding.hypothesis import Hypothesis
from asr.evaluation.reliability import calibrate
from asr.model.calibration import AS_IT_IS, EDGE, Calibrator, fit_calibrator
from asr.recognition.words import to_words


def drawn(count, slope, intercept, seed=1):
    """Draw confidences and, for each, True if its word is right.

    The words are right with the odds that a calibrator of ``slope`` and ``intercept`` gives them.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(2, 3, count)
    odds = 1 / (1 + np.exp(-(slope * logits + intercept)))
    return (1 / (1 + np.exp(-logits))).tolist(), (rng.random(count) < odds).tolist()


def test_the_odds_that_words_were_drawn_with():
    """The fit finds the odds with which the words were drawn."""
    found = fit_calibrator(*drawn(20000, 0.5, -0.3))
    assert (found.slope, found.intercept) == pytest.approx((0.5, -0.3), abs=0.05)


def test_the_most_likely_by_another_optimiser():
    """The fit is as likely as the most likely calibrator that another optimiser finds."""
    confidences, correct = drawn(300, 0.7, 0.4)
    right = np.array(correct)
    logits = np.clip(confidences, EDGE, 1 - EDGE)
    logits = np.log(logits / (1 - logits))
    high, low = (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2)
    targets = np.where(right, high, low)

    def loss(weights):
        given = weights[0] * logits + weights[1]
        return np.sum(targets * np.logaddexp(0, -given) + (1 - targets) * np.logaddexp(0, given))

    wanted = scipy.optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead", tol=1e-9).x
    found = fit_calibrator(confidences, correct)
    assert [found.slope, found.intercept] == pytest.approx(wanted.tolist(), abs=1e-3)


def test_calibrated_words_are_as_often_right_as_they_say():
    confidences, correct = drawn(5000, 0.4, -0.5)
    calibrator = fit_calibrator(confidences, correct)
    fresh, right = drawn(5000, 0.4, -0.5, seed=2)
    before, after = calibrate(fresh, right), calibrate([calibrator(x) for x in fresh], right)
    assert before.ece > 0.15 and after.ece < 0.03


@pytest.mark.parametrize(
    ("confidences", "correct"),
    [
        ([], []),
        ([0.9] * 50, [True] * 50),
        ([0.9] * 50 + [0.5] * 9, [True] * 50 + [False] * 9),
        ([0.2] * 50 + [0.9] * 50, [True] * 50 + [False] * 50),
    ],
    ids=["no words", "none wrong", "nine wrong", "the sure ones wrong"],
)
def test_too_little_to_say(confidences, correct):
    """Confidences stay as they are where the words seen are no ground to change them."""
    assert fit_calibrator(confidences, correct) == AS_IT_IS


def test_as_it_is():
    """The calibrator AS_IT_IS changes no confidence."""
    assert [AS_IT_IS(x) for x in (0.0, 0.3, 1.0)] == [0.0, 0.3, 1.0]


def test_by_hand():
    """Calibrated confidences are those that were computed by hand."""
    # The logit of 0.8 is log(4): half of it gives odds of 2, less log(2) odds of 1.
    assert Calibrator(0.5)(0.8) == pytest.approx(2 / 3)
    assert Calibrator(0.5, -math.log(2))(0.8) == pytest.approx(0.5)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-3, 100), st.floats(-100, 100))
def test_order_stays_and_so_does_the_range(first, second, slope, intercept):
    calibrator = Calibrator(slope, intercept)
    low, high = sorted((first, second))
    assert 0 <= calibrator(low) <= calibrator(high) <= 1


def test_words_of_each_decoder_have_their_own():
    info = replace(make_info(), calibrators={"greedy": Calibrator(0.5), "beam": Calibrator(2.0)})
    ids = tuple(info.vocabulary.encode("ab"))
    hypothesis = Hypothesis(ids, (2, 3), (3, 4), (math.log(0.8),) * 2, 0.0)
    found = [to_words(hypothesis, info, 1.0, decoder=name)[0] for name in ("greedy", "beam")]
    assert [word.confidence for word in found] == pytest.approx([2 / 3, 16 / 17])
    other = replace(info, calibrators={})
    assert to_words(hypothesis, other, 1.0)[0].confidence == pytest.approx(0.8)
