"""Intervals of error rates, which hold the true rate as often as they claim."""

import numpy as np
import pytest

from asr.evaluation import interval as interval_module
from asr.evaluation.interval import Clusters, wer_interval
from asr.evaluation.interval import rate_interval as interval_of
from asr.evaluation.scoring import ErrorCounts


def rate_interval(errors, words):
    """Return the interval of the rate of speakers with these errors and words."""
    return interval_of(Clusters(np.asarray(errors, float), np.asarray(words, float), "speakers"))


def coverage(speakers, rate, spread, test_sets, seed=0):
    """Return the share of simulated test sets whose interval holds the true rate.

    The speakers' rates are drawn from a gamma distribution with the coefficient of variation
    ``spread``.
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(test_sets):
        rates = np.minimum(rng.gamma(1 / spread**2, rate * spread**2, speakers), 1)
        words = np.maximum(rng.poisson(6, (speakers, 13)), 1).sum(1)
        low, high = rate_interval(rng.binomial(words, rates), words)
        held += low <= rate <= high
    return held / test_sets


@pytest.mark.parametrize(("rate", "spread"), [(0.08, 0.6), (0.03, 0.5)])
@pytest.mark.parametrize("speakers", [20, 40])
def test_coverage(speakers, rate, spread):
    """The 95 % intervals of 1000 test sets hold the true rate in 93 to 97 %."""
    assert 0.93 <= coverage(speakers, rate, spread, 1000) <= 0.97


def test_coverage_with_ten_speakers():
    """With ten speakers the intervals hold the true rate in 92 to 97 %."""
    assert 0.92 <= coverage(10, 0.08, 0.6, 1000) <= 0.97


def test_the_interval_holds_the_rate_and_narrows_with_more_of_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    words = np.full(10, 80)
    errors = rng.binomial(words, 0.1)
    low, high = rate_interval(errors, words)
    rate = errors.sum() / words.sum()
    assert 0 < low < rate < high < 1
    more = rate_interval(np.tile(errors, 4), np.tile(words, 4))
    assert more[1] - more[0] == pytest.approx((high - low) / 2, rel=0.3)
    assert rate_interval(errors, words) == (low, high)  # A second call gives the same.
    monkeypatch.setattr(interval_module, "DRAWN", 1000)
    assert rate_interval(errors, words) == (low, high)  # So do draws in pieces.


def test_no_errors_are_no_certainty():
    low, high = rate_interval(np.zeros(10), np.full(10, 30))
    assert low == 0.0 and high == pytest.approx(1.96**2 / 300, rel=1e-3)
    low, high = rate_interval(np.full(10, 3), np.full(10, 30))  # All groups are alike.
    assert 0.065 < low < 0.075 and 0.14 < high < 0.145


def test_speakers_where_all_are_known():
    """The interval is over speakers, or over utterances if a speaker is unknown or alone."""
    counts = [ErrorCounts(hits=9, substitutions=1), ErrorCounts(hits=10)] * 4
    names = ["ann", "ann", "bob", "bob", "cid", "cid", "dan", "dan"]
    interval = wer_interval(counts, names)
    assert (interval.groups, interval.over) == (4, "speakers")
    assert (interval.low, interval.high) == rate_interval(np.full(4, 1), np.full(4, 20))
    for unknown in ([*names[:-1], None], ["ann"] * 8, [None] * 8):
        interval = wer_interval(counts, unknown)
        assert (interval.groups, interval.over) == (8, "utterances")
    assert "% in 95 % of cases, over 8 utterances" in str(interval)
    assert wer_interval(counts[:1], ["ann"]) is None
    assert wer_interval([], []) is None


def test_what_has_no_interval():
    """References without words have no interval."""
    assert wer_interval([ErrorCounts(insertions=1)] * 3, ["ann", "bob", "cid"]) is None
