"""Samples of the recordings that are made of others, and their files."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from asr.data.manifest import Utterance
from asr.files import write_atomically

SAMPLE_RATE = 16000
FRAME = SAMPLE_RATE // 100


def in_set(item: Utterance, name: str) -> Utterance:
    """Return an utterance as one of a set."""
    return replace(item, extra={"set": name})


def write_flac(path: Path, samples: npt.NDArray[np.floating]) -> None:
    """Write samples to a file, also if there is one: it may hold what was chosen before."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, "PCM_16", format="FLAC")
    write_atomically(path, buffer.getvalue())


def recorded(
    path: Path, samples: npt.NDArray[np.floating], text: str, id: str, speaker: str | None = None
) -> Utterance:
    """Write the samples of a recording, and return it."""
    write_flac(path, samples)
    return Utterance(path, len(samples) / SAMPLE_RATE, text, id, speaker)


def levelled(samples: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return samples whose peak is drawn, from 0.25 to 0.5."""
    gain = 10 ** (rng.uniform(-6, 0) / 20) * 0.5 / max(np.abs(samples).max(), 1e-3)
    return samples * np.float32(gain)


def trimmed(samples: npt.NDArray[np.float32], level: float, margin: int) -> npt.NDArray[np.float32]:
    """Return samples without what is ``level`` dB below the loudest hundredth of a second at both
    ends, but for ``margin`` hundredths.

    >>> samples = np.repeat(np.float32([0.001, 0.5, 0.001, 0.5, 0.001]), FRAME)
    >>> len(trimmed(samples, -30.0, 0)) / FRAME, len(trimmed(samples, -30.0, 10)) / FRAME
    (3.0, 5.0)
    """
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.sqrt((whole**2).mean(1))
    loud = np.flatnonzero(power > power.max(initial=0) * 10 ** (level / 20))
    if not len(loud):
        return samples
    return samples[max(loud[0] - margin, 0) * FRAME : (loud[-1] + 1 + margin) * FRAME]
