"""Calibration of word confidences, so that they tell the share of words that are right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EDGE = 1e-6
"""Confidences are kept this far from 0 and 1, where their logits would be infinite."""

FEWEST = 10
"""The fewest right words, and the fewest wrong ones, that a fit needs."""

STEPS = 100


@dataclass(frozen=True)
class Calibrator:
    """A calibrator of confidences: a logistic function of their logits (Platt 1999).

    It keeps the order of words by confidence. With the default values it changes nothing.

    >>> Calibrator()(0.8)
    0.8
    >>> calibrator = Calibrator(slope=0.5)
    >>> round(calibrator(0.8), 3)  # odds of 4 become odds of 2
    0.667
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, confidence: float) -> float:
        """Return the share of words with this ``confidence``, 0 to 1, that are right."""
        if self == AS_IT_IS:
            return confidence
        edged = min(max(confidence, EDGE), 1 - EDGE)
        logit = self.slope * math.log(edged / (1 - edged)) + self.intercept
        return 1 / (1 + math.exp(-max(min(logit, 500.0), -500.0)))


AS_IT_IS = Calibrator()


def fit_calibrator(confidences: Sequence[float], correct: Sequence[bool]) -> Calibrator:
    """Fit the most likely calibrator to words with these ``confidences``, each ``correct`` or not.

    Newton's method fits it to targets whose distance from 0 and 1 depends on the numbers of words
    (Platt 1999, section 2.2). If too few words are right or wrong, or words with higher confidences
    are not more often right, the result changes nothing.
    """
    right = np.array(correct, bool)
    hits, misses = int(right.sum()), int((~right).sum())
    if min(hits, misses) < FEWEST:
        return AS_IT_IS
    values = np.clip(np.array(confidences, np.float64), EDGE, 1 - EDGE)
    inputs = np.stack([np.log(values / (1 - values)), np.ones(len(values))], axis=1)
    targets = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))

    def loss(weights: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        logits = inputs @ weights
        return float(np.sum(np.logaddexp(0, logits) - targets * logits))

    weights = np.array([1.0, 0.0])
    for _ in range(STEPS):
        given = 1 / (1 + np.exp(-(inputs @ weights)))
        gradient = inputs.T @ (given - targets)
        curvature = (inputs * (given * (1 - given))[:, None]).T @ inputs + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-12:
            step /= 2
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    slope, intercept = map(float, weights)
    return Calibrator(round(slope, 4), round(intercept, 4)) if slope > 0 else AS_IT_IS
