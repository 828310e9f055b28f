"""Synthetic voices: hibari's, changed into many, and Kokoro's 28, mixed in pairs.

hibari predicts, for each frame, the envelopes of harmonics and of noise, and the pitch. Stretching
the envelopes along the frequency axis is another vocal tract (Jaitly & Hinton 2013), and the pitch
is scaled by itself, so that one voice becomes those of men, women and children. Kokoro takes a
vector for a voice, and the mean of two vectors is a voice too.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]
SAMPLE_RATE = 16000
SYNTHESIS_RATE = 24000
KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
PEOPLE = {"man": (0.84, 0.94, 90.0, 150.0), "woman": (0.95, 1.06, 150.0, 245.0),
          "child": (1.06, 1.2, 210.0, 330.0)}  # fmt: skip
"""Factors of the frequencies of formants, on those of hibari's voice, and pitches in Hz."""


class VoiceError(Exception):
    """A synthesiser that is not there, or a file that is not the one it should be."""


class Speaker(Protocol):
    """A synthesiser that speaks a text in a voice that is drawn."""

    name: str

    def __call__(self, said: str, spelled: bool, rng: np.random.Generator) -> tuple[Samples, str]:
        """Return samples at ``SAMPLE_RATE`` and the name of the voice.

        ``spelled`` says that the text is letters, in which "A" is no article.
        """


@dataclass(frozen=True)
class Manner:
    """How an utterance is said: factors of formants and tempo, and the pitch in Hz.

    ``range`` widens or narrows the melody, ``breath`` and ``tilt`` are dB of noise and dB an
    octave.
    """

    formants: float
    pitch: float
    range: float
    tempo: float
    breath: float
    tilt: float

    @classmethod
    def draw(cls, rng: np.random.Generator, people: Sequence[str] = tuple(PEOPLE)) -> "Manner":
        """Draw a manner of speaking; children are a fifth."""
        shares = np.array([1.0 if name == "child" else 2.0 for name in people])
        low, high, deep, shrill = PEOPLE[str(rng.choice(list(people), p=shares / shares.sum()))]
        return cls(
            formants=float(rng.uniform(low, high)),
            pitch=float(np.exp(rng.uniform(np.log(deep), np.log(shrill)))),
            range=float(rng.uniform(0.5, 1.5)),
            tempo=float(np.exp(rng.uniform(np.log(0.72), np.log(1.45)))),
            breath=float(rng.uniform(-3, 6)),
            tilt=float(rng.uniform(-2.5, 2.5)),
        )


class Hibari:
    """hibari's voice, whose formants, pitch and manner are drawn anew for each utterance.

    Raises:
        VoiceError: hibari is not installed.
    """

    name = "hibari"

    def __init__(self) -> None:
        self._speech = _hibari()
        from hibari import dsp

        self._dsp = dsp

    def __call__(self, said: str, spelled: bool, rng: np.random.Generator) -> tuple[Samples, str]:
        manner = Manner.draw(rng)
        parts = [
            self._utter(phonemes, manner, rng)
            for phonemes in phonemes_of(self._speech, said, spelled)
        ]
        label = f"f{manner.formants:.2f}-p{manner.pitch:.0f}"
        return _resampled(np.concatenate(parts)), label

    def _utter(self, phonemes: str, manner: Manner, rng: np.random.Generator) -> Samples:
        speech = self._speech
        outputs = speech.sess.run(
            None,
            {
                "ids": np.asarray([speech.ids(phonemes)], np.int64),
                "speed": np.asarray([manner.tempo], np.float32),
            },
        )
        harmonic, turn, noise, rest, phase, pitch = (output[0] for output in outputs)
        voiced = pitch > 40
        if voiced.any():
            middle = float(np.exp(np.log(pitch[voiced]).mean()))
            pitch = np.where(
                voiced, manner.pitch * (np.maximum(pitch, 40) / middle) ** manner.range, 0
            ).clip(0, 600)
            pitch = np.where(voiced, pitch.clip(50), 0).astype(np.float32)
        octaves = np.log2(np.maximum(np.arange(len(harmonic)) * 20, 100) / 1000)[:, None]
        gain = (manner.tilt * octaves * np.log(10) / 20).astype(np.float32)
        breath = np.float32(manner.breath * np.log(10) / 20)
        stretch = 1 / manner.formants
        return self._dsp.synth(
            _stretched(harmonic, stretch) + gain,
            _stretched(turn, stretch),
            _stretched(noise, stretch) + gain + breath,
            _stretched(rest, stretch) + gain,
            _stretched(phase, stretch, nearest=True),
            pitch,
            rng,
        )


class Kokoro:
    """Kokoro-82M with a voice, or a mixture of two, that is drawn for each utterance.

    ``model`` is the ONNX file; ``voices`` is the folder of vectors, of which those of American and
    British voices are used.

    Raises:
        VoiceError: hibari, whose phonemes are used, is not installed, or a file is not right.
    """

    name = "kokoro"

    def __init__(self, model: Path, voices: Path) -> None:
        if not model.exists():
            raise VoiceError(f"{model}: no such file, needs the joined parts of Kokoro's model")
        data = model.read_bytes()
        if hashlib.sha256(data).hexdigest() != KOKORO_SHA256:
            raise VoiceError(f"{model}: is not the Kokoro model that was used, or it is damaged")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options)
        self._speech = _hibari()
        self._voices = {
            path.stem: np.fromfile(path, np.float32).reshape(-1, 256)
            for path in sorted(voices.glob("[ab][fm]_*.bin"))
        }
        if not self._voices:
            raise VoiceError(f"{voices}: holds no vectors of voices, needs af_heart.bin and so on")

    def __call__(self, said: str, spelled: bool, rng: np.random.Generator) -> tuple[Samples, str]:
        one, two = (str(name) for name in rng.choice(list(self._voices), 2, replace=False))
        share = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.3, 0.7))
        tempo = float(np.exp(rng.uniform(np.log(0.75), np.log(1.35))))
        label = one if share == 1 else f"{one}-{two}"
        return self.say(said, {one: share, two: 1 - share}, tempo, spelled), label

    def say(
        self, said: str, voices: Mapping[str, float], tempo: float = 1.0, spelled: bool = False
    ) -> Samples:
        """Return samples at ``SAMPLE_RATE`` of a mixture of ``voices``, by their shares."""
        parts = []
        for phonemes in phonemes_of(self._speech, said, spelled):
            ids = self._speech.ids(phonemes)
            style = sum(
                share * self._voices[name][min(len(ids) - 2, len(self._voices[name]) - 1)]
                for name, share in voices.items()
            )
            (audio,) = self._session.run(
                None,
                {
                    "tokens": np.asarray([ids], np.int64),
                    "style": np.asarray(style, np.float32)[None],
                    "speed": np.asarray([tempo], np.float32),
                },
            )
            parts.append(audio.reshape(-1))
        return _resampled(np.concatenate(parts))


def phonemes_of(speech: Any, said: str, spelled: bool) -> list[str]:
    """Return the phonemes of each sentence of a text; in ``spelled`` texts "A" is a letter.

    Raises:
        VoiceError: the text has no phonemes.
    """
    found = [text.replace("ɐ", "ˈA") if spelled else text for text in speech.phonemize(said)]
    if not found:
        raise VoiceError(f"nothing can be said of {said!r}")
    return found


def _hibari() -> Any:
    try:
        from hibari import Hibari as Speech
    except ModuleNotFoundError:
        raise VoiceError("hibari is not installed; try pip install hibari-tts") from None
    return Speech()


def _stretched(values: NDArray[np.float32], factor: float, nearest: bool = False) -> Samples:
    """Return rows (bins of frequency) such that row k is the old row ``k * factor``."""
    places = np.minimum(np.arange(len(values)) * factor, len(values) - 1)
    if nearest:
        return values[np.round(places).astype(int)]
    below = np.minimum(places.astype(int), len(values) - 2)
    share = (places - below).astype(np.float32)[:, None]
    return values[below] * (1 - share) + values[below + 1] * share


def _resampled(samples: Samples) -> Samples:
    return soxr.resample(samples, SYNTHESIS_RATE, SAMPLE_RATE).astype(np.float32)
