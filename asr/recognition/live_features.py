"""Features of a stream, computed as its samples come."""

from collections import deque

import numpy as np

from asr.audio.read import Samples
from asr.model.normalization import Features
from asr.model.session import Session


class LiveFeatures:
    """The latest features of a stream; what lies before is forgotten on demand.

    Feature *k* is centred on sample *k* × hop length. Those whose whole window has been heard are
    ``complete``; a few more reach beyond the end, and are those of a stream that ends there.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        features = session.info.features
        self._hop, self._half = features.hop_length, -(-features.window_length // 2)
        self._margin = -(-self._half // self._hop)
        self._heard: deque[Samples] = deque()
        self._samples = np.zeros(0, np.float32)  # from the sample of index _first on
        self._first = 0
        self._values: Features = np.zeros((0, features.num_mels), np.float32)
        self._begin = 0  # the index of the first feature that is kept
        self.complete = 0
        """The number of complete features of the stream."""
        self.samples = 0
        """The number of samples from which features have been computed."""
        self._came = 0  # samples; it is changed by hear() alone, which another thread may call

    def hear(self, samples: Samples) -> None:
        """Append ``samples`` (n,) to the stream."""
        self._heard.append(samples)
        self._came += len(samples)

    @property
    def waiting(self) -> int:
        """The number of samples that have been heard, and not been taken yet."""
        return self._came - self.samples

    def take(self, limit: int) -> Samples:
        """Compute the features of what was heard, at most ``limit`` samples, which are
        returned."""
        parts, count = list[Samples](), 0
        while self._heard and count < limit:
            part = self._heard.popleft()
            if count + len(part) > limit:
                self._heard.appendleft(part[limit - count :])
                part = part[: limit - count]
            parts.append(part)
            count += len(part)
        if not count:
            return np.zeros(0, np.float32)
        self.samples += count
        new: Samples = np.concatenate(parts)
        self._samples = np.concatenate([self._samples, new])
        low = self._first // self._hop
        values = self._session.features(self._samples)[self.complete - low :]
        self._values = np.concatenate([self._values[: self.complete - self._begin], values])
        if self.samples >= self._half:
            self.complete = max(self.complete, (self.samples - self._half) // self._hop + 1)
        # The next feature's window begins within what is kept, on a whole hop.
        first = max(0, self.complete - self._margin) * self._hop
        self._samples, self._first = self._samples[first - self._first :], first
        return new

    @property
    def end(self) -> int:
        """The number of features of the stream if it ended here."""
        return self._begin + len(self._values)

    def needs(self, features: int) -> int:
        """Return the number of samples with which so many features are complete."""
        return (features - 1) * self._hop + self._half

    def read(self, begin: int, end: int) -> Features:
        """Return the features ``begin`` to ``end`` (exclusive) of the stream, as far as they are
        kept."""
        return self._values[max(0, begin - self._begin) : max(0, end - self._begin)]

    def forget(self, begin: int) -> None:
        """Forget the features before ``begin``."""
        if begin > self._begin:
            self._values = self._values[begin - self._begin :].copy()
            self._begin = begin
