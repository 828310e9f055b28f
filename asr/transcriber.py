"""Audio to transcripts: files or samples, one or many, in batches of similar length."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.acoustic import AcousticSession, LogProbs
from asr.audio import MAX_RATE, MIN_RATE, Samples, read_audio, resample
from asr.decoding.greedy import greedy
from asr.errors import AsrError, AudioError
from asr.modeldir import ModelInfo, default_model
from asr.words import Word, to_words

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


class Transcriber:
    """A loaded model. ``model``: a model directory; without one, that inside the package.

    Raises:
        ModelError: the directory is not sound.
    """

    def __init__(self, model: str | Path | None = None, threads: int = 0) -> None:
        self._session = AcousticSession(model or default_model(), threads)

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
        pool = ThreadPoolExecutor(max(2, os.cpu_count() or 1))
        try:
            rest, ahead = iter(sources), batch_size * READ_AHEAD
            decoding = [pool.submit(self._try, source) for source in islice(rest, ahead)]
            while decoding:
                decoded = [future.result() for future in decoding]
                decoding = [pool.submit(self._try, source) for source in islice(rest, ahead)]
                results: list[Transcript | AsrError | None] = [
                    item if isinstance(item, AsrError) else None for item in decoded
                ]
                waves = {i: item for i, item in enumerate(decoded) if isinstance(item, np.ndarray)}
                for batch in _batches(waves, batch_size, BATCH_SECONDS * self.model.sample_rate):
                    # On a thread, so that Ctrl-C is heard while the network runs.
                    future = pool.submit(self._session.log_probs, [waves[i] for i in batch])
                    for index, log_probs in zip(batch, future.result(), strict=True):
                        results[index] = self._finish(waves[index], log_probs)
                yield from (item for item in results if item is not None)
        finally:
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
        hypothesis = greedy(log_probs, model.vocabulary.blank_id)
        words = to_words(hypothesis, model, duration)
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
