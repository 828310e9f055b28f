"""Log-probabilities of recordings of any length, in bounded memory: window by window.

Each window is computed with a context on both sides, whose frames are dropped; what is kept of the
windows meets on exact frame borders. Every window is normalised by the feature statistics of the
whole recording, which is therefore read twice. A live recording can be read only once: its windows
are normalised by the statistics of what has been heard until then.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples
from asr.model.directory import ModelInfo
from asr.model.session import LogProbs, Session, Statistics
from asr.prefetch import prefetch_map

Blocks = Callable[[], Iterable[Samples]]
"""A function that starts a pass through a recording: its samples in blocks (n,) of any length."""

WINDOW_SECONDS = 75.0
"""The most seconds of a recording that are kept of one window."""
CONTEXT_SECONDS = 6.0
"""The seconds of context on each side of a window.

In windows of 30 s, 7 of 14,760 frames of AN4 get another symbol than in one piece, and the
log-probs of a frame differ by 0.003 (median of the largest difference). With a context of 2 s, 22
frames get another symbol, with 4 s 14, and with 10 s 1. These are numbers of the AN4 model;
those of the model in the package are lower.
"""
BATCH_SIZE = 2  # two at once are a tenth faster than one by one; more take too much memory
MULTIPLE = 4
"""A long recording has a multiple of so many windows, of equal length, so that the last ones keep
two threads busy. The number does not depend on the threads: neither does what is recognised."""
SURVEY_SECONDS = 15.0
"""The length of the parts of a recording whose statistics are computed one by one and pooled."""
LIVE_WINDOW_SECONDS = 6.0
LIVE_CONTEXT_SECONDS = 2.0


@dataclass(frozen=True)
class Windows:
    """A recording of ``samples`` samples that is ready to be computed window by window.

    ``window`` output frames of a window are kept; ``context`` more are computed on both sides.
    ``statistics`` are those of the recording; None stands for a recording shorter than one window,
    which is computed in one piece.
    """

    session: Session
    blocks: Blocks
    samples: int
    statistics: Statistics | None
    window: int
    context: int

    @property
    def frames(self) -> int:
        """The number of output frames of the recording, the padding included."""
        return self.session.info.num_frames(self.samples)

    def log_probs(self) -> Iterator[LogProbs]:
        """Yield log-probabilities (n, V) of one window after another: ``frames`` rows in all."""

        def compute(windows: list[_Window]) -> list[LogProbs]:
            samples = [window.samples for window in windows]
            log_probs = self.session.log_probs(samples, self.statistics)
            return [rows[x.kept] for rows, x in zip(log_probs, windows, strict=True)]

        threads = self.session.at_once
        size = min(BATCH_SIZE, -(-self.frames // (self.window * threads)))
        windows = _cut(self.session.info, self.blocks(), self.window, self.context)
        batches = iter(lambda: list(islice(windows, size)), [])
        for computed in prefetch_map(compute, batches, threads, threads + 1):
            yield from computed


def live_log_probs(
    session: Session,
    blocks: Iterable[Samples],
    window_seconds: float = LIVE_WINDOW_SECONDS,
    context_seconds: float = LIVE_CONTEXT_SECONDS,
) -> Iterator[LogProbs]:
    """Yield log-probabilities (n, V) of a recording that is still going on, those of a window as
    soon as its context has been heard. A recording shorter than one window is computed at once.

    Raises:
        AudioError: what ``blocks`` raises.
    """
    window, context = _frames(session.info, window_seconds), _frames(session.info, context_seconds)
    moments = _Moments()
    heard = 0  # the number of samples whose statistics are in the moments
    for part in _cut(session.info, blocks, window, context):
        statistics = None
        if part.begin or not part.last:
            new = part.samples[heard - part.begin :]
            # The last frame would lack the samples that come next.
            count = len(new) if part.last else len(new) - session.info.features.window_length
            if count > 0:
                moments.add(session.info.features.num_frames(count), session.statistics(new, count))
                heard += count
            statistics = moments.statistics
        (rows,) = session.log_probs([part.samples], statistics)
        yield rows[part.kept]


def open_windows(
    session: Session,
    blocks: Blocks,
    window_seconds: float = WINDOW_SECONDS,
    context_seconds: float = CONTEXT_SECONDS,
) -> Windows:
    """Read a recording once for its length and its statistics, and return its windows, of which
    ``window_seconds`` are kept at most.

    Raises:
        AudioError: what ``blocks`` raises.
    """
    window, context = _frames(session.info, window_seconds), _frames(session.info, context_seconds)
    samples, statistics = _survey(session, blocks(), window + context)
    if statistics is not None:
        frames = session.info.num_frames(samples)
        window = -(-frames // (MULTIPLE * -(-frames // (MULTIPLE * window))))
    return Windows(session, blocks, samples, statistics, window, context)


def _frames(info: ModelInfo, seconds: float) -> int:
    return max(1, round(seconds * info.sample_rate / info.frame_stride))


@dataclass(frozen=True)
class _Window:
    """A window: the ``samples`` (n,) of a recording from the sample ``begin`` on. ``kept`` are the
    rows of its log-probs that become the recording's; ``last`` is true if the recording ends with
    it."""

    samples: Samples
    begin: int
    kept: slice
    last: bool


def _cut(
    info: ModelInfo, blocks: Iterable[Samples], window: int, context: int
) -> Iterator[_Window]:
    stride, padding = info.frame_stride, info.encoder.padding
    buffer = _Buffer(blocks)
    first, last = 0, False
    while not last:
        before = max(0, first - context)
        begin, end = before * stride, (first + window + context) * stride
        samples = buffer.read(begin, end + 1)
        last = begin + len(samples) <= end  # what follows the window is no more than context
        if not len(samples):
            return
        # Row k of a window is frame before - padding + k of the recording; its own padding belongs
        # to the recording at the recording's ends alone.
        low = first - before + padding if first else 0
        high = None if last else first + window - before + padding
        yield _Window(samples[: end - begin], begin, slice(low, high), last)
        first += window


def _survey(
    session: Session, blocks: Iterable[Samples], shortest: int
) -> tuple[int, Statistics | None]:
    """Return the number of samples of a recording and, if it has at least ``shortest`` output
    frames, its statistics: those of its parts, pooled. They are exact but for the first feature
    frame of each part, of whose samples some lie in the part before."""
    info = session.info
    size = _frames(info, SURVEY_SECONDS) * info.frame_stride
    shortest *= info.frame_stride
    ahead = info.features.window_length // 2
    buffer = _Buffer(blocks)
    first = buffer.read(0, max(size + ahead + 1, shortest))
    if len(first) < shortest:
        return len(first), None

    total = 0

    def parts() -> Iterator[tuple[Samples, int]]:
        nonlocal total
        samples, begin = first, 0
        while len(samples) > size + ahead:
            # A sample less than the window: the frame on its border belongs to the next window.
            yield samples[: size + ahead], size - 1
            begin += size
            samples = buffer.read(begin, begin + size + ahead + 1)
        total = begin + len(samples)
        yield samples, len(samples)

    def measure(part: tuple[Samples, int]) -> tuple[int, Statistics]:
        return info.features.num_frames(part[1]), session.statistics(*part)

    moments = _Moments()
    for frames, statistics in prefetch_map(measure, parts(), session.at_once, session.at_once + 1):
        moments.add(frames, statistics)
    return total, moments.statistics


class _Moments:
    """The mean and variance of the features of a recording, gathered part by part."""

    def __init__(self) -> None:
        self._frames = 0
        self._sums: npt.NDArray[np.float64] = np.zeros((2, 1))  # of features and their squares

    def add(self, frames: int, statistics: Statistics) -> None:
        """Add the ``statistics`` of a part of so many feature ``frames``."""
        mean, variance = statistics.astype(np.float64)
        self._frames += frames
        self._sums = self._sums + frames * np.stack([mean, variance + mean**2])

    @property
    def statistics(self) -> Statistics:
        """The statistics of all that was added."""
        mean, power = self._sums / self._frames
        return np.stack([mean, power - mean**2]).astype(np.float32)


class _Buffer:
    """A buffer from which the samples of a stream are read forwards, by their indices."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._samples = np.zeros(0, dtype=np.float32)
        self._begin = 0

    def read(self, begin: int, end: int) -> Samples:
        """Return the samples ``begin`` to ``end`` (exclusive; fewer at the stream's end) and forget
        what lies before ``begin``."""
        pieces = [self._samples[begin - self._begin :]]
        count = len(pieces[0])
        while count < end - begin and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            count += len(block)
        self._samples, self._begin = np.concatenate(pieces), begin
        return self._samples[: end - begin]
