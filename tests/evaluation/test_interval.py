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
    few = ["ann", "ann", "bob", "bob", "cid", "cid", "bob", "bob"]
    for unknown in ([*names[:-1], None], ["ann"] * 8, few, [None] * 8):
        interval = wer_interval(counts, unknown)
        assert (interval.groups, interval.over) == (8, "utterances")
    assert "% in 95 % of cases, over 8 utterances" in str(interval)
    assert wer_interval(counts[:1], ["ann"]) is None
    assert wer_interval([], []) is None


def test_what_has_no_interval():
    """References without words have no interval."""
    assert wer_interval([ErrorCounts(insertions=1)] * 5, list("abcde")) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_than_four_have_no_interval(count):
    """Two speakers of 5 and 10 % over a thousand words would have one up to 10^12 %."""
    counts = [ErrorCounts(hits=1000 - 10 * i, substitutions=10 * i) for i in range(5, 5 + count)]
    assert wer_interval(counts, list("abc"[:count])) is None
    assert wer_interval(counts, [None] * count) is None


@pytest.mark.parametrize(
    "errors", [[0] * 9 + [14], [3, 3, 3, 30], [0, 0, 0, 0, 40], [0] * 19 + [40], [1] * 8 + [90]]
)
def test_an_utterance_far_worse_than_the_others(errors):
    """An interval beyond what was seen would say nothing."""
    counts = [ErrorCounts(substitutions=1, insertions=max(0, item - 1)) for item in errors]
    assert wer_interval(counts, [None] * len(counts)) is None


def test_wrong_as_all_may_be():
    """An interval may reach beyond 100 % if an utterance does."""
    counts = [ErrorCounts(hits=2, insertions=number) for number in (0, 1, 2, 3, 5)]
    interval = wer_interval(counts, [None] * 5)
    assert interval.low < 1.1 < 2.5 < interval.high < 3


def test_coverage_with_few_speakers():
    """Where there is an interval, it holds the true rate in 92 % of cases or more."""
    rng = np.random.default_rng(3)
    held = []
    for _ in range(1500):
        rates = np.minimum(rng.gamma(1 / 0.6**2, 0.08 * 0.6**2, 4), 1)
        words = rng.poisson(6, (4, 100)).sum(1)
        errors = rng.binomial(words, rates)
        counts = [
            ErrorCounts(hits=size - wrong, substitutions=wrong)
            for size, wrong in zip(words.tolist(), errors.tolist(), strict=True)
        ]
        if (interval := wer_interval(counts, list("abcd"))) is not None:
            held.append(interval.low <= 0.08 <= interval.high)
    assert np.mean(held) >= 0.92 and len(held) > 900
