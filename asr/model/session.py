"""Sessions, which run the network of a model directory: waveforms become log-probabilities.

Recognition runs it in ONNX Runtime (:class:`AcousticSession`); training can run the same weights in
torch, behind the same interface (:class:`Session`).
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.sound import Samples
from asr.errors import ModelError
from asr.model.described_graph import load_graph
from asr.model.directory import ATTENTION, GRAPH, TAGGER, ModelInfo, read_model
from asr.model.normalization import EPSILON, Features, normalize_stretches, stretch_frames
from asr.model.old_weights import Weights, order_weights
from asr.model.parts import ENCODINGS, FEATURES, OUTPUTS, divide
from asr.prefetch import begin

LogProbs = npt.NDArray[np.float32]
MOST_THREADS = 8
"""The most threads that a session uses by default."""


class Session(ABC):
    """The interface of a loaded model.

    ``info`` describes it; ``at_once`` is the number of threads that should use it at the same time.
    """

    info: ModelInfo
    at_once: int
    encodes: bool = False
    """True if the encodings of a frame stand behind its log-probabilities, in the same row."""

    @property
    def encoding_size(self) -> int:
        """The width E of the encodings, 0 if the model gives none."""
        return 0

    @property
    def columns(self) -> int:
        """The columns of a row: V, and E more if the session :attr:`encodes`."""
        return len(self.info.vocabulary) + (self.encoding_size if self.encodes else 0)

    def with_encodings(self) -> "Session":
        """Return a session of the same network that :attr:`encodes`, for a decoder with
        attention; whatever cuts and joins its rows does so with both.

        Raises:
            ModelError: the network gives none.
        """
        if not self.encoding_size:
            raise ModelError(
                f"the network gives no encodings, which a decoder ({ATTENTION}) needs; "
                "get the model directory again"
            )
        other = copy(self)
        other.encodes = True
        return other

    @property
    def windows_at_once(self) -> int:
        """The number of threads that should compute windows of a long recording at the same
        time."""
        return self.at_once

    def log_probs(self, waveforms: Sequence[Samples]) -> list[LogProbs]:
        """Compute the log-probabilities (frames, V), float32, of each waveform (samples,).

        Each is a recording of its own (:mod:`asr.model.normalization`), and computed in a batch
        with others: the result does not depend on them. A waveform without samples has no frames.
        """
        config = self.info.features
        lengths = np.array([len(samples) for samples in waveforms], dtype=np.int64)
        results = [np.zeros((0, self.columns), dtype=np.float32)] * len(waveforms)
        is_long = lengths // config.hop_length + 1 > stretch_frames(config)
        if short := np.flatnonzero(~is_long & (lengths > 0)).tolist():
            batch = _padded([waveforms[index] for index in short])
            log_probs, frames = self._run(batch, lengths[short])
            for row, length, index in zip(log_probs, frames, short, strict=True):
                results[index] = row[:length]
        if long := np.flatnonzero(is_long).tolist():
            parts = ([self.features(waveforms[index])] for index in long)
            features = [np.concatenate([*normalize_stretches(part, config)]) for part in parts]
            for index, row in zip(long, self.log_probs_of_features(features), strict=True):
                results[index] = row
        return results

    def log_probs_of_features(self, features: Sequence[Features]) -> list[LogProbs]:
        """Compute the log-probabilities (frames, V), float32, of features (T, num_mels), T > 0,
        which are normalised."""
        # As many samples as give so many frames.
        lengths = np.array([len(item) - 1 for item in features]) * self.info.features.hop_length
        rows = self._run_features(_padded(features), lengths)
        return [row[:length] for row, length in zip(*rows, strict=True)]

    @abstractmethod
    def features(self, samples: Samples) -> Features:
        """Compute the features (frames, num_mels) of samples (n,), n > 0."""

    @abstractmethod
    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        """Compute log-probabilities (B, frames, V) and numbers of frames (B,) of waveforms
        (B, samples) with lengths (B,), each normalised by the statistics of all of it."""

    @abstractmethod
    def _run_features(
        self, batch: Features, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        """Compute the same of normalised features (B, T, num_mels) of waveforms with lengths
        (B,)."""


def _padded(items: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return arrays (n, …) as one (B, longest n, …), with zeros behind the end of each."""
    batch = np.zeros((len(items), max(map(len, items)), *items[0].shape[1:]), np.float32)
    for row, item in zip(batch, items, strict=True):
        row[: len(item)] = item
    return batch


class AcousticSession(Session):
    """A session in ONNX Runtime, for which a model directory is checked and loaded.

    Its tagger is not read: the network does not need it.

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
        # The files are checked, and old weights put in order, while ONNX Runtime is imported.
        self._path = Path(folder) / GRAPH
        read = begin(lambda: (read_model(folder, unchecked=[TAGGER]), _order_weights(self._path)))
        import onnxruntime

        self.info, ordered = read()
        self.at_once = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._lock = Lock()
        self._graph: bytes | None = None
        weights: Weights = {}
        if ordered:
            self._graph, weights = ordered
        # The sessions use the memory of these values.
        self._weights = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in weights.items()
        }
        self._session = self._load(self._graph or str(self._path), self._weights)
        shape = self._session.get_outputs()[0].shape
        if shape[-1] != len(self.info.vocabulary):
            raise ModelError(
                f"{self._path}: gives {shape[-1]} symbols a frame, the field "
                f"'vocabulary' of its model.json has {len(self.info.vocabulary)}"
            )

    def features(self, samples: Samples) -> Features:
        (features,) = self._parts[0].run([FEATURES], {"waveforms": samples[None]})
        result: Features = features[0]
        return result

    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        return self._rows(self._session, {"waveforms": batch, "lengths": lengths})

    def _run_features(
        self, batch: Features, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        statistics = np.zeros((1, 2, batch.shape[2]), np.float32)
        statistics[:, 1] = 1 - EPSILON  # by which the graph leaves features as they are
        feed = {FEATURES: batch, "lengths": lengths, "statistics": statistics}
        return self._rows(self._parts[1], feed)

    def _rows(self, session: Any, feed: dict[str, Any]) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        if not self.encodes:
            log_probs, frames = session.run(OUTPUTS, feed)
            return log_probs, frames
        log_probs, frames, encodings = session.run([*OUTPUTS, ENCODINGS], feed)
        return np.concatenate([log_probs, encodings], axis=2), frames

    @property
    def encoding_size(self) -> int:
        """The width E of the encodings, 0 if the model gives none."""
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        return int(outputs[ENCODINGS][-1]) if ENCODINGS in outputs else 0

    @property
    def _parts(self) -> tuple[Any, Any]:
        """The graphs of the features and of what follows, which only long recordings need."""
        with self._lock:
            return self._loaded_parts

    @cached_property
    def _loaded_parts(self) -> tuple[Any, Any]:
        features, network = divide(self._graph or _mapped(self._path))
        return self._load(features, {}), self._load(network, self._weights)

    def _load(self, graph: bytes | str, weights: dict[str, Any]) -> Any:
        """Load a graph, or the file of one; ``weights`` are the values that it lacks."""
        try:
            return load_graph(graph, weights)
        except Exception as error:
            raise ModelError(
                f"{self._path}: not a graph that ONNX Runtime can load ({error})"
            ) from error


def _order_weights(path: Path) -> tuple[bytes, Weights] | None:
    """Return what :func:`asr.model.old_weights.order_weights` makes of a file, None if nothing."""
    try:
        return order_weights(_mapped(path))
    except (OSError, IndexError, ValueError, OverflowError):  # ONNX Runtime says what is wrong
        return None


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
