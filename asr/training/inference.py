"""Recognition in torch, which runs the weights of a model directory on any device."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from asr.audio.read import Samples
from asr.errors import ConfigError
from asr.model.directory import read_model
from asr.model.normalization import Features
from asr.model.session import LogProbs, Session
from asr.training.export import load_weights
from asr.training.model import AcousticModel


class TorchSession(Session):
    """A model directory in torch, on a ``device`` such as ``cuda`` or ``cuda:1``.

    Raises:
        ModelError: the directory is not sound.
        ConfigError: torch has no such device here.
    """

    at_once = 1

    def __init__(self, folder: str | Path, device: str) -> None:
        self.info = read_model(folder)
        network = AcousticModel(
            self.info.features, self.info.encoder, len(self.info.vocabulary)
        ).eval()
        load_weights(folder, network, self.info.vocabulary)
        try:
            self._network = network.to(device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"device {device!r} cannot be used: {reason}; try cpu") from error
        self._device = torch.device(device)

    def features(self, samples: Samples) -> Features:
        with torch.inference_mode():
            lengths = torch.tensor([len(samples)], device=self._device)
            features, _ = self._network.log_mel(self._tensor(samples[None]), lengths)
        result: Features = features[0].cpu().numpy()
        return result

    def _run(
        self, batch: Samples, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        with torch.inference_mode():
            return self._rows(*self._network.encode(self._tensor(batch), self._tensor(lengths)))

    def _run_features(
        self, batch: Features, lengths: npt.NDArray[np.int64]
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        with torch.inference_mode():
            frames = self._network.log_mel.frame_lengths(self._tensor(lengths))
            return self._rows(*self._network.encoder.encode(self._tensor(batch), frames))

    def _rows(
        self, log_probs: torch.Tensor, encodings: torch.Tensor, frames: torch.Tensor
    ) -> tuple[LogProbs, npt.NDArray[np.int64]]:
        rows = torch.cat([log_probs, encodings], dim=2) if self.encodes else log_probs
        return rows.cpu().numpy(), frames.cpu().numpy()

    @property
    def encoding_size(self) -> int:
        """The width E of the encodings."""
        return self._network.encoder.encoding_size

    def _tensor(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)
