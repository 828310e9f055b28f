"""Normalisation of features by the statistics of the stretch of a recording around them.

Speakers, microphones and rooms change within a long recording. So each feature has zero mean and
unit variance over twenty seconds: half of them before it and half after it, and at the ends of the
recording the first and the last twenty. A shorter recording is one stretch.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from asr.model.config import FeatureConfig

Features = npt.NDArray[np.float32]
"""Log-mel features (frames, num_mels) of a recording."""
Statistics = npt.NDArray[np.float32]
"""Mean and variance (2, num_mels) of features."""

EPSILON = 1e-5
"""What is added to the variance, so that constant features become zero rather than infinite."""
STEP_SECONDS = 0.25
"""Features of so many seconds share their statistics."""
STRETCH_STEPS = 80
"""The steps of a stretch, an even number."""


def normalize(features: Features, statistics: Statistics) -> Features:
    """Return features (frames, num_mels) normalised by ``statistics``.

    >>> normalize(np.array([[1.0], [5.0]], np.float32), np.array([[3.0], [4.0]])).round(3).tolist()
    [[-1.0], [1.0]]
    """
    mean, variance = statistics
    scale = 1 / np.sqrt(variance + EPSILON)
    result: Features = ((features - mean) * scale).astype(np.float32)
    return result


def step_frames(config: FeatureConfig) -> int:
    """Return the number of frames of a step."""
    return max(1, round(STEP_SECONDS * config.sample_rate / config.hop_length))


def stretch_frames(config: FeatureConfig) -> int:
    """Return the number of frames of a stretch.

    >>> stretch_frames(FeatureConfig())
    2000
    """
    return STRETCH_STEPS * step_frames(config)


def normalize_stretches(blocks: Iterable[Features], config: FeatureConfig) -> Iterator[Features]:
    """Yield the features of a recording, which come in blocks (n, num_mels), normalised by the
    stretches around them, in blocks of other lengths.

    >>> ramp = np.arange(6000, dtype=np.float32)[:, None]
    >>> values = np.concatenate([*normalize_stretches([ramp], FeatureConfig(num_mels=1))])
    >>> bool(abs(values[1000:5000]).max() < 0.05), round(float(values[0, 0]), 2)
    (True, -1.73)
    """
    step = step_frames(config)
    half = STRETCH_STEPS // 2
    # What is not yet normalised, from the step ``begin`` on, and the sums up to each step from the
    # step ``low`` on.
    rows, begin = np.zeros((0, config.num_mels), np.float32), 0
    totals, low = np.zeros((1, 2, config.num_mels)), 0
    for block in blocks:
        rows = np.concatenate([rows, block])
        known = low + len(totals) - 1
        fresh = rows[(known - begin) * step :]
        count = len(fresh) // step
        if not count:
            continue
        sums = _sums(fresh[: count * step].reshape(count, step, -1))
        totals = np.concatenate([totals, totals[-1] + np.cumsum(sums, 0)])
        known += count
        ready = known - half + 1 if known >= STRETCH_STEPS else begin
        if ready > begin:
            first = np.maximum(np.arange(begin, ready) - half, 0) - low
            means = (totals[first + STRETCH_STEPS] - totals[first]) / stretch_frames(config)
            size = (ready - begin) * step
            yield _normalized(rows[:size].reshape(ready - begin, step, -1), means)
            rows, begin = rows[size:], ready
            kept = max(low, begin - half - 1)
            totals, low = totals[kept - low :], kept
    if not len(rows):
        return
    last = max(0, len(totals) - 1 - STRETCH_STEPS)
    tail = rows[(low + len(totals) - 1 - begin) * step :]
    total = totals[-1] - totals[last] + _sums(tail[None])[0]
    means = total / ((len(totals) - 1 - last) * step + len(tail))
    yield _normalized(rows[None], means[None])


def _sums(parts: Features) -> npt.NDArray[np.float64]:
    """Return the sums over frames of values and of squares.

    Shape: (n, frames, num_mels) -> (n, 2, num_mels).
    """
    squares = np.einsum("nfm,nfm->nm", parts, parts, dtype=np.float64)
    return np.stack([parts.sum(1, dtype=np.float64), squares], 1)


def _normalized(parts: Features, means: npt.NDArray[np.float64]) -> Features:
    """Return parts (n, frames, num_mels) normalised, each by the means of values and of squares
    (n, 2, num_mels), one after another (n × frames, num_mels)."""
    mean, power = means[:, :1], means[:, 1:]
    scale = 1 / np.sqrt(np.maximum(power - mean**2, 0) + EPSILON)
    centred = parts - mean.astype(np.float32)
    centred *= scale.astype(np.float32)
    return centred.reshape(-1, parts.shape[2])
