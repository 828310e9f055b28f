"""Audio to transcripts: files or samples, one or many, short or of any length, live or not.

A recording no longer than a window and its context is recognised in one chunk, several of similar
length at once. A longer one is gone through window by window, and cut at its pauses into chunks
that are decoded as they come. Reading, the network and the search each have threads of their own.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from asr.audio.meter import AudioMeter, Measures
from asr.audio.read import Samples
from asr.decoding.bundle import beam_search
from asr.decoding.greedy import greedy
from asr.errors import AsrError, ConfigError
from asr.lm.ngram import MAX_ORDER
from asr.model.directory import ModelInfo, default_model
from asr.model.domain import Domain, read_domain
from asr.model.session import AcousticSession, LogProbs, Session
from asr.prefetch import prefetch, prefetch_map
from asr.recognition.chunks import LIVE_CHUNK_SECONDS, MAX_CHUNK_SECONDS, Chunk, Chunker
from asr.recognition.recordings import (
    AudioInput,
    LiveRecording,
    LongRecording,
    Recording,
    ShortRecording,
    read_recording,
    take_samples,
)
from asr.recognition.segments import Segment, Segmenter, split
from asr.recognition.warnings import domain_warnings
from asr.recognition.windows import CONTEXT_SECONDS, WINDOW_SECONDS, live_log_probs, open_windows
from asr.recognition.words import Word, frame_time, join_words, to_words

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch

BATCH_SIZE = 16
BATCH_SECONDS = 80.0  # of a whole batch, padding included: more does not stay in the cache
GROUP_SECONDS = 1600.0  # of what is read before it is sorted by length, and
GROUP_BATCHES = 8  # how many whole batches that is at most
BLOCKS_AHEAD, WINDOWS_PREFETCHED = 8, 8
SHORT_SECONDS = WINDOW_SECONDS + CONTEXT_SECONDS
DECODERS = ("greedy", "beam")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Transcript:
    """What was recognised: ``duration`` in seconds, ``model`` the hash of the graph, ``warnings``
    that a reader of the text should know, ``measures`` of the recording, if it was long enough;
    these depend, in their last digits, on how it was read."""

    text: str
    words: tuple[Word, ...]
    duration: float
    model: str
    warnings: tuple[str, ...] = ()
    measures: Measures | None = field(default=None, compare=False)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The words, parted where nobody speaks."""
        return split(self.words)


class TranscriptStream:
    """The segments of a recording, each as soon as it closes; ``heard`` is how far it has come (s),
    ``transcript`` the whole, once there are no more."""

    def __init__(
        self,
        parts: "Iterator[Part]",
        finish: Callable[[Sequence[Word], Sequence[Word]], Transcript],
    ) -> None:
        self._parts, self._finish = parts, finish
        self._segments = self._run()
        self.heard = 0.0
        self.transcript: Transcript | None = None

    def __iter__(self) -> Iterator[Segment]:
        return self._segments

    def _run(self) -> Iterator[Segment]:
        segmenter, words, best_path = Segmenter(), list[Word](), list[Word]()
        for part in self._parts:
            self.heard = part.silent_until
            words += part.words
            best_path += part.best_path
            yield from segmenter.add(part.words)
            yield from segmenter.advance(part.silent_until)
        yield from segmenter.finish()
        self.transcript = self._finish(words, best_path)

    def finish(self, heard: Callable[[float], None] = lambda seconds: None) -> Transcript:
        """Go through what is left; ``heard`` is told how far it has come."""
        for _ in self:
            heard(self.heard)
        assert self.transcript is not None
        return self.transcript


@dataclass(frozen=True)
class Part:
    """Words of a recording, the same before a language model or lexicon had a say, and the time (s)
    before which no other begins."""

    words: tuple[Word, ...]
    best_path: tuple[Word, ...]
    silent_until: float


class Transcriber:
    """A loaded model. ``model``: a model directory; without one, that inside the package.

    ``decoder``: ``"greedy"``, or ``"beam"`` with the ``search`` options of
    :func:`asr.decoding.bundle.beam_search`: ``lm``, ``lexicon``, ``hotwords``, ``beam_size``, …
    ``session``: what computes log-probabilities, if not ONNX Runtime on ``threads`` threads
    (0: all cores).

    ``search`` is that beam search, None for greedy decoding; ``domain`` what the model was trained
    on, if its directory says so: transcripts warn of recordings that differ.

    Raises:
        ModelError: the directory is not sound.
        ConfigError: an unknown decoder or option; beam search without its extra installed.
        DataError: a language model, lexicon or hot word that cannot be used.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        threads: int = 0,
        decoder: str = "greedy",
        session: Session | None = None,
        **search: Any,
    ) -> None:
        folder = model or default_model()
        self._session = session or AcousticSession(folder, threads)
        if decoder not in DECODERS:
            raise ConfigError(f"decoder is {decoder!r}, needs one of {DECODERS}")
        if decoder == "greedy" and search:
            raise ConfigError(f"{', '.join(search)}: only for decoder='beam'")
        self.domain: Domain | None = read_domain(folder, self.model)
        self.search: BeamSearch | None = None
        if decoder == "beam":
            self.search = beam_search(folder, self.model, **search)

    @property
    def model(self) -> ModelInfo:
        """The description of the loaded model."""
        return self._session.info

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities (frames, V) of mono ``samples`` (n,) at the model's sample rate."""
        return self._log_probs(take_samples(samples, None, self.model, SHORT_SECONDS))

    def transcribe(
        self, source: AudioInput | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe a file, bytes of a file, ``"-"`` (standard input) or mono samples (n,).

        ``sample_rate`` (Hz) is that of samples; without it they are taken at the model's rate.

        Raises:
            AudioError: not usable as audio.
        """
        return self.stream(source, sample_rate).finish()

    def stream(
        self, source: AudioInput | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> TranscriptStream:
        """As :meth:`transcribe`, but the segments as they close.

        ``"-"`` is live: its segments come as soon as the window that they end in and its context
        have been heard (:data:`asr.recognition.windows.LIVE_WINDOW_SECONDS`), normalised by what
        was heard until then. There, ``sample_rate`` is that of headerless 16-bit samples.

        Raises:
            AudioError: not usable as audio; also while iterating.
        """
        if isinstance(source, np.ndarray):
            return self._stream(take_samples(source, sample_rate, self.model, SHORT_SECONDS))
        return self._stream(read_recording(source, self.model, SHORT_SECONDS, sample_rate))

    def transcribe_many(
        self,
        sources: Sequence[str | Path],
        batch_size: int = BATCH_SIZE,
        raw_rate: int | None = None,
        heard: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[Transcript | AsrError]:
        """Transcripts of ``sources`` in their order; an unusable one gives its error instead.

        ``raw_rate``: see :meth:`stream`. ``heard`` is told how far (s) a long recording has come.
        """
        return self._each(
            sources,
            batch_size,
            raw_rate,
            lambda recording, log_probs: self._short_stream(recording, log_probs).finish(),
            lambda recording: self._stream(recording).finish(heard),
        )

    def log_probs_many(
        self, sources: Sequence[str | Path], batch_size: int = BATCH_SIZE
    ) -> Iterator[LogProbs | AsrError]:
        """As :meth:`transcribe_many`, but the log-probabilities (frames, V), not decoded."""
        return self._each(
            sources, batch_size, None, lambda _, log_probs: log_probs, self._log_probs
        )

    def _log_probs(self, recording: Recording) -> LogProbs:
        if isinstance(recording, ShortRecording):
            return self._session.log_probs([recording.samples])[0]
        return np.concatenate([*self._long_log_probs(recording, None)])

    def _long_log_probs(
        self, recording: LongRecording, meter: AudioMeter | None
    ) -> Iterator[LogProbs]:
        if isinstance(recording, LiveRecording):
            yield from live_log_probs(self._session, recording.open(meter))
            return
        passes = iter((meter, None))  # the second one hears what the first has heard
        windows = open_windows(
            self._session, lambda: prefetch(recording.open(next(passes)), BLOCKS_AHEAD)
        )
        yield from windows.log_probs()

    def _stream(self, recording: Recording) -> TranscriptStream:
        if isinstance(recording, ShortRecording):
            return self._short_stream(recording)
        meter = AudioMeter(self.model.sample_rate, self.model.min_samples)
        log_probs = self._long_log_probs(recording, meter)
        live = isinstance(recording, LiveRecording)
        return self._long_stream(
            log_probs, meter, LIVE_CHUNK_SECONDS if live else MAX_CHUNK_SECONDS
        )

    def _short_stream(
        self, recording: ShortRecording, log_probs: LogProbs | None = None
    ) -> TranscriptStream:
        meter = recording.meter

        def parts() -> Iterator[Part]:
            if not meter.nothing:
                rows = self._log_probs(recording) if log_probs is None else log_probs
                yield self._part(Chunk(0, rows, pause=True, silent_until=len(rows)), meter)

        return TranscriptStream(parts(), partial(self._finish, meter, in_one_piece=True))

    def _long_stream(
        self, log_probs: Iterator[LogProbs], meter: AudioMeter, max_seconds: float
    ) -> TranscriptStream:
        def parts() -> Iterator[Part]:
            history: list[Word] = []
            chunks = _chunks(
                prefetch(log_probs, WINDOWS_PREFETCHED), Chunker(self.model, max_seconds)
            )
            for chunk in chunks:
                part = self._part(chunk, meter, join_words(history))
                if not meter.nothing:
                    yield part
                history = [] if chunk.pause else [*history, *part.words][-MAX_ORDER:]

        return TranscriptStream(parts(), partial(self._finish, meter, in_one_piece=False))

    def _part(self, chunk: Chunk, meter: AudioMeter, history: str = "") -> Part:
        """Decode: ``history`` are the words of the same sentence before this chunk."""
        words: tuple[Word, ...] = ()
        best_path: tuple[Word, ...] = ()
        if len(chunk.log_probs):
            end = frame_time(chunk.first + len(chunk.log_probs), self.model, meter.duration)
            best = greedy(chunk.log_probs, self.model.vocabulary.blank_id)
            words = best_path = to_words(best, self.model, end, chunk.first)
            if self.search is not None:
                stream = self.search.stream(history)
                stream.feed(chunk.log_probs)
                (best,) = stream.n_best(1, sentence_ends=chunk.pause)
                words = to_words(best, self.model, end, chunk.first, "beam")
        silent_until = frame_time(chunk.silent_until, self.model, meter.duration)
        return Part(words, best_path, silent_until + min(0.0, self.model.word_offsets[0]))

    def _finish(
        self,
        meter: AudioMeter,
        words: Sequence[Word],
        best_path: Sequence[Word],
        in_one_piece: bool,
    ) -> Transcript:
        warnings = [*meter.warnings, *meter.nothing]
        if self.domain and meter.measures and not meter.nothing:
            warnings += domain_warnings(self.domain, meter.measures, words, best_path, in_one_piece)
        return Transcript(
            join_words(words),
            tuple(words),
            meter.duration,
            self.model.hash,
            tuple(warnings),
            meter.measures,
        )

    def _each(
        self,
        sources: Iterable[AudioInput],
        batch_size: int,
        raw_rate: int | None,
        short: Callable[[ShortRecording, LogProbs], Result],
        long: Callable[[LongRecording], Result],
    ) -> Iterator[Result | AsrError]:
        cores = os.cpu_count() or 1
        limit = BATCH_SECONDS * self.model.sample_rate

        def read(source: AudioInput) -> Recording | AsrError:
            return _attempt(read_recording, source, self.model, SHORT_SECONDS, raw_rate)

        def compute(batch: list[ShortRecording]) -> list[Result]:
            log_probs = self._session.log_probs([item.samples for item in batch])
            return [short(*pair) for pair in zip(batch, log_probs, strict=True)]

        recordings = prefetch_map(read, sources, max(2, cores), 2 * cores)
        for group in prefetch(_groups(recordings, GROUP_BATCHES * batch_size), 1):
            shorts = {i: x for i, x in enumerate(group) if isinstance(x, ShortRecording)}
            lengths = {i: len(item.samples) for i, item in shorts.items()}
            # A few are shared out among the threads.
            size = min(batch_size, -(-len(shorts) // self._session.at_once))
            batches = _batches(lengths, size, limit)
            computed = prefetch_map(
                compute,
                ([shorts[i] for i in batch] for batch in batches),
                self._session.at_once,
                len(batches) + 1,
            )
            results = dict(zip(chain(*batches), chain.from_iterable(computed), strict=True))
            for i, item in enumerate(group):
                if isinstance(item, LongRecording):
                    yield _attempt(long, item)
                else:
                    yield item if isinstance(item, AsrError) else results[i]


def _attempt(function: Callable[..., Result], *arguments: Any) -> Result | AsrError:
    try:
        return function(*arguments)
    except AsrError as error:
        return error


def _chunks(log_probs: Iterable[LogProbs], chunks: Chunker) -> Iterator[Chunk]:
    for rows in log_probs:
        yield from chunks.feed(rows)
    yield chunks.finish()


def _groups(
    recordings: Iterable[Recording | AsrError], size: int
) -> Iterator[list[Recording | AsrError]]:
    """Recordings that are sorted by length together."""
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


def _batches(lengths: dict[int, int], batch_size: int, limit: float) -> list[list[int]]:
    """Keys in batches of similar length, each at most ``limit`` with its padding."""
    batches: list[list[int]] = []
    for index in sorted(lengths, key=lambda i: lengths[i]):
        full = not batches or len(batches[-1]) == batch_size
        if full or (len(batches[-1]) + 1) * lengths[index] > limit:
            batches.append([])
        batches[-1].append(index)
    return batches
