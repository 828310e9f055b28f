"""Small pictures for the report: the spectrogram of a recording, and the posteriors of its
symbols."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples
from asr.model.directory import ModelInfo
from asr.model.session import LogProbs

WINDOW, HOP = 0.025, 0.01
"""The length and the distance of the frames of a spectrogram, in seconds."""
BANDS = 64
"""The number of frequency bands of a spectrogram."""
RANGE = 60.0
"""The range of a spectrogram: from the loudest level down by so many dB."""
LONGEST = 30.0
"""The seconds of a recording that are shown."""
FAINTEST = 0.02
"""The least probability that a symbol needs in some frame to be shown."""

Shades = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """The first ``seconds`` of a recording in shades from 0, the least, to 255, the most.

    ``spectrogram`` (bands, frames) has low frequencies first and goes up to ``top`` Hz;
    ``posteriors`` (symbols, frames) are those of the ``symbols`` to which the network gave some
    probability, without the blank.
    """

    seconds: float
    spectrogram: Shades
    top: float
    posteriors: Shades
    symbols: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """Return the picture as plain values, with the shades in base64."""
        return {
            "seconds": round(self.seconds, 3),
            "spectrogram": {**_encoded(self.spectrogram), "top": self.top},
            "posteriors": {**_encoded(self.posteriors), "symbols": list(self.symbols)},
        }


def picture(samples: Samples, log_probs: LogProbs, model: ModelInfo) -> Picture:
    """Draw mono ``samples`` (n,) at the model's rate, and the ``log_probs`` (frames, V) that the
    model gave for them, up to :data:`LONGEST` seconds."""
    sample_rate, vocabulary = model.sample_rate, model.vocabulary
    samples = samples[: round(LONGEST * sample_rate)]
    first = model.encoder.padding  # these frames lie before the recording
    inside = log_probs[first : first + -(-len(samples) // model.frame_stride)]
    posteriors = np.exp(inside.T)
    seen = [
        index
        for index in range(len(vocabulary))
        if index != vocabulary.blank_id and posteriors[index].max(initial=0) >= FAINTEST
    ]
    return Picture(
        seconds=len(samples) / sample_rate,
        spectrogram=spectrogram(samples, sample_rate),
        top=sample_rate / 2,
        posteriors=np.round(255 * posteriors[seen]).astype(np.uint8),
        symbols=tuple(vocabulary.tokens[index] for index in seen),
    )


def spectrogram(samples: Samples, sample_rate: int) -> Shades:
    """Return the power of ``samples`` (n,) as shades (bands, frames): on a scale of dB, in
    :data:`BANDS` bands of equal width up to half the rate, every :data:`HOP` seconds."""
    size, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    spectrum = np.fft.rfft(frames * np.hanning(size), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    edges = np.linspace(0, power.shape[1], BANDS + 1).astype(int)[:-1]
    bands = np.add.reduceat(power, edges, axis=1).T
    level = 10 * np.log10(np.maximum(bands, 1e-10))
    shades = 255 * (level - level.max() + RANGE) / RANGE
    rounded: Shades = np.clip(np.round(shades), 0, 255).astype(np.uint8)
    return rounded


def _encoded(shades: Shades) -> dict[str, Any]:
    rows, columns = shades.shape
    data = base64.b64encode(shades.tobytes()).decode("ascii")
    return {"rows": rows, "columns": columns, "data": data}
