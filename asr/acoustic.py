"""Waveforms to log-probabilities through ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from asr.audio import Samples
from asr.errors import ModelError
from asr.modeldir import GRAPH, ModelInfo, read_model

LogProbs = npt.NDArray[np.float32]


class AcousticSession:
    """A model directory, loaded and checked.

    Raises:
        ModelError: the directory is not sound, or its graph does not fit its description.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        self.info: ModelInfo = read_model(folder)
        path = Path(folder) / GRAPH
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise ModelError(f"{path}: not a graph that ONNX Runtime can load ({error})") from error
        shape = self._session.get_outputs()[0].shape
        if shape[-1] != len(self.info.vocabulary):
            raise ModelError(
                f"{path}: gives {shape[-1]} symbols a frame, the field 'vocabulary' of its "
                f"model.json has {len(self.info.vocabulary)}"
            )

    def log_probs(self, waveforms: Sequence[Samples]) -> list[LogProbs]:
        """Log-probabilities (frames, V) of each waveform (samples,), computed as one batch.

        The result does not depend on what else is in the batch. A waveform without samples has
        no frames.
        """
        lengths = np.array([len(samples) for samples in waveforms], dtype=np.int64)
        filled = np.flatnonzero(lengths).tolist()
        results = [np.zeros((0, len(self.info.vocabulary)), dtype=np.float32)] * len(waveforms)
        if len(filled):
            batch = np.zeros((len(filled), lengths.max()), dtype=np.float32)
            for row, index in zip(batch, filled, strict=True):
                row[: lengths[index]] = waveforms[index]
            log_probs, frames = self._session.run(
                ["log_probs", "frame_lengths"], {"waveforms": batch, "lengths": lengths[filled]}
            )
            for row, length, index in zip(log_probs, frames, filled, strict=True):
                results[index] = row[:length]
        return results
