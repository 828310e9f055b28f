"""Log-probabilities of recordings of any length, in bounded memory: window by window.

Each window is computed with a context on both sides, whose frames are dropped; what is kept of the
windows meets on exact frame borders. The features are computed first, and kept: the windows are as
long as each other, which takes the length of the recording, and overlap. Features are normalised
by stretches of the recording, whatever the windows are. A live recording, which cannot wait for
that, is recognised in another way (:mod:`asr.recognition.live`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from asr.audio.read import Samples
from asr.model.directory import ModelInfo
from asr.model.normalization import normalize_stretches
from asr.model.session import LogProbs, Session
from asr.prefetch import prefetch_map
from asr.recognition.passes import Block, Passes

Blocks = Callable[[], Iterable[Samples]]
"""A function that starts a pass through a recording: its samples in blocks (n,) of any length."""

WINDOW_SECONDS = 75.0
"""The most seconds of a recording that are kept of one window."""
CONTEXT_SECONDS = 7.0
"""The seconds of context on each side of a window.

Of 8,934 frames of AN4's test part, joined to recordings of five minutes, none gets another symbol
than in one piece, and one with the model in the package; the log-probs of a frame differ by 0.00001
or less (median of the largest difference).
"""
BATCH_SIZE = 2  # two at once are a tenth faster than one by one; more take too much memory
MULTIPLE = 4
"""A long recording has a multiple of so many windows, of equal length, so that the last ones keep
two threads busy. The number does not depend on the threads: neither does what is recognised."""
FEATURE_SECONDS = 15.0
"""The length of the parts of a recording whose features are computed one by one."""


@dataclass(frozen=True)
class Windows:
    """A recording of ``samples`` samples that is ready to be computed window by window.

    ``window`` output frames of a window are kept; ``context`` more are computed on both sides.
    ``features`` starts a pass through the features of the recording, row after row in blocks (n,).
    """

    session: Session
    samples: int
    window: int
    context: int
    features: Callable[[], Iterator[Block]]

    @property
    def frames(self) -> int:
        """The number of output frames of the recording, the padding included."""
        return self.session.info.num_frames(self.samples)

    def log_probs(self) -> Iterator[LogProbs]:
        """Yield log-probabilities (n, V) of one window after another: ``frames`` rows in all."""
        info = self.session.info
        mels = info.features.num_mels

        def compute(windows: list[_Window]) -> list[LogProbs]:
            features = [window.values.reshape(-1, mels) for window in windows]
            log_probs = self.session.log_probs_of_features(features)
            return [rows[x.kept] for rows, x in zip(log_probs, windows, strict=True)]

        size = min(BATCH_SIZE, -(-self.frames // (self.window * self.session.at_once)))
        threads = self.session.windows_at_once
        values = info.encoder.reduction * mels
        normalized = normalize_stretches(_rows(self.features(), mels), info.features)
        blocks = (rows.reshape(-1) for rows in normalized)
        windows = _cut(blocks, self.window, self.context, values, info.encoder.padding)
        batches = iter(lambda: list(islice(windows, size)), [])
        for computed in prefetch_map(compute, batches, threads, threads + 1):
            yield from computed


@dataclass(frozen=True)
class OnePiece:
    """A recording shorter than one window and its context, which is computed in one piece."""

    session: Session
    whole: Samples

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.whole)

    @property
    def frames(self) -> int:
        """The number of output frames, the padding included."""
        return self.session.info.num_frames(self.samples)

    def log_probs(self) -> Iterator[LogProbs]:
        """Yield the log-probabilities (frames, V), if there are any samples."""
        yield from self.session.log_probs([self.whole]) if self.samples else []


def open_windows(
    session: Session,
    blocks: Blocks,
    window_seconds: float = WINDOW_SECONDS,
    context_seconds: float = CONTEXT_SECONDS,
) -> Windows | OnePiece:
    """Read a recording, compute its features, and return its windows, of which ``window_seconds``
    are kept at most. A short recording is returned in one piece.

    Raises:
        AudioError: what ``blocks`` raises.
    """
    info = session.info
    window, context = _frames(info, window_seconds), _frames(info, context_seconds)
    count, begun, rest = 0, list[Samples](), iter(blocks())
    while count < (window + context) * info.frame_stride:
        block = next(rest, None)
        if block is None:
            return OnePiece(session, np.concatenate([np.zeros(0, np.float32), *begun]))
        begun.append(block)
        count += len(block)

    def counted() -> Iterator[Samples]:
        nonlocal count
        yield from begun
        for block in rest:
            count += len(block)
            yield block

    passes = chain([counted()], iter(blocks, None))  # one, unless its features cannot be kept
    features = Passes(lambda: _features(session, next(passes)))
    for _ in features():  # until the recording's end, so that its length is known
        pass
    frames = info.num_frames(count)
    number = MULTIPLE * -(-frames // (MULTIPLE * window))
    window = _multiple(info, -(-frames // number))
    return Windows(session, count, window, context, features)


def _frames(info: ModelInfo, seconds: float) -> int:
    return _multiple(info, max(1, round(seconds * info.sample_rate / info.frame_stride)))


def _multiple(info: ModelInfo, frames: int) -> int:
    """Round up, so that a network that joins frames joins the same ones in every window."""
    joined = info.encoder.joined
    return joined * -(-frames // joined)


@dataclass(frozen=True)
class _Window:
    """A window: ``values`` (n,) of a recording's features. ``kept`` are the rows of its log-probs
    that become the recording's."""

    values: Block
    kept: slice


def _cut(
    blocks: Iterable[Block], window: int, context: int, size: int, padding: int
) -> Iterator[_Window]:
    """Cut values, of which ``size`` make an output frame, into windows. ``padding`` is the number
    of output frames that the network adds at each end."""
    buffer = _Buffer(blocks)
    first, last = 0, False
    while not last:
        before = max(0, first - context)
        begin, end = before * size, (first + window + context) * size
        values = buffer.read(begin, end + 1)
        last = begin + len(values) <= end  # what follows the window is no more than context
        if not len(values):
            return
        # Row k of a window is frame before - padding + k of the recording; its own padding belongs
        # to the recording at the recording's ends alone.
        low = first - before + padding if first else 0
        high = None if last else first + window - before + padding
        yield _Window(values[: end - begin], slice(low, high))
        first += window


def _features(session: Session, blocks: Iterable[Samples]) -> Iterator[Block]:
    """Yield the features of a recording, row after row, in blocks (n,).

    They are computed part by part, and are those of the whole: around the frames of each part,
    its samples reach as far as the windows of these frames do.
    """
    features = session.info.features
    hop = features.hop_length
    size = round(FEATURE_SECONDS * features.sample_rate / hop)
    margin = -(-features.window_length // (2 * hop))  # frames that half a window reaches over

    def parts() -> Iterator[tuple[Samples, int, int | None]]:
        """Yield the samples of each part, and which rows of their features are kept."""
        buffer = _Buffer(blocks)
        begin, last = 0, False
        while not last:
            low = max(0, begin - margin)
            end = (begin + size - 1 + margin) * hop
            samples = buffer.read(low * hop, end)
            last = len(samples) < end - low * hop
            yield samples, begin - low, None if last else begin - low + size
            begin += size

    def compute(part: tuple[Samples, int, int | None]) -> Block:
        samples, first, end = part
        return np.ascontiguousarray(session.features(samples)[first:end]).reshape(-1)

    yield from prefetch_map(compute, parts(), session.at_once, session.at_once + 1)


def _rows(blocks: Iterable[Block], size: int) -> Iterator[Block]:
    """Yield the rows of ``size`` values that blocks (n,) of any length hold, some at a time."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        values = np.concatenate([rest, block])
        whole = len(values) // size * size
        yield values[:whole].reshape(-1, size)
        rest = values[whole:]


class _Buffer:
    """A buffer from which the values of a stream are read forwards, by their indices."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self._values = np.zeros(0, dtype=np.float32)
        self._begin = 0

    def read(self, begin: int, end: int) -> Block:
        """Return the values ``begin`` to ``end`` (exclusive; fewer at the stream's end) and forget
        what lies before ``begin``."""
        pieces = [self._values[begin - self._begin :]]
        count = len(pieces[0])
        while count < end - begin and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            count += len(block)
        self._values, self._begin = np.concatenate(pieces), begin
        return self._values[: end - begin]
