"""Log-probabilities of recordings of any length, in bounded memory: window by window.

Windows overlap by a context on both sides, whose frames are dropped, and meet on exact frame
borders. Every window is normalised by the statistics of the whole recording, so the recording is
gone through twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from asr.acoustic import AcousticSession, LogProbs, Statistics
from asr.audio import Samples

Blocks = Callable[[], Iterable[Samples]]
"""Starts a pass over a recording: its samples in blocks (n,) of any length."""

WINDOW_SECONDS = 60.0
CONTEXT_SECONDS = 10.0
"""On five minutes of AN4 no frame gets another symbol than in one piece, and the log-probs of a
frame differ by 0.0005 (median of the largest difference). Without context 26 of its 7,479 frames
do, with 2 s on both sides 3."""


@dataclass(frozen=True)
class Windows:
    """A recording of ``samples`` samples, ready for :meth:`log_probs`; ``frames`` in all.

    ``window`` output frames are kept of a window, ``context`` more are computed on both sides.
    ``statistics`` are those of the recording, None where it is shorter than one window and is
    computed as it always is.
    """

    session: AcousticSession
    blocks: Blocks
    samples: int
    statistics: Statistics | None
    window: int
    context: int

    @property
    def frames(self) -> int:
        """Output frames of the recording, the padding included."""
        return self.session.info.num_frames(self.samples)

    def log_probs(self) -> Iterator[LogProbs]:
        """Log-probabilities (n, V) of the windows one after another: ``frames`` rows in all."""
        stride, padding = self.session.info.frame_stride, self.session.info.encoder.padding
        total = self.frames - 2 * padding
        buffer = _Buffer(self.blocks())
        first = 0
        while first < total:
            last = first + self.window
            if last + self.context >= total:  # what would follow is no more than context
                last = total
            begin, end = max(0, first - self.context), last + self.context
            samples = buffer.read(begin * stride, min(end * stride, self.samples))
            (window,) = self.session.log_probs([samples], self.statistics)
            # Row k of a window is frame begin - padding + k of the recording; its own padding
            # belongs to the recording at the recording's ends alone.
            low = first - begin + padding if first else 0
            high = len(window) if last == total else last - begin + padding
            yield window[low:high]
            first = last


def open_windows(
    session: AcousticSession,
    blocks: Blocks,
    window_seconds: float = WINDOW_SECONDS,
    context_seconds: float = CONTEXT_SECONDS,
) -> Windows:
    """Go through a recording for its length and its statistics.

    Raises:
        AudioError: what ``blocks`` raises.
    """
    per_second = session.info.sample_rate / session.info.frame_stride
    window = max(1, round(window_seconds * per_second))
    context = max(1, round(context_seconds * per_second))
    samples, statistics = _survey(session, blocks(), window, window + context)
    return Windows(session, blocks, samples, statistics, window, context)


def _survey(
    session: AcousticSession, blocks: Iterable[Samples], window: int, shortest: int
) -> tuple[int, Statistics | None]:
    """Samples of a recording and, from ``shortest`` output frames on, its statistics: those of its
    windows, pooled. They are exact but for the first feature frame of each window, which is not
    heard in full."""
    info = session.info
    size, shortest = window * info.frame_stride, shortest * info.frame_stride
    ahead = info.features.window_length // 2
    buffer = _Buffer(blocks)
    begin, frames = 0, 0
    moments = np.zeros((2, info.features.num_mels))  # sums of the features and of their squares
    while True:
        samples = buffer.read(begin, begin + max(size + ahead + 1, shortest))
        if begin == 0 and len(samples) < shortest:
            return len(samples), None
        rest = len(samples) <= size + ahead
        # A sample less than the window: the frame on its border belongs to the next window.
        count = len(samples) if rest else size - 1
        mean, variance = session.statistics(samples[: size + ahead], count).astype(np.float64)
        here = info.features.num_frames(count)
        frames += here
        moments += [here * mean, here * (variance + mean**2)]
        if rest:
            break
        begin += size
    mean, power = moments / frames
    return begin + count, np.stack([mean, power - mean**2]).astype(np.float32)


class _Buffer:
    """The samples of a stream by their index, forwards."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._samples = np.zeros(0, dtype=np.float32)
        self._begin = 0

    def read(self, begin: int, end: int) -> Samples:
        """Samples ``begin`` to ``end`` (exclusive; fewer at the stream's end); what lies before
        ``begin`` is forgotten."""
        pieces = [self._samples[begin - self._begin :]]
        count = len(pieces[0])
        while count < end - begin and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            count += len(block)
        self._samples, self._begin = np.concatenate(pieces), begin
        return self._samples[: end - begin]
