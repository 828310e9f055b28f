"""What is noticed of a recording while it is read: its levels, its bandwidth, its faults."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples

FRAME = 512  # samples; 32 ms at 16 kHz
SPECTRUM_EVERY = 4  # frames
FULL_SCALE = 0.999
QUIETEST = -120  # dB
SPEECH_QUANTILE, NOISE_QUANTILE = 0.95, 0.10
LOW_BAND, HIGH_BAND = (300.0, 3400.0), (4000.0, 7000.0)
"""Hz: what a telephone carries, and what it does not."""


@dataclass(frozen=True)
class Measures:
    """Of a recording: ``duration`` in seconds; ``level`` and ``noise``, what the loudest and the
    quietest of its frames reach, in dB relative to full scale; ``high_band``, the power above
    4 kHz relative to that of the telephone band, in dB; ``clipped``, the share of samples at full
    scale."""

    duration: float
    level: float
    noise: float
    high_band: float
    clipped: float


class AudioMeter:
    """Measures a recording on its way into the network, block by block.

    Args:
        sample_rate: of the samples, in Hz.
        min_samples: what is shorter gives the network no frame.
    """

    def __init__(self, sample_rate: int, min_samples: int) -> None:
        self._sample_rate = sample_rate
        self._min_samples = min_samples
        self._range = (np.inf, -np.inf)
        self._samples = self._clipped = self._frames = 0
        self._rest = np.zeros(0, np.float32)
        self._levels = np.zeros(-QUIETEST + 1, np.int64)  # frames of each level, in dB
        self._power = np.zeros(FRAME // 2 + 1)
        self._window = np.hanning(FRAME).astype(np.float32)
        self.warnings: list[str] = []
        """What was wrong with it as a file."""

    @property
    def duration(self) -> float:
        """Seconds until now."""
        return self._samples / self._sample_rate

    def add(self, samples: Samples) -> None:
        """Take in the next ``samples`` (n,) at the model's rate."""
        if not len(samples):
            return
        low, high = self._range
        self._range = min(low, samples.min()), max(high, samples.max())
        self._samples += len(samples)
        self._clipped += int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        frames = samples[:whole].reshape(-1, FRAME)
        self._levels += self._histogram(frames)
        self._power += self._spectrum(frames[-self._frames % SPECTRUM_EVERY :: SPECTRUM_EVERY])
        self._frames += len(frames)

    @property
    def nothing(self) -> tuple[str, ...]:
        """Why there is nothing to recognise; empty: there may be."""
        if self._samples < self._min_samples:
            milliseconds = 1000 * self._min_samples / self._sample_rate
            return (f"shorter than one frame of {milliseconds:g} ms: nothing to recognise",)
        if self._range[0] == self._range[1]:
            return ("no signal: all samples are equal",)
        return ()

    @property
    def measures(self) -> Measures | None:
        """Of what was heard; None if that is less than one frame."""
        if not self._levels.any():
            return None
        return Measures(
            duration=self.duration,
            level=self._quantile(SPEECH_QUANTILE),
            noise=self._quantile(NOISE_QUANTILE),
            high_band=self._band(HIGH_BAND) - self._band(LOW_BAND),
            clipped=self._clipped / self._samples,
        )

    def _histogram(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        power = frames.var(axis=1, dtype=np.float64)
        level = 10 * np.log10(np.maximum(power, 10 ** (QUIETEST / 10)))
        index = np.clip(np.round(level), QUIETEST, 0).astype(np.int64) - QUIETEST
        return np.bincount(index, minlength=len(self._levels))

    def _spectrum(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        spectrum = np.fft.rfft(frames * self._window, axis=1)
        power: npt.NDArray[np.float64] = (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
        return power

    def _quantile(self, share: float) -> float:
        below = np.cumsum(self._levels)
        return float(np.searchsorted(below, share * below[-1]) + QUIETEST)

    def _band(self, band: tuple[float, float]) -> float:
        """Mean power between two frequencies in dB."""
        frequencies = np.arange(len(self._power)) * self._sample_rate / FRAME
        inside = (frequencies >= band[0]) & (frequencies < band[1])
        return float(10 * np.log10(self._power[inside].mean() + 1e-20)) if inside.any() else 0.0
