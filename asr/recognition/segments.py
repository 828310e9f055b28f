"""Segments: the words of a recording, divided where nobody speaks, as subtitles show them.

A segment ends at a pause, or else where it would get too long. That depends on the words alone, not
on how they arrive, so a live transcript has the segments of a finished one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from asr.recognition.words import Word, join_words

PAUSE_SECONDS = 0.8
MAX_SEGMENT_SECONDS = 15.0


@dataclass(frozen=True)
class Segment:
    """Consecutive ``words``, at least one."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The text of its words."""
        return join_words(self.words)

    @property
    def start(self) -> float:
        """Seconds at which the first word starts."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds at which the last word ends."""
        return self.words[-1].end


class Segmenter:
    """Collects words in their order and hands out segments as soon as they are complete.

    A pause of ``PAUSE_SECONDS`` ends a segment. A word with which it would last longer than
    ``MAX_SEGMENT_SECONDS`` has it cut at its longest pause, the last of equal ones, among those
    behind half of ``MAX_SEGMENT_SECONDS``: no stub comes off. Where there is none, that word is
    very long, and the cut is before it. What stands behind the cut stays open. Only a single word
    can last longer.
    """

    def __init__(self) -> None:
        self._open: list[Word] = []

    def add(self, words: Iterable[Word]) -> list[Segment]:
        """Take the next ``words``; returns the segments that end before them or within."""
        return [segment for word in words for segment in self._add(word)]

    def advance(self, until: float) -> list[Segment]:
        """Know that the next word starts at ``until`` (s) or later; returns the segment, if any,
        that has ended because of that."""
        if self._open and _seconds(self._open[-1].end, until) >= PAUSE_SECONDS:
            return self.finish()
        return []

    def finish(self) -> list[Segment]:
        """Return the last segment, if any, once no word follows."""
        return [self._close(len(self._open))] if self._open else []

    def _add(self, word: Word) -> list[Segment]:
        closed = self.advance(word.start)
        self._open.append(word)
        while len(self._open) > 1 and _seconds(self._open[0].start, word.end) > MAX_SEGMENT_SECONDS:
            closed.append(self._close(self._cut()))
        return closed

    def _cut(self) -> int:
        """Return the number of open words before the best pause."""
        words, last = self._open, len(self._open) - 1
        half = MAX_SEGMENT_SECONDS / 2
        late = [n for n in range(1, last) if _seconds(words[0].start, words[n - 1].end) >= half]
        return max([*late, last], key=lambda n: (_seconds(words[n - 1].end, words[n].start), n))

    def _close(self, count: int) -> Segment:
        segment = Segment(tuple(self._open[:count]))
        del self._open[:count]
        return segment


def split(words: Iterable[Word]) -> tuple[Segment, ...]:
    """The segments of all ``words`` of a recording."""
    segmenter = Segmenter()
    return (*segmenter.add(words), *segmenter.finish())


def _seconds(start: float, end: float) -> float:
    """Return ``end - start`` without the rounding error that makes 5.2 - 4.4 less than 0.8."""
    return round(end - start, 6)
