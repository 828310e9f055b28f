"""Sessions, which run the network of a model directory: waveforms become log-probabilities.

Recognition runs it in ONNX Runtime (:class:`AcousticSession`); training can run the same weights in
torch, behind the same interface (:class:`Session`).
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property, partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples
from asr.errors import ModelError
from asr.model.directory import GRAPH, STATISTICS_GRAPH, ModelInfo, read_model
from asr.model.old_directory import model_of_output
from asr.model.old_weights import Weights, order_weights
from asr.prefetch import begin

LogProbs = npt.NDArray[np.float32]
Statistics = npt.NDArray[np.float32]
"""Mean and variance (2, num_mels) of the log-mel features of a recording."""
MOST_THREADS = 8
"""The most threads that a session uses by default."""


class Session(ABC):
    """The interface of a loaded model.

    ``info`` describes it; ``at_once`` is the number of threads that should use it at the same time.
    """

    info: ModelInfo
    at_once: int

    def log_probs(
        self, waveforms: Sequence[Samples], statistics: Statistics | None = None
    ) -> list[LogProbs]:
        """Compute the log-probabilities (frames, V), float32, of each waveform (samples,) in one
        batch.

        The result does not depend on the other waveforms of the batch. A waveform without samples
        has no frames. If all waveforms are windows of one recording, ``statistics`` are those of
        the recording; without them each waveform is normalised by its own.
        """
        lengths = np.array([len(samples) for samples in waveforms], dtype=np.int64)
        filled = np.flatnonzero(lengths).tolist()
        results = [np.zeros((0, len(self.info.vocabulary)), dtype=np.float32)] * len(waveforms)
        if len(filled):
            batch = np.zeros((len(filled), lengths.max()), dtype=np.float32)
            for row, index in zip(batch, filled, strict=True):
                row[: lengths[index]] = waveforms[index]
            log_probs, frames = self._run(batch, lengths[filled], statistics)
            for row, length, index in zip(log_probs, frames, filled, strict=True):
                results[index] = row[:length]
        return results

    @abstractmethod
    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64], statistics: Statistics | None
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        """Compute log-probabilities (B, frames, V) and numbers of frames (B,) of waveforms
        (B, samples) with lengths (B,)."""

    @abstractmethod
    def statistics(self, samples: Samples, count: int) -> Statistics:
        """Compute mean and variance of the features of the first ``count`` > 0 of ``samples`` (n,).

        The window of the last frame reaches into the samples that follow these.
        """


class AcousticSession(Session):
    """A session in ONNX Runtime, for which a model directory is checked and loaded.

    Each call computes on one thread: two calls at once take a tenth to a fifth less time than two
    in turn on two threads each. ``threads`` is the number of calls to make at once; 0 stands for
    one on each core, but at most ``MOST_THREADS``, since each needs memory for its waveforms.

    >>> import numpy as np
    >>> from asr.model.directory import default_model
    >>> session = AcousticSession(default_model())
    >>> (log_probs,) = session.log_probs([np.zeros(16000, np.float32)])
    >>> log_probs.shape == (session.info.num_frames(16000), len(session.info.vocabulary))
    True

    Raises:
        ModelError: the directory is not sound, or its graph does not fit its description.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        # The hashes of the files are computed while ONNX Runtime is imported.
        read = begin(partial(read_model, folder))
        import onnxruntime  # noqa: F401

        self.info = read()
        self._folder = Path(folder)
        self.at_once = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._session = self._load(GRAPH)
        shape = self._session.get_outputs()[0].shape
        if shape[-1] != len(self.info.vocabulary):
            raise ModelError(
                f"{self._folder / GRAPH}: gives {shape[-1]} symbols a frame, the field "
                f"'vocabulary' of its model.json has {len(self.info.vocabulary)}"
            )

    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64], statistics: Statistics | None
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        feed = {"waveforms": batch, "lengths": lengths}
        if statistics is not None:
            feed["statistics"] = statistics[None]
        log_probs, frames = self._session.run(["log_probs", "frame_lengths"], feed)
        return log_probs, frames

    def statistics(self, samples: Samples, count: int) -> Statistics:
        feed = {"waveforms": samples[None], "lengths": np.array([count])}
        (statistics,) = self._statistics.run(None, feed)
        result: Statistics = statistics[0]
        return result

    @cached_property
    def _statistics(self) -> Any:
        """The graph of the features alone, which takes a tenth of the time of the network."""
        if STATISTICS_GRAPH in self.info.files:
            return self._load(STATISTICS_GRAPH)
        whole = (self._folder / GRAPH).read_bytes()
        return self._load(GRAPH, model_of_output(whole, "used_statistics"))

    def _load(self, name: str, content: bytes | None = None) -> Any:
        """Load a graph of the directory, or ``content``, which was made from it."""
        import onnxruntime

        path = self._folder / name
        model: str | bytes = content or str(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # it helps only inputs of one shape, and takes memory
        options.log_severity_level = 3
        if content is None and (ordered := _order_weights(path)):
            model, weights = ordered
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
            options.add_external_initializers(list(weights), values)
            self._weights = values  # the session uses their memory
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ModelError(f"{path}: not a graph that ONNX Runtime can load ({error})") from error


def _order_weights(path: Path) -> tuple[bytes, Weights] | None:
    """Return what :func:`asr.model.old_weights.order_weights` makes of a file, None if nothing."""
    try:
        with path.open("rb") as file:
            return order_weights(memoryview(mmap(file.fileno(), 0, access=ACCESS_READ)))
    except (OSError, IndexError, ValueError, OverflowError):  # ONNX Runtime says what is wrong
        return None
