"""Transcripts: the whole text of a recording, or its segments one by one while it is recognised."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from asr.audio.meter import Measures
from asr.recognition.reading import SegmentReader
from asr.recognition.segments import (
    PAUSE_SECONDS,
    Segment,
    Segmenter,
    moved,
    shown,
    split,
)
from asr.recognition.words import Word, join_words

if TYPE_CHECKING:
    from asr.display.readable import Reader
    from asr.display.tokens import Token


@dataclass(frozen=True)
class Transcript:
    """The text that was recognised in a recording, with its words and their times.

    ``duration`` is that of the recording in seconds, ``model`` the hash of the model's graph.
    ``warnings`` are sentences that a reader of the text should know. ``measures`` describe the
    audio of a recording that was long enough for it; their last digits depend on how it was read,
    so that two transcripts are equal whatever their measures.

    ``tokens`` are the readable form of the words: each stands for the words ``first`` to ``last``
    (exclusive). There are none if the model has no tagger, or was loaded with ``display=False``.
    """

    text: str
    words: tuple[Word, ...]
    duration: float
    model: str
    warnings: tuple[str, ...] = ()
    measures: Measures | None = field(default=None, compare=False)
    tokens: "tuple[Token, ...]" = ()

    @property
    def display(self) -> str:
        """The readable form of the text, which is the text itself without tokens.

        >>> from asr.display.tokens import Token
        >>> words = Word("go", 0.2, 0.4, 0.9), Word("on", 0.5, 0.9, 0.8)
        >>> tokens = Token("Go", 0, 1), Token("on.", 1, 2)
        >>> Transcript("go on", words, 2.5, "abc", tokens=tokens).display
        'Go on.'
        """
        return join_words(shown(self.tokens, self.words)) if self.tokens else self.text

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The words, divided where nobody speaks.

        >>> words = Word("go", 0.2, 0.4, 0.9), Word("on", 2.0, 2.3, 0.8)
        >>> [segment.text for segment in Transcript("go on", words, 2.5, "abc").segments]
        ['go', 'on']
        """
        segments = split(self.words)
        if not self.tokens:
            return segments
        tokens, first, divided = deque(self.tokens), 0, []
        for segment in segments:
            own = []
            last = first + len(segment.words)
            while tokens and tokens[0].first < last:
                token = tokens.popleft()
                if token.last > last:  # segments of a live recording may have other borders
                    token, rest = _divide(token, last, self.words)
                    tokens.appendleft(rest)
                own.append(token)
            divided.append(replace(segment, tokens=tuple(moved(own, -first))))
            first = last
        return tuple(divided)


def _divide(token: "Token", place: int, words: Sequence[Word]) -> "tuple[Token, Token]":
    """Divide a token before the word at ``place`` into the words that were recognised."""
    first, last = (
        join_words(words[begin:end]) for begin, end in ((token.first, place), (place, token.last))
    )
    return replace(token, text=first, last=place), replace(token, text=last, first=place)


@dataclass(frozen=True)
class DecodedChunk:
    """The words of one chunk of a recording.

    ``best_path`` are the words of greedy decoding, on which no language model or lexicon had an
    influence. No word of a later chunk begins before ``silent_until`` (s). ``closed`` is True if a
    segment ends with the chunk in any case, and ``pause`` is False if it was cut where nobody
    paused.
    """

    words: tuple[Word, ...]
    best_path: tuple[Word, ...]
    silent_until: float
    closed: bool = False
    pause: bool = True


class TranscriptStream:
    """An iterator over the segments of a recording, each as soon as it is complete.

    ``position`` is the time (s) up to which the recording has been recognised; ``transcript`` is
    the whole transcript once there are no more segments, and None before.

    Args:
        chunks: the decoded chunks of the recording in their order.
        finish: makes the transcript of all words and of those of the best path.
        reader: makes the reader of their readable form when the first words are there; None for
            none.
        live: true if a segment is read as soon as it is complete, though nothing is known of what
            follows; else segments wait for some words behind them.
    """

    def __init__(
        self,
        chunks: Iterator[DecodedChunk],
        finish: Callable[[Sequence[Word], Sequence[Word]], Transcript],
        reader: "Callable[[], Reader | None]" = lambda: None,
        live: bool = False,
    ) -> None:
        self._chunks, self._finish = chunks, finish
        self._reader = SegmentReader(reader, live)
        self._tokens: list[Token] = []
        self._read = 0
        self._segments = self._run()
        self.position = 0.0
        self.transcript: Transcript | None = None

    def __iter__(self) -> Iterator[Segment]:
        return self._segments

    def _run(self) -> Iterator[Segment]:
        segmenter, words, best_path = Segmenter(), list[Word](), list[Word]()
        for chunk in self._chunks:
            self.position = chunk.silent_until
            words += chunk.words
            best_path += chunk.best_path
            segments = [*segmenter.add(chunk.words), *segmenter.advance(chunk.silent_until)]
            if chunk.closed:
                segments += segmenter.finish(PAUSE_SECONDS if chunk.pause else None)
            yield from map(self._collect, self._reader.add(segments))
        yield from map(self._collect, self._reader.add(segmenter.finish()))
        yield from map(self._collect, self._reader.finish())
        transcript = self._finish(words, best_path)
        self.transcript = replace(transcript, tokens=tuple(self._tokens))

    def _collect(self, segment: Segment) -> Segment:
        """Keep the tokens of the next segment for the transcript; return the segment."""
        self._tokens += moved(segment.tokens, self._read)
        self._read += len(segment.words)
        return segment

    def finish(self, progress: Callable[[float], None] = lambda seconds: None) -> Transcript:
        """Recognise the rest of the recording and return the whole transcript.

        ``progress`` is called with :attr:`position` after each segment.
        """
        for _ in self:
            progress(self.position)
        assert self.transcript is not None
        return self.transcript
