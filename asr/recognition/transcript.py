"""Transcripts: the whole text of a recording, or its segments one by one while it is recognised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from asr.audio.meter import Measures
from asr.recognition.segments import Segment, Segmenter, split, to_word
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
        return join_words(to_word(token, self.words) for token in self.tokens) or self.text

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
        tokens, first, divided = list(self.tokens), 0, []
        for segment in segments:
            own = []
            last = first + len(segment.words)
            while tokens and tokens[0].first < last:
                token = tokens.pop(0)
                own.append(replace(token, first=token.first - first, last=token.last - first))
            divided.append(replace(segment, tokens=tuple(own)))
            first = last
        return tuple(divided)


@dataclass(frozen=True)
class DecodedChunk:
    """The words of one chunk of a recording.

    ``best_path`` are the words of greedy decoding, on which no language model or lexicon had an
    influence. No word of a later chunk begins before ``silent_until`` (s). ``closed`` is True if a
    segment ends with the chunk in any case.
    """

    words: tuple[Word, ...]
    best_path: tuple[Word, ...]
    silent_until: float
    closed: bool = False


class TranscriptStream:
    """An iterator over the segments of a recording, each as soon as it is complete.

    ``position`` is the time (s) up to which the recording has been recognised; ``transcript`` is
    the whole transcript once there are no more segments, and None before.

    Args:
        chunks: the decoded chunks of the recording in their order.
        finish: makes the transcript of all words and of those of the best path.
        reader: makes the readable form of the words; None for none.
    """

    def __init__(
        self,
        chunks: Iterator[DecodedChunk],
        finish: Callable[[Sequence[Word], Sequence[Word]], Transcript],
        reader: "Reader | None" = None,
    ) -> None:
        self._chunks, self._finish, self._reader = chunks, finish, reader
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
            yield from map(self._readable, segmenter.add(chunk.words))
            yield from map(self._readable, segmenter.advance(chunk.silent_until))
            if chunk.closed:
                yield from map(self._readable, segmenter.finish())
        yield from map(self._readable, segmenter.finish())
        transcript = self._finish(words, best_path)
        self.transcript = replace(transcript, tokens=tuple(self._tokens))

    def _readable(self, segment: Segment) -> Segment:
        """Return a segment with its tokens, which are collected for the transcript too."""
        if self._reader is None:
            return segment
        words = segment.words
        pauses = [after.start - word.end for word, after in pairwise(words)]
        tokens = self._reader.read([word.text for word in words], [*pauses, segment.pause])
        first = self._read
        self._tokens += [
            replace(token, first=first + token.first, last=first + token.last) for token in tokens
        ]
        self._read += len(words)
        return replace(segment, tokens=tokens)

    def finish(self, progress: Callable[[float], None] = lambda seconds: None) -> Transcript:
        """Recognise the rest of the recording and return the whole transcript.

        ``progress`` is called with :attr:`position` after each segment.
        """
        for _ in self:
            progress(self.position)
        assert self.transcript is not None
        return self.transcript
