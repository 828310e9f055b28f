"""Moments: the mean and variance of the features of a recording, gathered part by part."""

import numpy as np
import numpy.typing as npt

from asr.model.normalization import Features, Statistics


class Moments:
    """The number of frames, and the sums of their features and of the squares of these.

    >>> moments = Moments()
    >>> moments.add(np.array([[1.0], [3.0]], np.float32))
    >>> moments.statistics.tolist()
    [[2.0], [1.0]]
    """

    def __init__(self) -> None:
        self.frames = 0.0
        self._sums: npt.NDArray[np.float64] = np.zeros((2, 1))

    def add(self, features: Features) -> None:
        """Add the features (frames, num_mels) of a part."""
        values = features.astype(np.float64)
        self.frames += len(values)
        self._sums = self._sums + np.stack([values.sum(0), np.square(values).sum(0)])

    def faded(self, share: float) -> "Moments":
        """Return moments in which everything that was added counts only with this ``share``."""
        other = Moments()
        other.frames, other._sums = share * self.frames, share * self._sums
        return other

    @property
    def statistics(self) -> Statistics:
        """The statistics of all that was added, which is one frame at least."""
        mean, power = self._sums / self.frames
        return np.stack([mean, power - mean**2]).astype(np.float32)
