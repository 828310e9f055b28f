"""A session that waits for its turn before each computation."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples
from asr.model.normalization import Features
from asr.model.session import LogProbs, Session


class SharedSession(Session):
    """The same network as that of ``session``, which others use too: ``slot`` is entered for each
    computation."""

    def __init__(self, session: Session, slot: Callable[[], AbstractContextManager[None]]) -> None:
        self.info, self.at_once, self.encodes = session.info, session.at_once, session.encodes
        self._session, self._slot = session, slot

    @property
    def encoding_size(self) -> int:
        """The width E of the encodings."""
        return self._session.encoding_size

    def features(self, samples: Samples) -> Features:
        """Compute the features (frames, num_mels) of samples (n,), n > 0."""
        with self._slot():
            return self._session.features(samples)

    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        with self._slot():
            return self._session._run(batch, lengths)

    def _run_features(
        self, batch: Features, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        with self._slot():
            return self._session._run_features(batch, lengths)
