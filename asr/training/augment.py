"""Augmentation of training data: speed perturbation and SpecAugment."""

import numpy as np
import torch
from torch import Tensor

from asr.audio import Samples, resample
from asr.config import AugmentConfig


def perturb_speed(samples: Samples, speed: float) -> Samples:
    """Play ``samples`` (n,) faster by ``speed``; pitch changes with it (Ko et al. 2015)."""
    return resample(samples, speed, 1.0)


def mask_features(
    features: Tensor, lengths: Tensor, config: AugmentConfig, rngs: list[np.random.Generator]
) -> Tensor:
    """Set random bands of mel bins and stretches of frames to the mean, which is zero
    (SpecAugment, Park et al. 2019, without time warping).

    Shape: features (B, T, num_mels), lengths (B,), one generator an utterance -> (B, T, num_mels).
    """
    keep = torch.ones_like(features)
    bins = features.shape[2]
    for index, (frames, rng) in enumerate(zip(lengths.tolist(), rngs, strict=True)):
        for _ in range(config.frequency_masks):
            width = int(rng.integers(0, min(config.frequency_width, bins) + 1))
            start = int(rng.integers(0, bins - width + 1))
            keep[index, :, start : start + width] = 0
        for _ in range(config.time_masks):
            widest = min(config.time_width, int(config.time_share * frames))
            width = int(rng.integers(0, widest + 1))
            start = int(rng.integers(0, frames - width + 1))
            keep[index, start : start + width] = 0
    return features * keep
