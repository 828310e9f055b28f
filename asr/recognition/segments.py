"""Segments: the words of a recording, divided where nobody speaks, as subtitles show them.

A segment ends at a pause, or before it would get too long. Its borders depend on the words alone,
not on when they arrive, so that a live transcript has the same segments as a finished one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from asr.recognition.words import Word, join_words

if TYPE_CHECKING:
    from asr.display.tokens import Token

PAUSE_SECONDS = 0.8
MAX_SEGMENT_SECONDS = 15.0


@dataclass(frozen=True)
class Segment:
    """A run of consecutive ``words``, at least one.

    ``tokens`` are the readable form of the words, with their places in the segment; there are none
    without a tagger. ``pause`` (s) is the silence behind the last word, as far as it matters, None
    where it is not known.
    """

    words: tuple[Word, ...]
    tokens: "tuple[Token, ...]" = ()
    pause: float | None = field(default=PAUSE_SECONDS, compare=False)

    @property
    def text(self) -> str:
        """The text of the words."""
        return join_words(self.words)

    @property
    def shown(self) -> tuple[Word, ...]:
        """The words as people read them: the tokens with their times, or the words themselves.

        The confidence of a token is the lowest of its words.
        """
        return shown(self.tokens, self.words)

    @property
    def display(self) -> str:
        """The readable form of the text, which is the text itself without a tagger."""
        return join_words(self.shown)

    @property
    def start(self) -> float:
        """The seconds at which the first word starts."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """The seconds at which the last word ends."""
        return self.words[-1].end


class Segmenter:
    """A collector of words that returns segments as soon as they are complete.

    A pause of ``PAUSE_SECONDS`` ends a segment. When a word makes it longer than
    ``MAX_SEGMENT_SECONDS``, the segment is cut at its longest pause (at the last one of equal
    length) among those after half of ``MAX_SEGMENT_SECONDS``, so that none is very short. If there
    is no such pause, that word is very long, and the cut is made before it. The words after the cut
    belong to the next segment. Only a segment of one word can be longer.
    """

    def __init__(self) -> None:
        self._open: list[Word] = []

    def add(self, words: Iterable[Word]) -> list[Segment]:
        """Take the next ``words``, and return the segments that end before or among them."""
        return [segment for word in words for segment in self._add(word)]

    def advance(self, until: float) -> list[Segment]:
        """Note that the next word starts at ``until`` (s) or later, and return the segment that
        this
        ends, if any."""
        if self._open and _seconds(self._open[-1].end, until) >= PAUSE_SECONDS:
            return self.finish()
        return []

    def finish(self, pause: float | None = PAUSE_SECONDS) -> list[Segment]:
        """Return the last segment, if any, once no word follows that belongs to it; the ``pause``
        (s) behind it is None if it is not known."""
        return [self._close(len(self._open), pause)] if self._open else []

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

    def _close(self, count: int, pause: float | None = PAUSE_SECONDS) -> Segment:
        words = tuple(self._open[:count])
        del self._open[:count]
        if self._open:
            pause = _seconds(words[-1].end, self._open[0].start)
        return Segment(words, pause=pause)


def to_word(token: "Token", words: Sequence[Word]) -> Word:
    """Return a token as a word, with the times of the ``words`` that it stands for.

    >>> from asr.display.tokens import Token
    >>> words = Word("forty", 0.0, 0.4, 0.9), Word("two", 0.5, 0.9, 0.8)
    >>> to_word(Token("42", 0, 2), words)
    Word(text='42', start=0.0, end=0.9, confidence=0.8, joined=False)
    """
    own = words[token.first : token.last]
    confidence = min(word.confidence for word in own)
    return Word(token.text, own[0].start, own[-1].end, confidence, own[0].joined)


def shown(tokens: "Sequence[Token]", words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words as people read them: the ``tokens`` with their times, or the ``words``
    themselves where there are no tokens."""
    return tuple(to_word(token, words) for token in tokens) or tuple(words)


def moved(tokens: "Iterable[Token]", count: int) -> "list[Token]":
    """Return tokens whose words stand ``count`` places later.

    >>> from asr.display.tokens import Token
    >>> moved([Token("42", 0, 2)], 3)
    [Token(text='42', first=3, last=5)]
    """
    return [replace(token, first=token.first + count, last=token.last + count) for token in tokens]


def split(words: Iterable[Word], pause: float | None = PAUSE_SECONDS) -> tuple[Segment, ...]:
    """Divide all ``words`` of a recording into segments; behind the last one is a ``pause`` (s).

    >>> [segment.text for segment in split([Word("go", 0, 1, 1.0), Word("on", 2, 3, 1.0)])]
    ['go', 'on']
    """
    segmenter = Segmenter()
    return (*segmenter.add(words), *segmenter.finish(pause))


def _seconds(start: float, end: float) -> float:
    """Return ``end - start`` without the rounding error that makes 5.2 - 4.4 less than 0.8."""
    return round(end - start, 6)
