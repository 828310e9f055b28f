"""Mixing of channels into one."""

import numpy as np

from asr.audio.sound import Block, Samples

_CANCELLED = 0.01
"""The share of the channels' power below which that of their mean counts as cancelled."""
_FAINT = 1e-10
"""Mean power of samples that tells nothing; full scale is 1."""


class Mixer:
    """A mixer that averages the channels of a recording, block by block.

    Channels of opposite phase, as those of a balanced line that was read as stereo, would cancel
    each other. Where they do, only the first loud one is taken.

    >>> mixer = Mixer()
    >>> mixer.mix(np.float32([[0.5, 0.25]])), mixer.mix(np.float32([[0.5, -0.5]]))
    (array([0.375], dtype=float32), array([0.5], dtype=float32))
    >>> mixer.warning
    'the channels cancel each other (opposite phase): only channel 1 is read there'
    """

    def __init__(self) -> None:
        self._taken: int | None = None  # the channel that is taken alone
        self.warning: str | None = None
        """A warning about channels that cancel each other."""

    def mix(self, block: Block) -> Samples:
        """Return the samples (n,) of one channel of ``block`` (n, channels)."""
        channels = block.shape[1]
        if channels == 1:
            return block[:, 0]
        with np.errstate(invalid="ignore", over="ignore"):
            mono: Samples = block.mean(axis=1, dtype=np.float32)
            power = float(np.vdot(block, block))
            if not power > _FAINT * block.size:  # it tells nothing; a sample may be no number
                alone = self._taken is not None and self._taken < channels
            else:
                alone = float(np.vdot(mono, mono)) * channels < _CANCELLED * power
            if not alone:
                self._taken = None
                return mono
            if self._taken is None or self._taken >= channels:
                powers = np.einsum("ij,ij->j", block, block)
                self._taken = int(np.argmax(powers >= powers.max() / 2))
                self.warning = self.warning or (
                    "the channels cancel each other (opposite phase): only channel "
                    f"{self._taken + 1} is read there"
                )
        taken: Samples = np.ascontiguousarray(block[:, self._taken])
        return taken
