"""Noise and how loud it is beside speech."""

import numpy as np

from asr.audio.read import Samples

FRAME_SECONDS = 0.02
ACTIVE_DECIBELS = 30.0
"""Frames this far below the loudest one count as pauses."""


def coloured_noise(rng: np.random.Generator, count: int, slope: float) -> Samples:
    """Noise (count,) whose power falls with the frequency to the ``slope``: 0 white, 1 pink."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-slope / 2)
    samples: Samples = np.fft.irfft(spectrum, count).astype(np.float32)
    return samples


def speech_power(samples: Samples, sample_rate: int) -> float:
    """Mean square of ``samples`` (n,) over the frames in which somebody speaks."""
    size = min(int(FRAME_SECONDS * sample_rate), len(samples))
    frames = np.square(samples[: len(samples) // size * size], dtype=np.float64).reshape(-1, size)
    powers = frames.mean(axis=1)
    active = powers >= powers.max() * 10 ** (-ACTIVE_DECIBELS / 10)
    return float(powers[active].mean())


def add_noise(samples: Samples, noise: Samples, snr: float, sample_rate: int) -> Samples:
    """``samples`` (n,) with ``noise`` (n,) ``snr`` dB below the speech in them."""
    power = float(np.mean(np.square(noise, dtype=np.float64)))
    if power == 0:
        return samples
    wanted = speech_power(samples, sample_rate) / 10 ** (snr / 10)
    return samples + noise * np.float32(np.sqrt(wanted / power))


def fit_length(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """A random stretch of ``count`` of ``samples`` (n > 0), which are repeated if too few."""
    if len(samples) < count:
        samples = np.tile(samples, -(-count // len(samples)))
    start = int(rng.integers(len(samples) - count + 1))
    return samples[start : start + count]
