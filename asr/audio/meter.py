"""The audio meter: levels, bandwidth and faults of a recording, measured while it is read."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples

FRAME = 512  # the samples of a frame; 32 ms at 16 kHz
SPECTRUM_EVERY = 4  # the spectrum is taken of every fourth frame
FULL_SCALE = 0.999  # from this level on, a sample counts as clipped
QUIETEST = -120  # the lowest level that is measured, in dB
SPEECH_QUANTILE, NOISE_QUANTILE = 0.95, 0.10
LOW_BAND, HIGH_BAND = (300.0, 3400.0), (4000.0, 7000.0)
"""Bands in Hz: what a telephone carries, and what it does not."""


@dataclass(frozen=True)
class Measures:
    """Measures of the sound of a recording.

    ``duration`` is in seconds; ``level`` and ``noise``, in dB relative to full scale, are the level
    that 5 % of its frames exceed and the one that 10 % do not reach; ``high_band`` is the power
    between 4 and 7 kHz relative to that of the telephone band, in dB; ``clipped`` is the share of
    samples at full scale.
    """

    duration: float
    level: float
    noise: float
    high_band: float
    clipped: float


class AudioMeter:
    """A meter that measures a recording block by block, while it is read.

    ``sample_rate`` of the samples is in Hz; a recording of fewer than ``min_samples`` gives the
    network no frame.

    >>> meter = AudioMeter(16000, min_samples=400)
    >>> meter.add(np.tile(np.float32([0.5, -0.5]), 8000))
    >>> meter.duration, meter.measures.level, meter.nothing
    (1.0, -6.0, ())
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
        """Warnings about the recording as a file, which its reader adds."""

    @property
    def duration(self) -> float:
        """The seconds of the samples that have been added."""
        return self._samples / self._sample_rate

    def add(self, samples: Samples) -> None:
        """Add the next ``samples`` (n,) to the measures."""
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
        """The reasons why there is nothing to recognise; empty if there may be something."""
        if self._samples < self._min_samples:
            milliseconds = 1000 * self._min_samples / self._sample_rate
            return (f"shorter than one frame of {milliseconds:g} ms: nothing to recognise",)
        if self._range[0] == self._range[1]:
            return ("no signal: all samples are equal",)
        return ()

    @property
    def measures(self) -> Measures | None:
        """The measures of the samples that have been added; None for less than one frame."""
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
        """Return the mean power in dB between two frequencies (Hz)."""
        frequencies = np.arange(len(self._power)) * self._sample_rate / FRAME
        inside = (frequencies >= band[0]) & (frequencies < band[1])
        return float(10 * np.log10(self._power[inside].mean() + 1e-20)) if inside.any() else 0.0
