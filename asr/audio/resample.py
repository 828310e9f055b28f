"""Resampling: mono samples at one rate become samples at another (soxr, high quality)."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from asr.audio.sound import Samples


def resample(samples: Samples, source_rate: float, sample_rate: float) -> Samples:
    """Return ``samples`` (n,) at ``source_rate`` Hz resampled to ``sample_rate`` Hz.

    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if source_rate == sample_rate or not len(samples):
        return samples
    resampled: Samples = soxr.resample(samples, source_rate, sample_rate)
    return resampled


def resample_blocks(
    blocks: Iterable[Samples], source_rate: float, sample_rate: float
) -> Iterator[Samples]:
    """Yield the blocks (n,) of a recording at ``source_rate`` Hz resampled to ``sample_rate`` Hz.

    Together they are what :func:`resample` returns of the whole recording; single blocks may be
    longer or shorter than what they came from, or empty.

    >>> blocks = [np.zeros(1600, np.float32)] * 5
    >>> sum(len(block) for block in resample_blocks(blocks, 8000, 16000))
    16000
    """
    if source_rate == sample_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
