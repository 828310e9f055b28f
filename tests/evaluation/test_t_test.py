"""Student's t against scipy and by simulation."""

import numpy as np
import pytest
from scipy import stats

from asr.evaluation.seeds import Seeds
from asr.evaluation.t_test import incomplete_beta, t_test, two_sided_p


@pytest.mark.parametrize("degrees", [1, 1.5, 2, 3.7, 4, 10, 30, 200, 5000])
def test_students_t_is_that_of_scipy(degrees):
    """The two-sided p of Student's t equals scipy's."""
    for t in (0, 1e-6, 0.01, 0.5, 1, 2, 4.3, 12.7, 100, -2):
        expected = 2 * stats.t.sf(abs(t), degrees)
        assert two_sided_p(t, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 1), (2, 0.5), (0.5, 8), (7, 3), (60, 40)])
def test_incomplete_beta_is_that_of_scipy(a, b):
    """The incomplete beta function equals scipy's."""
    from scipy.special import betainc

    for x in (0, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-9, 1):
        assert incomplete_beta(a, b, x) == pytest.approx(betainc(a, b, x), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("sizes", [(3, 3), (2, 5), (10, 4)])
def test_welch_is_that_of_scipy(sizes):
    """Welch's t-test equals scipy's."""
    rng = np.random.default_rng(sum(sizes))
    one, two = (rng.integers(30, 70, size) for size in sizes)
    seeds = [Seeds(tuple(map(int, errors)), 773) for errors in (one, two)]
    parts = [(item.mean_variance, len(item.errors) - 1) for item in seeds]
    ours = t_test(seeds[1].mean - seeds[0].mean, parts)
    theirs = stats.ttest_ind(two, one, equal_var=False)
    assert ours.t == pytest.approx(theirs.statistic)
    assert ours.degrees == pytest.approx(theirs.df)
    assert ours.p == pytest.approx(theirs.pvalue)


def test_welch_alone_has_five_percent():
    """Welch's test rejects equal means in about 5 % of cases."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        parts = [(sample.var(ddof=1) / 4, 3) for sample in rng.normal(size=(2, 4))]
        means = rng.normal(size=2) / 2  # independent of the variance, as in normal samples
        alarms += t_test(means[0] - means[1], parts).p < 0.05
    assert 0.03 <= alarms / 2000 <= 0.06
