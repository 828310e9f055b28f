"""Audio to transcripts: files or samples, one or many, short or of any length, live or not.

A recording no longer than a window and its context is recognised as one chunk; many such are
computed in batches. A longer recording is computed window by window, and cut at its pauses into
chunks that are decoded as they come. Reading, the network and the search each have threads of their
own.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from asr.audio.inputs import AudioInput
from asr.audio.meter import AudioMeter
from asr.audio.read import Samples
from asr.audio.shared import share
from asr.config import from_mapping
from asr.decoding.greedy import greedy
from asr.errors import AsrError, ConfigError
from asr.lm.ngram import MAX_ORDER
from asr.model.directory import DECODERS, TAGGER, ModelInfo, check_file, default_model
from asr.model.domain import Domain, read_domain
from asr.model.session import AcousticSession, LogProbs, Session
from asr.prefetch import begin, prefetch, prefetch_groups
from asr.recognition.batches import SHORT_SECONDS, map_recordings
from asr.recognition.chunks import MAX_ATTENDED_SECONDS, MAX_CHUNK_SECONDS, Chunk, Chunker, Cutter
from asr.recognition.live import LiveConfig, LiveTranscription, Partial, Update
from asr.recognition.recordings import (
    LiveRecording,
    LongRecording,
    Recording,
    ShortRecording,
    read_recording,
    take_samples,
)
from asr.recognition.transcript import DecodedChunk, Transcript, TranscriptStream
from asr.recognition.warnings import domain_warnings
from asr.recognition.windows import open_windows
from asr.recognition.words import Word, frame_time, join_words, to_words

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch
    from asr.display.readable import Reader
    from asr.display.tagger import Tagger

T = TypeVar("T")

BATCH_SIZE = 16
"""Short recordings that are computed at once."""

BLOCKS_AHEAD, WINDOWS_AHEAD = 8, 8
"""Blocks of a long recording, and log-probs of its windows, that are made ahead of their use."""

LIVE_BLOCKS_AHEAD = 64
"""Blocks of a live recording that are read ahead, if they have come: half a minute in a pipe."""


class Transcriber:
    """A loaded model that transcribes recordings.

    Args:
        model: a model directory; by default the one inside the package.
        threads: threads of ONNX Runtime; 0 for all cores.
        decoder: ``"greedy"`` or ``"beam"``; by default ``"beam"`` if one of its options is given,
            else the decoder that the model directory names.
        session: computes log-probabilities in place of ONNX Runtime.
        display: true if transcripts have their readable form too, where the model has a tagger.
        search: options of beam search, those of :func:`asr.decoding.bundle.beam_search`: ``lm``,
            ``lexicon``, ``hotwords``, ``attention``, ``beam_size``, …

    Attributes:
        search: the beam search; None for greedy decoding.
        domain: what the model was trained on, if its directory says so. Transcripts warn of
            recordings that differ from it.

    Raises:
        ModelError: the directory is not sound.
        ConfigError: an unknown decoder or option.
        DataError: a language model, lexicon or hot word that cannot be used.

    >>> transcriber = Transcriber()
    >>> transcript = transcriber.transcribe("samples/flite-slt-spelled-name.wav")
    >>> transcript.text, transcript.words[0].text, transcript.warnings
    ('p e t e r s o n', 'p', ())
    """

    def __init__(
        self,
        model: str | Path | None = None,
        threads: int = 0,
        decoder: str | None = None,
        session: Session | None = None,
        display: bool = True,
        **search: Any,
    ) -> None:
        folder = model or default_model()
        self._session = session or AcousticSession(folder, threads)
        if decoder is None:
            decoder = "beam" if search else self.model.decoder
        if decoder not in DECODERS:
            raise ConfigError(f"decoder is {decoder!r}, needs one of {DECODERS}")
        if decoder == "greedy" and search:
            raise ConfigError(f"{', '.join(search)}: only for decoder='beam'")
        self.domain: Domain | None = read_domain(folder, self.model)
        self._load_tagger: Callable[[], Tagger | None] = lambda: None
        if display and TAGGER in self.model.files:
            # It is loaded while the first recording is read and its log-probs are computed.
            self._load_tagger = begin(functools.partial(_load_tagger, folder, self.model))
        self.search: BeamSearch | None = None
        if decoder == "beam":
            from asr.decoding.bundle import beam_search  # greedy decoding starts without it

            self.search = beam_search(folder, self.model, **search)
            if self.search.attention:
                self._session = self._session.with_encodings()

    def using(self, session: Session, search: "BeamSearch | None") -> "Transcriber":
        """Return a transcriber of the same model with another session, and with another search or,
        for None, greedy decoding."""
        other = copy(self)
        other._session, other.search = session, search
        return other

    @property
    def session(self) -> Session:
        """The session, which computes log-probabilities."""
        return self._session

    @property
    def model(self) -> ModelInfo:
        """The description of the loaded model."""
        return self._session.info

    @property
    def decoder(self) -> str:
        """The name of the decoder, ``"greedy"`` or ``"beam"``."""
        return "greedy" if self.search is None else "beam"

    @functools.cached_property
    def tagger(self) -> "Tagger | None":
        """The tagger of the readable form; None without one, or without ``display``.

        It is loaded in the background: what is wrong with it shows here, or in the first transcript
        that needs it.

        Raises:
            ModelError: its file is damaged.
            DataError: this version cannot read it.
        """
        return self._load_tagger()

    def log_probs(self, samples: Samples) -> LogProbs:
        """Return the log-probabilities (frames, V) of mono ``samples`` (n,) at the model's rate.

        Raises:
            AudioError: samples of another shape or type, or one that is not finite.
        """
        return self._without_encodings(
            self._log_probs(take_samples(samples, None, self.model, SHORT_SECONDS))
        )

    def _without_encodings(self, rows: LogProbs) -> LogProbs:
        return rows[:, : len(self.model.vocabulary)]

    def transcribe(
        self, source: AudioInput | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe one recording.

        Args:
            source: the path of a file, the bytes of a file, ``"-"`` (standard input), or mono
                samples (n,) as floats within -1 and 1.
            sample_rate: that of samples in Hz; by default they are at the model's rate.

        Raises:
            AudioError: the source is not usable as audio.
        """
        return self.stream(source, sample_rate).finish()

    def stream(
        self,
        source: AudioInput | npt.NDArray[np.floating] | Recording,
        sample_rate: int | None = None,
        partial: Callable[[Partial], None] = lambda partial: None,
        **live: Any,
    ) -> TranscriptStream:
        """Transcribe one recording segment by segment, each as soon as it is complete.

        ``"-"`` and named pipes are live: segments are the finals of :meth:`live`.

        Args:
            source: as in :meth:`transcribe`.
            sample_rate: that of samples in Hz; with ``"-"``, that of headerless 16-bit samples.
            partial: is called with the words since the last segment, if the source is live.
            live: options of :meth:`live`.

        Raises:
            AudioError: the source is not usable as audio, which may show while iterating.
            ConfigError: an option is unknown or out of range.
        """
        config = from_mapping(LiveConfig, live, "live")
        if isinstance(source, Recording):
            return self._stream(source, config, partial)
        if isinstance(source, np.ndarray):
            return self._stream(take_samples(source, sample_rate, self.model, SHORT_SECONDS))
        recording = read_recording(source, self.model, SHORT_SECONDS, sample_rate)
        return self._stream(recording, config, partial)

    def live(self, **options: Any) -> LiveTranscription:
        """Start the transcription of a stream whose samples are given while it goes on.

        Final words have their readable form if the model has a tagger, unless the transcriber was
        made with ``display=False``.

        Args:
            options: those of :class:`asr.recognition.live.LiveConfig`: ``endpoint_seconds``,
                ``max_seconds``, ``step_seconds``.

        Raises:
            ConfigError: an option is unknown or out of range.

        >>> live = Transcriber().live(endpoint_seconds=0.5)
        >>> live.hear(np.zeros(16000, np.float32))
        >>> live.step(), live.finish(), live.duration
        ([], [], 1.0)
        """
        config = from_mapping(LiveConfig, options, "live")
        meter = AudioMeter(self.model.sample_rate, self.model.min_samples)
        return LiveTranscription(
            self._session, self._decode, config, meter, self.domain, self._reader
        )

    def transcribe_batch(self, recordings: Sequence[ShortRecording]) -> list[Transcript]:
        """Return the transcripts of recordings that were read already, computed in one batch."""
        log_probs = self._session.log_probs([recording.samples for recording in recordings])
        return [
            self._short_stream(recording, rows).finish()
            for recording, rows in zip(recordings, log_probs, strict=True)
        ]

    def transcribe_many(
        self,
        sources: Sequence[AudioInput],
        batch_size: int = BATCH_SIZE,
        raw_rate: int | None = None,
        progress: Callable[[float], None] = lambda seconds: None,
        **live: Any,
    ) -> Iterator[Transcript | AsrError]:
        """Yield the transcripts of ``sources`` in their order; an unusable one gives its error.

        Args:
            batch_size: short recordings that are computed at once.
            raw_rate: the rate (Hz) of headerless 16-bit samples on standard input.
            progress: is called with the time (s) up to which a long recording is recognised.
            live: options of :meth:`live`, for standard input and named pipes.

        Raises:
            ConfigError: an option is unknown or out of range.
        """
        config = from_mapping(LiveConfig, live, "live")
        return self._map(
            share(sources),
            functools.partial(self._read, raw_rate=raw_rate),
            batch_size,
            progress,
            config,
        )

    def transcribe_read(
        self,
        items: Iterable[T],
        read: Callable[[T], Recording],
        batch_size: int = BATCH_SIZE,
        progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[Transcript | AsrError]:
        """Yield the transcripts of what ``read`` opens of each item, as :meth:`transcribe_many`.

        Args:
            items: anything that stands for a recording.
            read: opens the recording of an item, on one of several threads
                (:func:`asr.recognition.recordings.read_recording`); what it raises as an error of
                this package is the result of the item.
            batch_size: short recordings that are computed at once.
            progress: is called with the time (s) up to which a long recording is recognised.
        """
        return self._map(items, read, batch_size, progress, LiveConfig())

    def _map(
        self,
        items: Iterable[T],
        read: Callable[[T], Recording],
        batch_size: int,
        progress: Callable[[float], None],
        config: LiveConfig,
    ) -> Iterator[Transcript | AsrError]:
        return map_recordings(
            items,
            read,
            self._session,
            batch_size,
            lambda recording, log_probs: self._short_stream(recording, log_probs).finish(),
            lambda recording: self._stream(recording, config).finish(progress),
        )

    def log_probs_many(
        self, sources: Sequence[AudioInput], batch_size: int = BATCH_SIZE
    ) -> Iterator[LogProbs | AsrError]:
        """Yield the log-probabilities (frames, V) of ``sources`` in their order, not decoded.

        An unusable source gives its error instead.
        """
        for rows in self.rows_many(sources, batch_size):
            yield rows if isinstance(rows, AsrError) else self._without_encodings(rows)

    def rows_many(
        self, sources: Sequence[AudioInput], batch_size: int = BATCH_SIZE
    ) -> Iterator[LogProbs | AsrError]:
        """Yield the rows of ``sources`` as :meth:`log_probs_many` does, with the encodings of the
        frames behind their log-probabilities if the session gives these."""
        return map_recordings(
            share(sources),
            self._read,
            self._session,
            batch_size,
            lambda _, rows: rows,
            self._log_probs,
        )

    def _read(self, source: AudioInput, raw_rate: int | None = None) -> Recording:
        return read_recording(source, self.model, SHORT_SECONDS, raw_rate)

    def _stream(
        self,
        recording: Recording,
        config: LiveConfig | None = None,
        partial: Callable[[Partial], None] = lambda partial: None,
    ) -> TranscriptStream:
        if isinstance(recording, ShortRecording):
            return self._short_stream(recording)
        meter = AudioMeter(self.model.sample_rate, self.model.min_samples)
        if isinstance(recording, LiveRecording):
            chunks = self._live_chunks(recording, meter, config or LiveConfig(), partial)
        else:
            chunks = self._long_chunks(recording, meter)
        finish = functools.partial(self._finish, meter, in_one_piece=False)
        live = isinstance(recording, LiveRecording)
        return TranscriptStream(chunks, finish, self._reader, live)

    def _short_stream(
        self, recording: ShortRecording, log_probs: LogProbs | None = None
    ) -> TranscriptStream:
        meter = recording.meter

        def chunks() -> Iterator[DecodedChunk]:
            if not meter.nothing:
                rows = self._log_probs(recording) if log_probs is None else log_probs
                yield self._decode(
                    Chunk(0, rows, pause=True, silent_until=len(rows)), meter.duration
                )

        finish = functools.partial(self._finish, meter, in_one_piece=True)
        return TranscriptStream(chunks(), finish, self._reader)

    def _reader(self) -> "Reader | None":
        if self.tagger is None:
            return None
        from asr.display.readable import Reader

        return Reader(self.tagger)

    def _live_chunks(
        self,
        recording: LiveRecording,
        meter: AudioMeter,
        config: LiveConfig,
        partial: Callable[[Partial], None],
    ) -> Iterator[DecodedChunk]:
        """Yield what becomes final of a live recording; ``partial`` is told what is not yet."""
        made = list[DecodedChunk]()

        def decode(chunk: Chunk, duration: float, history: str) -> DecodedChunk:
            made.append(self._decode(chunk, duration, history))
            return made[-1]

        def told(updates: list[Update]) -> Iterator[DecodedChunk]:
            spoken = iter([chunk for chunk in made if chunk.words])
            made.clear()
            for update in updates:
                if isinstance(update, Partial):
                    partial(update)
                elif not meter.nothing:
                    yield replace(next(spoken), closed=True)

        live = LiveTranscription(self._session, decode, config)
        for blocks in prefetch_groups(recording.open(meter), LIVE_BLOCKS_AHEAD):
            for block in blocks:
                live.hear(block)
            yield from told(live.step())
        yield from told(live.finish())

    def _long_chunks(self, recording: LongRecording, meter: AudioMeter) -> Iterator[DecodedChunk]:
        log_probs = prefetch(self._long_log_probs(recording, meter), WINDOWS_AHEAD)
        history: list[Word] = []
        longest = MAX_ATTENDED_SECONDS if self._attends else MAX_CHUNK_SECONDS
        cutter = Cutter(self.model, max_seconds=longest)
        for chunk in Chunker(cutter, self._session.columns).cut(log_probs):
            decoded = self._decode(chunk, meter.duration, join_words(history))
            if not meter.nothing:
                yield decoded
            history = [] if chunk.pause else [*history, *decoded.words][-MAX_ORDER:]

    def _log_probs(self, recording: Recording) -> LogProbs:
        if isinstance(recording, ShortRecording):
            return self._session.log_probs([recording.samples])[0]
        if isinstance(recording, LiveRecording):  # two passes need its samples
            samples = np.concatenate([np.zeros(0, np.float32), *recording.open(None)])
            return self._log_probs(take_samples(samples, None, self.model, SHORT_SECONDS))
        return np.concatenate([*self._long_log_probs(recording, None)])

    def _long_log_probs(
        self, recording: LongRecording, meter: AudioMeter | None
    ) -> Iterator[LogProbs]:
        meters = iter((meter, None))  # a second pass reads what the first has measured
        windows = open_windows(
            self._session, lambda: prefetch(recording.open(next(meters)), BLOCKS_AHEAD)
        )
        yield from windows.log_probs()

    def _decode(self, chunk: Chunk, duration: float, history: str = "") -> DecodedChunk:
        """Decode a chunk of a recording of ``duration`` seconds; ``history`` are the words of the
        same sentence before it."""
        words: tuple[Word, ...] = ()
        best_path: tuple[Word, ...] = ()
        if len(chunk.log_probs):
            end = frame_time(chunk.first + len(chunk.log_probs), self.model, duration)
            log_probs = self._without_encodings(chunk.log_probs)
            best = greedy(log_probs, self.model.vocabulary.blank_id)
            words = best_path = to_words(best, self.model, end, chunk.first)
            if self.search is not None:
                stream = self.search.stream(history)
                stream.feed(log_probs, chunk.log_probs[:, log_probs.shape[1] :])
                (best,) = stream.n_best(1, sentence_ends=chunk.pause)
                words = to_words(best, self.model, end, chunk.first, self._calibrator)
        silent_until = frame_time(chunk.silent_until, self.model, duration)
        silent_until += min(0.0, self.model.word_offsets[0])
        return DecodedChunk(words, best_path, silent_until, pause=chunk.pause)

    @property
    def _calibrator(self) -> str:
        """The name of the calibrator for the words of the search."""
        fitted = self._attends and "attention" in self.model.calibrators
        return "attention" if fitted else "beam"

    @property
    def _attends(self) -> bool:
        """True if a decoder with attention scores the texts of the search."""
        return self.search is not None and self.search.attention is not None

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


def _load_tagger(folder: str | Path, info: ModelInfo) -> "Tagger":
    """Check and load the tagger of a model directory."""
    from asr.display.tagger import read_tagger  # models without one start without it

    check_file(folder, info, TAGGER)
    return read_tagger(Path(folder) / TAGGER)
