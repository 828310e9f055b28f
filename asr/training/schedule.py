"""The learning rate as a function of progress alone, so that nothing of it needs saving."""

import math

from asr.config import OptimizerConfig

START, END = 1 / 25, 1e-5
"""Of the peak: where one cycle starts and ends."""


def learning_rate(config: OptimizerConfig, progress: float) -> float:
    """The rate after a share ``progress`` (0 to 1) of the whole run.

    ``one_cycle`` (Smith & Topin 2018) rises from ``START`` to the peak and falls to ``END``, both
    along half a cosine; ``warmup`` rises in a straight line and falls with the inverse square root
    (Vaswani et al. 2017, equation 3).
    """
    peak, rise = config.learning_rate, config.warmup
    if config.schedule == "warmup":
        return peak * min(progress / rise, math.sqrt(rise / max(progress, rise)))
    if progress < rise:
        return peak * _cosine(START, 1.0, progress / rise)
    return peak * _cosine(1.0, END, (progress - rise) / (1 - rise))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
