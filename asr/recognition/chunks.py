"""Log-probabilities as they come, cut where nothing is said: what a decoder takes as one utterance.

A cut lies between two frames whose most probable symbol is the blank or the space, so the best path
of the chunks is that of the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.model.directory import ModelInfo
from asr.model.session import LogProbs

PAUSE_SECONDS = 1.0
MAX_CHUNK_SECONDS = 30.0
LIVE_CHUNK_SECONDS = 12.0
"""The same for a listener who waits."""


@dataclass(frozen=True)
class Chunk:
    """``log_probs`` (frames, V) from the frame ``first`` of the recording on.

    ``pause``: it ends in a pause, or with the recording; otherwise it only became too long. Nothing
    is said before the frame ``silent_until``.
    """

    first: int
    log_probs: LogProbs
    pause: bool
    silent_until: int


class Chunker:
    """Cuts a recording at its pauses, in the middle of them.

    Args:
        info: of the model whose log-probs these are.
        max_seconds: what gets longer is cut at the longest gap in its second half, or else at any
            border between two symbols, or else where it is.
        pause_seconds: from which length on frames without a letter are a pause.
    """

    def __init__(
        self,
        info: ModelInfo,
        max_seconds: float = MAX_CHUNK_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        per_second = info.sample_rate / info.frame_stride
        vocabulary = info.vocabulary
        self._pause = max(1, round(pause_seconds * per_second))
        self._longest = max(2, round(max_seconds * per_second))
        self._gaps = [id for id in (vocabulary.blank_id, vocabulary.space_id) if id is not None]
        self._rows = np.zeros((0, len(vocabulary)), np.float32)
        self._first = 0

    def feed(self, log_probs: LogProbs) -> Iterator[Chunk]:
        """Take in the next frames (n, V); the chunks that end."""
        self._rows = np.concatenate([self._rows, log_probs])
        while (cut := self._cut()) is not None:
            yield self._take(*cut)

    def finish(self) -> Chunk:
        """What is left when the recording is over; it may have no frames."""
        return self._take(len(self._rows), True, len(self._rows))

    def _take(self, count: int, pause: bool, silent_until: int) -> Chunk:
        chunk = Chunk(self._first, self._rows[:count], pause, self._first + silent_until)
        self._first += count
        self._rows = self._rows[count:]
        return chunk

    def _cut(self) -> tuple[int, bool, int] | None:
        """Frames of the next chunk, whether it ends in a pause, and the frames until which nothing
        follows; None: not to be told yet."""
        path = self._rows[: self._longest].argmax(axis=1)
        begins, ends = _runs(np.isin(path, self._gaps))
        # Frames before the first letter are no pause: nothing has been said that could end.
        pauses = begins[(begins > 0) & (ends - begins >= self._pause)]
        if len(pauses):
            begin = int(pauses[0])
            return begin + (self._pause + 1) // 2, True, begin + self._pause
        if len(path) < self._longest:
            return None
        half = self._longest // 2
        begins = np.maximum(begins, half)
        widths = ends - begins
        if len(widths) and widths.max() > 0:
            widest = widths.argmax()
            return int(begins[widest] + (widths[widest] + 1) // 2), False, int(ends[widest])
        borders = np.flatnonzero(np.diff(path[half:])) + half + 1
        cut = int(borders[-1]) if len(borders) else len(path)
        return cut, False, cut


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last (exclusive) index of each run of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).astype(np.int64)
    return edges[::2], edges[1::2]
