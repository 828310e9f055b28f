"""Many recordings at once: read ahead, sorted by length, and computed in batches.

A batch is padded to its longest recording, so recordings of similar length belong together.
Results are in the order of the sources whatever the batches are.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from asr.errors import AsrError
from asr.model.session import LogProbs, Session
from asr.prefetch import prefetch, prefetch_map
from asr.recognition.recordings import LongRecording, Recording, ShortRecording
from asr.recognition.windows import CONTEXT_SECONDS, WINDOW_SECONDS

SHORT_SECONDS = WINDOW_SECONDS + CONTEXT_SECONDS
"""The longest recording that is recognised in one piece."""

BATCH_SECONDS = 80.0
"""Most audio in a batch, padding included: the values of more do not stay in the cache."""

GROUP_SECONDS = 1600.0
"""Audio that is read before it is sorted by length, and"""

GROUP_BATCHES = 8
"""the number of whole batches that this is at most."""

Source = TypeVar("Source")
Result = TypeVar("Result")


def map_recordings(
    sources: Iterable[Source],
    read: Callable[[Source], Recording],
    session: Session,
    batch_size: int,
    short: Callable[[ShortRecording, LogProbs], Result],
    long: Callable[[LongRecording], Result],
) -> Iterator[Result | AsrError]:
    """Yield the result of each source in their order; an unusable one gives its error instead.

    Args:
        read: opens a source. Several are read at once, on threads of their own.
        session: computes the log-probs of short recordings, up to ``batch_size`` in a batch.
        short: makes the result of a short recording and its log-probs (frames, V).
        long: makes the result of a long recording, which is gone through on its own.
    """
    cores = os.cpu_count() or 1

    def compute(batch: list[ShortRecording]) -> list[Result]:
        log_probs = session.log_probs([item.samples for item in batch])
        return [short(*pair) for pair in zip(batch, log_probs, strict=True)]

    recordings = prefetch_map(
        lambda source: _attempt(read, source), sources, max(2, cores), 2 * cores
    )
    for group in prefetch(_groups(recordings, GROUP_BATCHES * batch_size), 1):
        shorts = {i: x for i, x in enumerate(group) if isinstance(x, ShortRecording)}
        lengths = {i: len(item.samples) for i, item in shorts.items()}
        # A few are shared out among the threads.
        size = min(batch_size, -(-len(shorts) // session.at_once))
        batches = divide(lengths, size, BATCH_SECONDS * session.info.sample_rate)
        batches.reverse()  # the shortest come last, so that all threads are busy to the end
        computed = prefetch_map(
            compute,
            ([shorts[i] for i in batch] for batch in batches),
            session.at_once,
            len(batches) + 1,
        )
        results = dict(zip(chain(*batches), chain.from_iterable(computed), strict=True))
        for i, item in enumerate(group):
            if isinstance(item, LongRecording):
                yield _attempt(long, item)
            else:
                yield item if isinstance(item, AsrError) else results[i]


def divide(lengths: dict[int, int], batch_size: int, limit: float) -> list[list[int]]:
    """Divide the keys of ``lengths`` (samples) into batches of similar length.

    A batch has at most ``batch_size`` recordings and, unless it is one alone, at most ``limit``
    samples with its padding.

    >>> divide({0: 90, 1: 10, 2: 80, 3: 10, 4: 300}, batch_size=3, limit=200)
    [[1, 3], [2, 0], [4]]
    """
    batches: list[list[int]] = []
    for index in sorted(lengths, key=lambda i: lengths[i]):
        full = not batches or len(batches[-1]) == batch_size
        if full or (len(batches[-1]) + 1) * lengths[index] > limit:
            batches.append([])
        batches[-1].append(index)
    return batches


def _groups(
    recordings: Iterable[Recording | AsrError], size: int
) -> Iterator[list[Recording | AsrError]]:
    """Yield runs of recordings, each of which is sorted by length as a whole."""
    group, seconds = list[Recording | AsrError](), 0.0
    for item in recordings:
        group.append(item)
        if isinstance(item, ShortRecording):
            seconds += item.meter.duration
        elif isinstance(item, LongRecording):
            seconds += SHORT_SECONDS  # what has been read of it
        if seconds > GROUP_SECONDS or len(group) == size:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _attempt(function: Callable[..., Result], *arguments: Any) -> Result | AsrError:
    try:
        return function(*arguments)
    except AsrError as error:
        return error
