"""Small pictures for the report: the spectrogram of a recording, the posteriors of its symbols, and
where a decoder with attention looks."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples
from asr.decoding.alignment import align
from asr.decoding.attention import AttentionScorer, Encodings
from asr.errors import DataError
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
END = "end"
"""The name of the end of a text, which a decoder spells too."""
FAINTEST = 0.02
"""The least probability that a symbol needs in some frame to be shown."""

Shades = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Spelling:
    """A text symbol by symbol, as a decoder with attention and CTC hear it.

    ``symbols`` are its L symbols and the end, ``weights`` (L + 1, frames) those of the frames when
    the decoder spells each, and ``spikes`` the first frame of each symbol on the best path of CTC;
    it has none if no path spells the text.
    """

    symbols: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    spikes: tuple[int, ...]


@dataclass(frozen=True)
class Picture:
    """The first ``seconds`` of a recording in shades from 0, the least, to 255, the most.

    ``spectrogram`` (bands, frames) has low frequencies first and goes up to ``top`` Hz;
    ``posteriors`` (symbols, frames) are those of the ``symbols`` to which the network gave some
    probability, without the blank. ``attention`` (L + 1, frames) are the weights of the frames for
    each of the ``spelled`` symbols and the end, and ``spikes`` the seconds at which CTC hears these
    symbols; both are empty without a decoder with attention.
    """

    seconds: float
    spectrogram: Shades
    top: float
    posteriors: Shades
    symbols: tuple[str, ...]
    attention: Shades
    spelled: tuple[str, ...]
    spikes: tuple[float, ...]

    def values(self) -> dict[str, Any]:
        """Return the picture as plain values, with the shades in base64."""
        values: dict[str, Any] = {
            "seconds": round(self.seconds, 3),
            "spectrogram": {**_encoded(self.spectrogram), "top": self.top},
            "posteriors": {**_encoded(self.posteriors), "symbols": list(self.symbols)},
        }
        if len(self.attention):
            spikes = [round(second, 3) for second in self.spikes]
            spelled = {"symbols": list(self.spelled), "spikes": spikes}
            values["attention"] = {**_encoded(self.attention), **spelled}
        return values


def spell_out(
    text: str, log_probs: LogProbs, encodings: Encodings, scorer: AttentionScorer, model: ModelInfo
) -> Spelling:
    """Return how a decoder with attention, and CTC, hear a normalised ``text`` in an utterance.

    Args:
        log_probs: (frames, V) of the utterance.
        encodings: (frames, E) of the same frames.
        scorer: the decoder.

    Raises:
        DataError: encodings of another width, or none; a character has no symbol.
    """
    vocabulary = model.vocabulary
    tokens = vocabulary.encode(text)
    try:
        spikes = align(log_probs, tokens, vocabulary.blank_id)[0].tolist()
    except DataError:  # the text is too long for the frames
        spikes = []
    symbols = (*(vocabulary.tokens[token] for token in tokens), END)
    return Spelling(symbols, scorer.weights(encodings, tokens), tuple(spikes))


def picture(
    samples: Samples, log_probs: LogProbs, model: ModelInfo, spelling: Spelling | None = None
) -> Picture:
    """Draw mono ``samples`` (n,) at the model's rate, and the ``log_probs`` (frames, V) that the
    model gave for them, up to :data:`LONGEST` seconds; ``spelling`` shows a text beside them."""
    sample_rate, vocabulary = model.sample_rate, model.vocabulary
    samples = samples[: round(LONGEST * sample_rate)]
    first = model.encoder.padding  # these frames lie before the recording
    shown = slice(first, first + -(-len(samples) // model.frame_stride))
    inside = log_probs[shown]
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
        **_attention(spelling, shown, model),
    )


def _attention(spelling: Spelling | None, shown: slice, model: ModelInfo) -> dict[str, Any]:
    """Return the fields of a picture that tell of a text, in the frames that are shown."""
    if spelling is None:
        return {"attention": np.zeros((0, 0), np.uint8), "spelled": (), "spikes": ()}
    frame = model.frame_stride / model.sample_rate
    shades = np.round(255 * spelling.weights[:, shown]).astype(np.uint8)
    spikes = tuple((place - shown.start + 0.5) * frame for place in spelling.spikes)
    return {"attention": shades, "spelled": spelling.symbols, "spikes": spikes}


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
