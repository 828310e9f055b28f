"""Synthetic test signals: computed vowels that serve as golden clips and are nobody's voice.

A series of harmonics sounds like a vowel if those near the resonances (formants) of a vocal tract
are louder. The formants are those of Peterson and Barney (1952, table II, men). Everything is
computed from the numbers below, without noise or chance, and every frequency band has an energy far
above rounding errors, so that features are the same on all machines.
"""

import io

import numpy as np
import soundfile

from asr.audio.read import Samples

FORMANTS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
BANDWIDTH = 90.0  # the bandwidth of a formant in Hz
LEVEL = 0.3  # the largest sample
EDGE = 0.02  # seconds in which a vowel comes and goes
PAUSE, LEAD = 0.08, 0.15  # seconds of silence between vowels, and around them

SIGNALS = {
    # Each has its vowels, the seconds of a vowel, and the pitch (Hz) at its beginning and end.
    "long-vowels.wav": ("aiu", 0.35, (120.0, 110.0)),
    "short-vowels.wav": ("eaoieu", 0.13, (180.0, 170.0)),
    "gliding-vowels.wav": ("oea", 0.30, (220.0, 130.0)),
}


def make_signals(rate: int) -> dict[str, bytes]:
    """Return the signals at ``rate`` Hz as WAV files of 16 bits, by their names.

    >>> sorted(make_signals(16000))
    ['gliding-vowels.wav', 'long-vowels.wav', 'short-vowels.wav']
    """
    files = {}
    for name, (vowels, seconds, pitch) in SIGNALS.items():
        pause, lead = (np.zeros(round(length * rate), np.float32) for length in (PAUSE, LEAD))
        parts = [lead]
        for vowel in vowels:
            parts += [_vowel(vowel, seconds, pitch, rate), pause]
        file = io.BytesIO()
        soundfile.write(file, np.concatenate([*parts, lead]), rate, format="WAV", subtype="PCM_16")
        files[name] = file.getvalue()
    return files


def _vowel(vowel: str, seconds: float, pitch: tuple[float, float], rate: int) -> Samples:
    """Return harmonics of a gliding ``pitch`` up to half the ``rate``, shaped by formants."""
    count = round(seconds * rate)
    frequency = np.linspace(*pitch, count)
    phase = 2 * np.pi * np.cumsum(frequency) / rate
    total = np.zeros(count)
    for harmonic in range(1, int(rate / 2 / max(pitch))):
        total += _response(harmonic * frequency, FORMANTS[vowel]) * np.sin(harmonic * phase)
    edge = np.minimum(np.arange(count), np.arange(count)[::-1]) / (EDGE * rate)
    total *= np.minimum(edge, 1.0)
    return np.asarray(LEVEL * total / np.abs(total).max(), np.float32)


def _response(
    frequency: "np.ndarray[tuple[int], np.dtype[np.float64]]", formants: tuple[float, ...]
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the amplitude (n,) of a source that falls by 6 dB an octave, behind parallel
    resonators."""
    resonances = [1 / (1 + ((frequency - peak) / BANDWIDTH) ** 2) for peak in formants]
    shaped = np.sum(resonances, axis=0) / frequency
    return np.asarray(shaped, np.float64)
