"""Segments get their readable form."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from asr.recognition.segments import Segment

if TYPE_CHECKING:
    from asr.display.readable import Part, Reader

TOGETHER = 256
"""The fewest words of a recording that are read at once, except for the last ones: many at once
take a third of the time."""

BEHIND = 32
"""The words behind a segment that are known when it is read, except at the end."""


class SegmentReader:
    """Gives the segments of a recording their readable form.

    A segment waits until some words behind it are known, on which its marks depend, and until there
    are many words to be read at once. If the recording is ``live``, no segment waits.

    Args:
        make: makes the reader when there is something to read. It may return None: then segments
            stay as they are, and none waits.
    """

    def __init__(self, make: "Callable[[], Reader | None]", live: bool = False) -> None:
        self._make, self._live = make, live
        self._waiting: list[Segment] = []

    @cached_property
    def _reader(self) -> "Reader | None":
        return self._make()

    def add(self, segments: Iterable[Segment]) -> list[Segment]:
        """Take the next ``segments``, and return those that are read."""
        self._waiting += segments
        if not self._waiting:
            return []
        if self._live or self._reader is None:
            return self.finish()
        count, behind = len(self._waiting), 0
        while count and behind < BEHIND:
            count -= 1
            behind += len(self._waiting[count].words)
        ready = sum(len(segment.words) for segment in self._waiting[:count])
        return self._read(count) if ready >= TOGETHER else []

    def finish(self) -> list[Segment]:
        """Return the segments that are left, behind which nothing is known."""
        return self._read(len(self._waiting))

    def _read(self, count: int) -> list[Segment]:
        """Return the first ``count`` segments that wait with their tokens."""
        segments, self._waiting = self._waiting[:count], self._waiting[count:]
        if not segments or self._reader is None:
            return segments
        tokens = self._reader.read([_part([segment]) for segment in segments], _part(self._waiting))
        return [replace(segment, tokens=own) for segment, own in zip(segments, tokens, strict=True)]


def _part(segments: Sequence[Segment]) -> "Part":
    """Return the words of segments and the pauses after them."""
    words, pauses = list[str](), list[float | None]()
    for segment in segments:
        words += [word.text for word in segment.words]
        pauses += [after.start - word.end for word, after in pairwise(segment.words)]
        pauses.append(segment.pause)
    return words, pauses
