"""Transcripts: the whole text of a recording, or its segments one by one while it is recognised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from asr.audio.meter import Measures
from asr.recognition.segments import Segment, Segmenter, split
from asr.recognition.words import Word


@dataclass(frozen=True)
class Transcript:
    """The text that was recognised in a recording, with its words and their times.

    ``duration`` is that of the recording in seconds, ``model`` the hash of the model's graph.
    ``warnings`` are sentences that a reader of the text should know. ``measures`` describe the
    audio of a recording that was long enough for it; their last digits depend on how it was read,
    so that two transcripts are equal whatever their measures.
    """

    text: str
    words: tuple[Word, ...]
    duration: float
    model: str
    warnings: tuple[str, ...] = ()
    measures: Measures | None = field(default=None, compare=False)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The words, divided where nobody speaks.

        >>> words = Word("go", 0.2, 0.4, 0.9), Word("on", 2.0, 2.3, 0.8)
        >>> [segment.text for segment in Transcript("go on", words, 2.5, "abc").segments]
        ['go', 'on']
        """
        return split(self.words)


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
    """

    def __init__(
        self,
        chunks: Iterator[DecodedChunk],
        finish: Callable[[Sequence[Word], Sequence[Word]], Transcript],
    ) -> None:
        self._chunks, self._finish = chunks, finish
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
            yield from segmenter.add(chunk.words)
            yield from segmenter.advance(chunk.silent_until)
            if chunk.closed:
                yield from segmenter.finish()
        yield from segmenter.finish()
        self.transcript = self._finish(words, best_path)

    def finish(self, progress: Callable[[float], None] = lambda seconds: None) -> Transcript:
        """Recognise the rest of the recording and return the whole transcript.

        ``progress`` is called with :attr:`position` after each segment.
        """
        for _ in self:
            progress(self.position)
        assert self.transcript is not None
        return self.transcript
