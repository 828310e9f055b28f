"""Waveforms to log-probabilities through ONNX Runtime, or whatever else runs the same weights."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from asr.audio.read import Samples
from asr.errors import ModelError
from asr.model.directory import GRAPH, ModelInfo, read_model
from asr.model.subgraph import model_of_output

LogProbs = npt.NDArray[np.float32]
Statistics = npt.NDArray[np.float32]
"""Mean and variance (2, num_mels) of the log-mel features of a recording."""
MOST_THREADS = 8


class Session(ABC):
    """A loaded model, described by ``info``; ``at_once``: how many threads may use it at a time to
    good effect."""

    info: ModelInfo
    at_once: int

    def log_probs(
        self, waveforms: Sequence[Samples], statistics: Statistics | None = None
    ) -> list[LogProbs]:
        """Log-probabilities (frames, V) of each waveform (samples,), computed as one batch.

        The result does not depend on what else is in the batch. A waveform without samples has
        no frames. ``statistics``: those of the one recording that all waveforms are windows of;
        without them each waveform is normalised by its own.
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
        """Log-probabilities (B, frames, V) and their frames (B,) of (B, samples), lengths (B,)."""

    @abstractmethod
    def statistics(self, samples: Samples, count: int) -> Statistics:
        """Mean and variance of the features of the first ``count`` > 0 of ``samples`` (n,); what
        stands behind them is heard by the last of these features."""


class AcousticSession(Session):
    """A model directory, loaded and checked, in ONNX Runtime.

    A call computes on one thread: two calls at once take a tenth to a fifth less time than two in
    turn on two threads each. ``threads`` are used at once, 0: one for each core, ``MOST_THREADS``
    at most, as each takes memory for its waveforms.

    Raises:
        ModelError: the directory is not sound, or its graph does not fit its description.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        self.info = read_model(folder)
        self._path = Path(folder) / GRAPH
        self.at_once = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._session = self._load(str(self._path))
        shape = self._session.get_outputs()[0].shape
        if shape[-1] != len(self.info.vocabulary):
            raise ModelError(
                f"{self._path}: gives {shape[-1]} symbols a frame, the field 'vocabulary' of its "
                f"model.json has {len(self.info.vocabulary)}"
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
        (statistics,) = self._features.run(None, feed)
        result: Statistics = statistics[0]
        return result

    @cached_property
    def _features(self) -> Any:
        # The features alone take a tenth of the time of the network.
        return self._load(model_of_output(self._path.read_bytes(), "used_statistics"))

    def _load(self, model: str | bytes) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # for inputs of one shape; memory without it
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ModelError(
                f"{self._path}: not a graph that ONNX Runtime can load ({error})"
            ) from error
