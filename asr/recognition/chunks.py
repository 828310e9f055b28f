"""Chunks: the log-probs of a long recording, cut at its pauses into what is decoded at once.

A cut lies between two frames whose most probable symbol is the blank or the space, so the best path
of the chunks is that of the whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.model.directory import ModelInfo
from asr.model.session import LogProbs

PAUSE_SECONDS = 1.0
"""The shortest run of frames without a letter that is a pause."""

MAX_CHUNK_SECONDS = 30.0
"""The longest chunk."""

MAX_ATTENDED_SECONDS = 8.0
"""The longest chunk of a long recording whose texts a decoder with attention scores: its time grows
with the square of the length, and it has learnt from recordings that are hardly longer."""

MOVED_SECONDS = 0.08
"""How far a letter may move while more is heard."""


@dataclass(frozen=True)
class Chunk:
    """The log-probs (frames, V) of a recording from its frame ``first`` on, with the encodings of
    the frames behind them if its session gives some.

    ``pause`` is True if the chunk ends in a pause or with the recording, and False if it was cut
    because it became too long. Nothing is said from the end of the chunk to the frame
    ``silent_until`` of the recording.
    """

    first: int
    log_probs: LogProbs
    pause: bool
    silent_until: int


@dataclass(frozen=True)
class Cut:
    """A place to cut log-probs: behind ``count`` frames.

    ``pause`` is True if it lies in a pause; before the frame ``silent_until`` nothing follows.
    """

    count: int
    pause: bool
    silent_until: int


class Cutter:
    """Finds the places where log-probs are cut, in the middle of pauses.

    Args:
        info: the description of the model whose log-probs these are.
        max_seconds: the longest chunk. One without a pause is cut at the longest gap in its second
            half, or else at the last border there between two symbols, or else where it is.
        pause_seconds: the shortest run of frames without a letter that is a pause.
    """

    def __init__(
        self,
        info: ModelInfo,
        max_seconds: float = MAX_CHUNK_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        per_second = info.sample_rate / info.frame_stride
        vocabulary = info.vocabulary
        self.symbols = len(vocabulary)
        self.pause = max(1, round(pause_seconds * per_second))
        self._moved = round(MOVED_SECONDS * per_second)
        self.longest = max(2, round(max_seconds * per_second))
        self._gaps = [id for id in (vocabulary.blank_id, vocabulary.space_id) if id is not None]

    def gaps(self, log_probs: LogProbs) -> npt.NDArray[np.bool_]:
        """Return for each frame of ``log_probs`` (n, V) if its best symbol is no letter."""
        return np.isin(self._path(log_probs), self._gaps)

    def _path(self, log_probs: LogProbs) -> npt.NDArray[np.int64]:
        """Return the best symbol of each frame; what stands behind the symbols is something
        else."""
        path: npt.NDArray[np.int64] = log_probs[:, : self.symbols].argmax(axis=1)
        return path

    def find(self, log_probs: LogProbs, known: int | None = None) -> Cut | None:
        """Return the first place to cut ``log_probs`` (n, V), which begin where the last chunk
        ended; or None while it cannot be told yet.

        Of a stream that goes on, ``known`` of the frames were heard before. Letters move while
        more is heard, which may make a pause longer that is over. So it is judged once, with those
        frames: it may be shorter by ``MOVED_SECONDS`` then, and later it is none. Otherwise a final
        would come in the middle of the next words.
        """
        path = self._path(log_probs[: self.longest])
        begins, ends = _runs(np.isin(path, self._gaps))
        # Frames before the first letter are no pause: nothing has been said that could end.
        long = ends - begins >= self.pause
        if known is not None:
            judged = (ends - begins >= self.pause - self._moved) & (begins + self.pause > known)
            long = np.where(ends < len(log_probs), judged, long)
        pauses = np.flatnonzero((begins > 0) & long)
        if len(pauses):
            begin, end = int(begins[pauses[0]]), int(ends[pauses[0]])
            return Cut(begin + (self.pause + 1) // 2, True, min(begin + self.pause, end))
        if len(path) < self.longest:
            return None
        half = self.longest // 2
        begins = np.maximum(begins, half)
        widths = ends - begins
        if len(widths) and widths.max() > 0:
            widest = widths.argmax()
            return Cut(int(begins[widest] + (widths[widest] + 1) // 2), False, int(ends[widest]))
        borders = np.flatnonzero(np.diff(path[half:])) + half + 1
        count = int(borders[-1]) if len(borders) else len(path)
        return Cut(count, False, count)


class Chunker:
    """Cuts a recording, whose log-probs come in parts, where the ``cutter`` says.

    The parts have as many ``columns`` as there are symbols, unless more are named.
    """

    def __init__(self, cutter: Cutter, columns: int = 0) -> None:
        self._cutter = cutter
        self._rows = np.zeros((0, columns or cutter.symbols), np.float32)
        self._first = 0

    def cut(self, log_probs: Iterable[LogProbs]) -> Iterator[Chunk]:
        """Yield the chunks of a whole recording, whose log-probs come in parts (n, V)."""
        for rows in log_probs:
            yield from self.feed(rows)
        yield self.finish()

    def feed(self, log_probs: LogProbs) -> Iterator[Chunk]:
        """Take in the next frames (n, V) and yield the chunks that end in them."""
        self._rows = np.concatenate([self._rows, log_probs])
        while (cut := self._cutter.find(self._rows)) is not None:
            yield self._take(cut)

    def finish(self) -> Chunk:
        """Return what is left when the recording is over; it may have no frames."""
        return self._take(Cut(len(self._rows), True, len(self._rows)))

    def _take(self, cut: Cut) -> Chunk:
        rows = self._rows[: cut.count]
        chunk = Chunk(self._first, rows, cut.pause, self._first + cut.silent_until)
        self._first += cut.count
        self._rows = self._rows[cut.count :]
        return chunk


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the last (exclusive) index of each run of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).astype(np.int64)
    return edges[::2], edges[1::2]
