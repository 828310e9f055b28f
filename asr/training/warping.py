"""Vocal-tract-length perturbation: mel filters whose frequencies are stretched.

The resonances of a vocal tract lie the lower the longer it is, so a factor on all frequencies makes
another speaker of one (Jaitly & Hinton 2013, "Vocal tract length perturbation (VTLP) improves
speech recognition"). As there, the factor holds up to a corner; from the corner on, frequencies go
straight to the highest one, which stays where it is.
"""

import math
from collections.abc import Sequence

import torch
from numpy.random import Generator
from torch import Tensor, nn

from asr.model.config import FeatureConfig

CORNER = 0.6
"""The corner as a share of the highest frequency; it is nearer to zero for factors above one."""


class WarpedFilters(nn.Module):
    """The mel filters of each of some ``factors``, from which utterances draw theirs."""

    filters: Tensor

    def __init__(self, config: FeatureConfig, factors: Sequence[float]) -> None:
        super().__init__()
        filters = torch.stack([warped_filters(config, factor) for factor in factors])
        self.register_buffer("filters", filters, persistent=False)

    def draw(self, generators: Sequence[Generator]) -> Tensor:
        """Draw filters for each of the ``generators``.

        Shape: (B, n_fft // 2 + 1, num_mels).
        """
        drawn = [int(generator.integers(len(self.filters))) for generator in generators]
        return self.filters[drawn]


def warped_filters(config: FeatureConfig, factor: float) -> Tensor:
    """Return Slaney's mel filters with their frequencies times ``factor``; for a factor of one
    those of :class:`asr.training.features.LogMel`, bit for bit.

    Shape: (n_fft // 2 + 1, num_mels).
    """
    low, high = _mel(config.f_min), _mel(config.f_max)
    points = _hertz(torch.linspace(low, high, config.num_mels + 2))
    if factor != 1:
        highest = config.f_max
        corner = CORNER * highest * min(factor, 1.0) / factor
        slope = (highest - factor * corner) / (highest - corner)
        above = highest - slope * (highest - points)
        points = torch.where(points <= corner, points * factor, above)
    bins = torch.linspace(0, config.sample_rate // 2, config.n_fft // 2 + 1)
    widths = points[1:] - points[:-1]
    slopes = points[None] - bins[:, None]
    rising, falling = -slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return triangles * (2 / (points[2:] - points[:-2]))


# Slaney's scale: linear up to 1000 Hz, at 15 mel, and logarithmic above.
_HERTZ_PER_MEL = 200 / 3
_LOG_STEP = math.log(6.4) / 27


def _mel(hertz: float) -> float:
    if hertz < 1000:
        return hertz / _HERTZ_PER_MEL
    return 1000 / _HERTZ_PER_MEL + math.log(hertz / 1000) / _LOG_STEP


def _hertz(mels: Tensor) -> Tensor:
    linear = _HERTZ_PER_MEL * mels
    corner = 1000 / _HERTZ_PER_MEL
    return torch.where(mels < corner, linear, 1000 * torch.exp(_LOG_STEP * (mels - corner)))
