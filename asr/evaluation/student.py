"""Student's t distribution, for tests with few observations."""

import math

TERMS = 500
"""Of the continued fraction: enough for degrees of freedom up to many thousands."""


def two_sided_p(t: float, degrees: float) -> float:
    """Probability that Student's t with ``degrees`` of freedom is as far from 0 as ``t``
    (Abramowitz and Stegun 1964, 26.7.1 with 26.5.27); ``degrees`` need not be an integer.

    >>> round(two_sided_p(12.706, 1), 4)
    0.05
    """
    if math.isinf(t):
        return 0.0
    if abs(t) < 1:  # below, degrees + t * t would lose what a small t adds
        return 1 - incomplete_beta(0.5, degrees / 2, t * t / (degrees + t * t))
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22),
    which converges fast below the mean of the distribution; above it by symmetry (8.17.4)."""
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
