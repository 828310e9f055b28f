"""Welch's t-test, for comparing means of few observations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

TERMS = 500
"""Terms of the continued fraction: enough for many thousands of degrees of freedom."""


@dataclass(frozen=True)
class TTest:
    """The result of a t-test: the difference ``t`` in units of its standard error, its ``degrees``
    of freedom, and the probability ``p`` of a difference as large if there is none."""

    t: float
    degrees: float
    p: float


def t_test(difference: float, parts: Sequence[tuple[float, int]]) -> TTest:
    """Test whether a difference is zero whose variance is the sum of independent ``parts``.

    The degrees of freedom are those of Satterthwaite (1946), "An approximate distribution of
    estimates of variance components"; for two parts this is the test of Welch (1947), "The
    generalization of 'Student's' problem when several different population variances are involved".

    >>> result = t_test(0.4, [(0.01 / 3, 2), (0.01 / 3, 2)])
    >>> round(result.t, 3), round(result.degrees, 3), round(result.p, 3)
    (4.899, 4.0, 0.008)

    Args:
        difference: in any unit.
        parts: estimates of variances in the square of that unit, with their degrees of freedom.
    """
    total = sum(variance for variance, _ in parts)
    degrees = total**2 / sum(variance**2 / freedom for variance, freedom in parts)
    t = difference / math.sqrt(total)
    return TTest(t, degrees, two_sided_p(t, degrees))


def two_sided_p(t: float, degrees: float) -> float:
    """Return the probability that Student's t with ``degrees`` of freedom, which need not be an
    integer, lies as far from 0 as ``t`` does (Abramowitz and Stegun 1964, 26.7.1 with 26.5.27).

    >>> round(two_sided_p(12.706, 1), 4)
    0.05
    """
    if math.isinf(t):
        return 0.0
    if abs(t) < 1:  # in the other form, degrees + t * t would lose what a small t adds
        return 1 - incomplete_beta(0.5, degrees / 2, t * t / (degrees + t * t))
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) for ``x`` from 0 to 1.

    Its continued fraction (DLMF 8.17.22) converges fast below the mean of the distribution; above
    the mean the symmetry of 8.17.4 is used.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    fraction = 1.0
    for term in range(TERMS, 0, -1):
        m, odd = divmod(term, 2)
        if odd:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        fraction = 1 + factor / fraction
    return math.exp(log_front) / (a * fraction)
