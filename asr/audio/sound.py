"""Decoded sound, which every decoder returns, and the limits of what is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asr.errors import AudioError

MIN_RATE, MAX_RATE = 2_000, 384_000
"""Sample rates in Hz that a recording may have."""
MAX_CHANNELS = 16

Samples = npt.NDArray[np.float32]
"""Mono samples (n,), full scale being 1."""

Block = npt.NDArray[np.float32]
"""Samples (n, channels), full scale being 1."""


@dataclass
class Sound:
    """A sound that is decoded while its ``blocks`` (n, channels) at ``rate`` Hz are consumed.

    ``frames`` is the number of samples a channel that the header promises, None where it promises
    nothing. A decoder adds to ``warnings`` while its blocks are consumed; they are complete when
    there are no more blocks.
    """

    rate: int
    channels: int
    frames: int | None
    blocks: Iterator[Block]
    warnings: list[str] = field(default_factory=list)


def check_limits(rate: int, channels: int) -> None:
    """Raise an AudioError unless a recording may have this ``rate`` (Hz) and number of channels.

    >>> check_limits(16000, channels=2)
    >>> check_limits(16000, channels=17)
    Traceback (most recent call last):
    asr.errors.AudioError: 17 channels; at most 16 are read
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f"sample rate {rate} Hz; needs {MIN_RATE} to {MAX_RATE} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{channels} channels; at most {MAX_CHANNELS} are read")
