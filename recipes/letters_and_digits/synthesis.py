"""This module renders synthetic speech and noise; a clip is a pure function of its description."""

import io
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from synthesisers import SynthesisError, speak, spelling

from asr.audio.read import Samples, read_audio
from asr.files import write_atomically

SAMPLE_RATE = 16000

# make_samples.py speaks these texts; make_synthetic.py never makes a clip of one of them.
SAMPLE_TEXTS = {
    "flite-slt-spelled-name": "p e t e r s o n",
    "flite-rms-phone-number": "four one two five five five oh one nine eight",
    "flite-awb-date": "october thirty first nineteen eighty four",
    "flite-rms-short-answer": "yes repeat",
    "flite-slt-control-digits": "enter four two nine",
    "espeak-en-us-control-letters": "rubout q x j v k",
    "espeak-en-gb-address": "sixty two p i n e l a n e",
    "espeak-en-us-number": "six thousand nine hundred and forty two",
}

TRIM_LEVEL = 0.01  # what is quieter at the ends, relative to the peak, is cut, as flite's pauses
TRIM_MARGIN = 0.03  # seconds that are kept around the loud part, where a soft f, th or s may be


@dataclass(frozen=True)
class Voice:
    """A voice, by its ``program`` (flite, espeak-ng or festival) and that program's ``name``."""

    program: str
    name: str

    @property
    def label(self) -> str:
        """Return the name of the speaker in manifests."""
        return f"{self.program.removesuffix('-ng')}-{self.name}"


@dataclass(frozen=True)
class Clip:
    """A clip to be synthesised; its text, voice and manner determine its samples.

    ``rate`` and ``pitch`` are factors on the voice's own, and a comma stands after the words whose
    index is in ``pauses``. ``lead`` and ``trail`` are seconds of silence before and after the
    speech, ``peak`` is the largest magnitude of the speech, and ``noise`` is the RMS level of white
    noise in dB of full scale (None: there is no noise).
    """

    text: str
    voice: Voice
    rate: float = 1.0
    pitch: float = 1.0
    pauses: tuple[int, ...] = ()
    lead: float = 0.2
    trail: float = 0.2
    peak: float = 0.5
    noise: float | None = None
    noise_seed: int = 0


@dataclass(frozen=True)
class Noise:
    """A recording in which nobody speaks.

    The power spectrum falls with the frequency to the power ``slope`` (0 is white noise, 1 pink,
    2 brown). The level swings by ``swing`` dB, about twice a second. ``level`` is the RMS in dB of
    full scale; samples beyond full scale are clipped. ``seconds`` is the length.
    """

    seconds: float
    slope: float = 0.0
    level: float = -40.0
    swing: float = 0.0
    seed: int = 0


def render(clip: Clip) -> Samples:
    """Return the samples of ``clip`` at ``SAMPLE_RATE``, between -1 and 1."""
    speech = _trim(_speak(clip))
    lead, trail = round(clip.lead * SAMPLE_RATE), round(clip.trail * SAMPLE_RATE)
    samples = np.pad(speech * np.float32(clip.peak / np.abs(speech).max()), (lead, trail))
    if clip.noise is not None:
        noise = np.random.default_rng(clip.noise_seed).standard_normal(len(samples))
        samples += noise.astype(np.float32) * np.float32(10 ** (clip.noise / 20))
    return samples.clip(-1, 1)


def render_noise(noise: Noise) -> Samples:
    """Return the samples of ``noise`` at ``SAMPLE_RATE``, between -1 and 1."""
    rng = np.random.default_rng(noise.seed)
    count = round(noise.seconds * SAMPLE_RATE)
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 20)
    spectrum = np.fft.rfft(rng.standard_normal(count)) * frequencies ** (-noise.slope / 2)
    samples = np.fft.irfft(spectrum, count)
    points = rng.uniform(-noise.swing / 2, noise.swing / 2, math.ceil(2 * noise.seconds) + 1)
    swing = np.interp(np.arange(count) / SAMPLE_RATE, np.arange(len(points)) / 2, points)
    samples *= 10 ** ((noise.level + swing) / 20) / np.sqrt(np.mean(samples**2))
    clipped: Samples = samples.clip(-1, 1).astype(np.float32)
    return clipped


def write_audio(path: Path, samples: Samples) -> None:
    """Write 16-bit audio in the format that the suffix names; write it whole or not at all."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, "PCM_16", format=path.suffix[1:].upper())
    write_atomically(path, buffer.getvalue())


def _speak(clip: Clip) -> Samples:
    voice = clip.voice
    said = spelling(clip.text.split(), clip.pauses, voice.program)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        speak(voice.program, voice.name, said, clip.rate, clip.pitch, path)
        return read_audio(path, SAMPLE_RATE).samples


def _trim(samples: Samples) -> Samples:
    magnitude = np.abs(samples)
    loud = np.flatnonzero(magnitude > TRIM_LEVEL * magnitude.max(initial=0))
    if not len(loud):
        raise SynthesisError("a synthesiser gave silence; check that its voices are installed")
    margin = round(TRIM_MARGIN * SAMPLE_RATE)
    return samples[max(loud[0] - margin, 0) : loud[-1] + margin]
