"""Random numbers as pure functions of what they are for, so that nothing needs saving."""

import zlib

import numpy as np


def rng(seed: int, *parts: int | str) -> np.random.Generator:
    """A generator of its own for (seed, epoch, utterance id, …); strings enter as CRC-32."""
    keys = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in parts]
    return np.random.default_rng([seed, *keys])
