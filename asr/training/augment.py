"""Augmentation of training data: waveforms are changed one by one, features are masked.

The operations on waveforms take and return float32 samples (n,) between -1 and 1.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
import torch
from torch import Tensor

from asr.audio.read import Samples
from asr.audio.resample import resample
from asr.training.config import CODECS, AugmentConfig
from asr.training.rooms import draw_room

TELEPHONE_RATE = 8000
LOW_CUT = 300.0
"""Hz below which many telephones transmit nothing."""
TALKERS = 6
"""People who speak at once in babble."""
FAINT = (-90.0, -50.0)
"""The level of the noise in silence that is not digital, in dB of full scale."""

FRAME_SECONDS = 0.02
ACTIVE_DECIBELS = 30.0
"""How far below the loudest frame a frame may be to count as speech, in dB."""

Draw = Callable[[np.random.Generator], Samples]
"""A function that draws a random recording at the training's sample rate."""


class Augmenter:
    """Changes the waveforms of training as the sections of ``config`` say.

    ``draw_talker`` draws a training utterance for babble, ``draw_noise`` one of the noise files.
    """

    def __init__(
        self,
        config: AugmentConfig,
        sample_rate: int,
        draw_talker: Draw | None = None,
        draw_noise: Draw | None = None,
    ) -> None:
        self.config = config
        self.sample_rate = sample_rate
        self.draw_talker = draw_talker
        self.draw_noise = draw_noise

    def __call__(
        self, samples: Samples, speed: float, rng: np.random.Generator, silence: float = 0.0
    ) -> Samples:
        """Return ``samples`` (n,) at another ``speed``, with ``silence`` (s) around them, and
        changed by what ``rng`` draws; they stay between -1 and 1."""
        config = self.config
        samples = perturb_speed(samples, speed)
        if not len(samples):
            return samples
        if silence:
            samples = surround(samples, round(silence * self.sample_rate), rng)
        if rng.random() < config.reverb.probability:
            seconds = rng.uniform(*config.reverb.seconds)
            samples = reverberate(samples, draw_room(rng, seconds, self.sample_rate))
        if rng.random() < config.noise.probability:
            noise = self._noise(len(samples), rng)
            samples = add_noise(samples, noise, rng.uniform(*config.noise.snr), self.sample_rate)
        if rng.random() < config.telephone.probability:
            low_cut = LOW_CUT if rng.random() < 0.5 else 0.0
            samples = telephone(samples, self.sample_rate, low_cut)
        if rng.random() < config.codec.probability:
            samples = through_codec(samples, self.sample_rate, str(rng.choice(config.codec.kinds)))
        if rng.random() < config.gain.probability:
            samples = samples * float(10 ** (rng.uniform(*config.gain.decibels) / 20))
        clipped: Samples = samples.clip(-1, 1).astype(np.float32, copy=False)
        return clipped

    def _noise(self, count: int, rng: np.random.Generator) -> Samples:
        kind = str(rng.choice(self.config.noise.kinds))
        if kind == "babble" and self.draw_talker is not None:
            talkers = (self.draw_talker(rng) for _ in range(TALKERS))
            return babble([talker for talker in talkers if len(talker)], count, rng)
        if kind == "files" and self.draw_noise is not None:
            return fit_length(self.draw_noise(rng), count, rng)
        return coloured_noise(rng, count, slope=1.0 if kind == "pink" else 0.0)


def perturb_speed(samples: Samples, speed: float) -> Samples:
    """Play ``samples`` (n,) faster by the factor ``speed``; the pitch changes with it.

    Source: Ko et al. 2015.

    >>> len(perturb_speed(np.zeros(1000, np.float32), 1.25))
    800
    """
    return resample(samples, speed, 1.0)


def surround(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """Put ``count`` samples of silence around ``samples`` (n,), divided at random between before
    and after; return (n + count,)."""
    before = int(rng.integers(count + 1))
    quiet = np.zeros(count, np.float32)
    if rng.random() < 0.5:
        level = 10 ** (rng.uniform(*FAINT) / 20)
        quiet = (level * rng.standard_normal(count)).astype(np.float32)
    return np.concatenate([quiet[:before], samples, quiet[before:]])


def babble(talkers: Sequence[Samples], count: int, rng: np.random.Generator) -> Samples:
    """Mix ``talkers`` (n,) each, equally loud, to ``count`` samples."""
    mixed = np.zeros(count, np.float32)
    for talker in talkers:
        level = float(np.sqrt(np.mean(np.square(talker, dtype=np.float64))))
        if level > 0:
            mixed += fit_length(talker, count, rng) / np.float32(level)
    return mixed


def coloured_noise(rng: np.random.Generator, count: int, slope: float) -> Samples:
    """Return noise (count,) whose power falls with the frequency to the ``slope``.

    A slope of 0 gives white noise, 1 gives pink noise.
    """
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-slope / 2)
    samples: Samples = np.fft.irfft(spectrum, count).astype(np.float32)
    return samples


def speech_power(samples: Samples, sample_rate: int) -> float:
    """Return the mean square of ``samples`` (n,) over the frames in which somebody speaks."""
    size = min(int(FRAME_SECONDS * sample_rate), len(samples))
    frames = np.square(samples[: len(samples) // size * size], dtype=np.float64).reshape(-1, size)
    powers = frames.mean(axis=1)
    active = powers >= powers.max() * 10 ** (-ACTIVE_DECIBELS / 10)
    return float(powers[active].mean())


def add_noise(samples: Samples, noise: Samples, snr: float, sample_rate: int) -> Samples:
    """Add ``noise`` (n,) to ``samples`` (n,), ``snr`` dB below the speech in them."""
    power = float(np.mean(np.square(noise, dtype=np.float64)))
    if power == 0:
        return samples
    wanted = speech_power(samples, sample_rate) / 10 ** (snr / 10)
    return samples + noise * np.float32(np.sqrt(wanted / power))


def fit_length(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """Return ``count`` samples from a random place of ``samples`` (n > 0), repeated if too few."""
    if len(samples) < count:
        samples = np.tile(samples, -(-count // len(samples)))
    start = int(rng.integers(len(samples) - count + 1))
    return samples[start : start + count]


def reverberate(samples: Samples, response: npt.NDArray[np.float64]) -> Samples:
    """Convolve ``samples`` (n,) with the ``response`` of a room; return (n,), as loud as before."""
    wet = scipy.signal.fftconvolve(samples, response)[: len(samples)]
    before, after = (float(np.sum(np.square(x, dtype=np.float64))) for x in (samples, wet))
    scaled: Samples = (wet * np.sqrt(before / after) if after > 0 else wet).astype(np.float32)
    return scaled


def telephone(samples: Samples, sample_rate: int, low_cut: float = 0.0) -> Samples:
    """Remove from ``samples`` (n,) what lies above 4 kHz, or below ``low_cut`` Hz."""
    narrow = resample(samples, sample_rate, TELEPHONE_RATE)
    if low_cut:
        filter_ = scipy.signal.butter(4, low_cut, "highpass", fs=TELEPHONE_RATE, output="sos")
        narrow = scipy.signal.sosfilt(filter_, narrow).astype(np.float32)
    return _cut_to(resample(narrow, TELEPHONE_RATE, sample_rate), len(samples))


def through_codec(samples: Samples, sample_rate: int, kind: str) -> Samples:
    """Encode and decode ``samples`` (n,) with one of :data:`asr.training.config.CODECS`."""
    format_, subtype = CODECS[kind]
    coded = io.BytesIO()
    soundfile.write(coded, samples.clip(-1, 1), sample_rate, subtype, format=format_)
    coded.seek(0)
    decoded, rate = soundfile.read(coded, dtype="float32")
    return _cut_to(resample(decoded, rate, sample_rate), len(samples))


def _cut_to(samples: Samples, count: int) -> Samples:
    return np.pad(samples[:count], (0, max(0, count - len(samples))))


def mask_features(
    features: Tensor, lengths: Tensor, config: AugmentConfig, rngs: list[np.random.Generator]
) -> Tensor:
    """Set random bands of mel bins and runs of frames to the mean, which is zero.

    Source: SpecAugment (Park et al. 2019), without time warping.

    Shape: features (B, T, num_mels), lengths (B,), one generator an utterance -> (B, T, num_mels).
    """
    keep = np.ones(features.shape, dtype=bool)
    bins = features.shape[2]
    for row, frames, rng in zip(keep, lengths.tolist(), rngs, strict=True):
        for _ in range(config.frequency_masks):
            width = int(rng.integers(0, min(config.frequency_width, bins) + 1))
            start = int(rng.integers(0, bins - width + 1))
            row[:, start : start + width] = False
        for _ in range(config.time_masks):
            widest = min(config.time_width, int(config.time_share * frames))
            width = int(rng.integers(0, widest + 1))
            start = int(rng.integers(0, frames - width + 1))
            row[start : start + width] = False
    return features * torch.from_numpy(keep).to(features.device)
