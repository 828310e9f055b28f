"""Audio to transcripts: files or samples, one or many, in batches of similar length."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from asr.acoustic import AcousticSession, LogProbs
from asr.audio import MAX_RATE, MIN_RATE, Samples, read_audio, resample
from asr.decoding.bundled import beam_search
from asr.decoding.greedy import greedy
from asr.decoding.hypothesis import Hypothesis
from asr.errors import AsrError, AudioError, ConfigError
from asr.modeldir import ModelInfo, default_model
from asr.words import Word, to_words

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch

BATCH_SIZE = 16
BATCH_SECONDS = 400.0  # of a whole batch, padding included: bounds the memory of the network
READ_AHEAD = 8  # batches decoded before they are sorted by length


@dataclass(frozen=True)
class Transcript:
    """What was recognised: ``duration`` in seconds, ``model`` the hash of the graph, ``warnings``
    that a reader of the text should know."""

    text: str
    words: tuple[Word, ...]
    duration: float
    model: str
    warnings: tuple[str, ...] = ()


DECODERS = ("greedy", "beam")
Result = TypeVar("Result")


class Transcriber:
    """A loaded model. ``model``: a model directory; without one, that inside the package.

    ``decoder``: ``"greedy"``, or ``"beam"`` with the ``search`` options of
    :func:`asr.decoding.bundled.beam_search`: ``lm``, ``lexicon``, ``hotwords``, ``beam_size``, …

    ``search`` is that beam search, None for greedy decoding.

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
        **search: Any,
    ) -> None:
        folder = model or default_model()
        self._session = AcousticSession(folder, threads)
        if decoder not in DECODERS:
            raise ConfigError(f"decoder is {decoder!r}, needs one of {DECODERS}")
        if decoder == "greedy" and search:
            raise ConfigError(f"{', '.join(search)}: only for decoder='beam'")
        self.search: BeamSearch | None = None
        self._decode: Callable[[LogProbs], Hypothesis] = partial(
            greedy, blank_id=self.model.vocabulary.blank_id
        )
        if decoder == "beam":
            self.search = self._decode = beam_search(folder, self.model, **search)

    @property
    def model(self) -> ModelInfo:
        """The description of the loaded model."""
        return self._session.info

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities (frames, V) of mono ``samples`` (n,) at the model's sample rate."""
        return self._session.log_probs([samples])[0]

    def transcribe(
        self, source: str | Path | bytes | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe a file, bytes of a file, ``"-"`` (standard input) or mono samples (n,).

        ``sample_rate`` (Hz) is that of samples; without it they are taken at the model's rate.

        Raises:
            AudioError: not usable as audio.
        """
        samples = self._samples(source, sample_rate)
        return self._finish(samples, self.log_probs(samples))

    def transcribe_many(
        self, sources: Sequence[str | Path], batch_size: int = BATCH_SIZE
    ) -> Iterator[Transcript | AsrError]:
        """Transcripts of ``sources`` in their order; an unusable one gives its error instead.

        Files are decoded on threads while the network runs, and batched by length.
        """
        return self._each(sources, batch_size, self._finish)

    def log_probs_many(
        self, sources: Sequence[str | Path], batch_size: int = BATCH_SIZE
    ) -> Iterator[LogProbs | AsrError]:
        """As :meth:`transcribe_many`, but the log-probabilities (frames, V), not decoded."""
        return self._each(sources, batch_size, lambda _, log_probs: log_probs)

    def _each(
        self,
        sources: Sequence[str | Path],
        batch_size: int,
        finish: Callable[[Samples, LogProbs], Result],
    ) -> Iterator[Result | AsrError]:
        readers = ThreadPoolExecutor(max(2, os.cpu_count() or 1))
        # On threads too, so that Ctrl-C is heard while the network runs.
        workers = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            rest, ahead = iter(sources), batch_size * READ_AHEAD
            decoding = [readers.submit(self._try, source) for source in islice(rest, ahead)]
            while decoding:
                decoded = [future.result() for future in decoding]
                decoding = [readers.submit(self._try, source) for source in islice(rest, ahead)]
                results: list[Result | AsrError | None] = [
                    item if isinstance(item, AsrError) else None for item in decoded
                ]
                waves = {i: item for i, item in enumerate(decoded) if isinstance(item, np.ndarray)}
                for batch in _batches(waves, batch_size, BATCH_SECONDS * self.model.sample_rate):
                    samples = [waves[i] for i in batch]
                    log_probs = workers.submit(self._session.log_probs, samples).result()
                    finished = workers.map(finish, samples, log_probs)
                    for index, result in zip(batch, finished, strict=True):
                        results[index] = result
                yield from (item for item in results if item is not None)
        finally:
            for pool in (readers, workers):
                pool.shutdown(wait=False, cancel_futures=True)

    def _try(self, source: str | Path) -> Samples | AsrError:
        try:
            return self._samples(source, None)
        except AsrError as error:
            return error

    def _samples(
        self, source: str | Path | bytes | npt.NDArray[np.floating], sample_rate: int | None
    ) -> Samples:
        rate = self.model.sample_rate
        if not isinstance(source, np.ndarray):
            return read_audio(source, rate).samples
        if source.ndim != 1 or not np.issubdtype(source.dtype, np.floating):
            raise AudioError(
                f"samples need shape (n,) and floats within -1 and 1, got {source.shape} of "
                f"{source.dtype}"
            )
        if sample_rate is not None and not MIN_RATE <= sample_rate <= MAX_RATE:
            raise AudioError(f"sample_rate is {sample_rate}, needs {MIN_RATE} to {MAX_RATE} Hz")
        samples = source.astype(np.float32)
        if not np.isfinite(samples).all():
            index = int(np.argmin(np.isfinite(samples)))
            raise AudioError(f"sample {index} is {samples[index]}; samples must be finite")
        return resample(samples, sample_rate or rate, rate)

    def _finish(self, samples: Samples, log_probs: LogProbs) -> Transcript:
        model = self.model
        duration = len(samples) / model.sample_rate
        warnings: tuple[str, ...] = ()
        shortest = max(model.features.window_length, model.frame_stride)
        if len(samples) < shortest:
            milliseconds = 1000 * shortest / model.sample_rate
            warnings = (f"shorter than one frame of {milliseconds:g} ms: nothing to recognise",)
        elif samples.min() == samples.max():
            warnings = ("no signal: all samples are equal",)
        if warnings:
            return Transcript("", (), duration, model.hash, warnings)
        words = to_words(self._decode(log_probs), model, duration)
        return Transcript(" ".join(word.text for word in words), words, duration, model.hash)


def _batches(waves: dict[int, Samples], batch_size: int, limit: float) -> list[list[int]]:
    """Keys in batches of similar length, each at most ``limit`` samples with its padding."""
    batches: list[list[int]] = []
    for index in sorted(waves, key=lambda i: len(waves[i])):
        full = not batches or len(batches[-1]) == batch_size
        if full or (len(batches[-1]) + 1) * len(waves[index]) > limit:
            batches.append([])
        batches[-1].append(index)
    return batches
