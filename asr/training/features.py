"""Log-mel features by torchaudio, normalised as recognition does it."""

import numpy as np
import torch
import torchaudio
from torch import Tensor, nn

from asr.model.config import FeatureConfig
from asr.model.normalization import EPSILON, normalize_stretches, stretch_frames


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """Return a mask that is true on the frames that exist.

    Shape: lengths (B,) -> (B, frames).
    """
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


class LogMel(nn.Module):
    """Turns waveforms into log-mel energies: the natural logarithm of mel-filtered power spectra.

    Frame k is centred on sample ``k * hop_length``; both ends are padded with zeros. Filters are
    Slaney's (Auditory Toolbox, 1998), of equal area, as librosa has them by default, unless
    ``filters`` (B, n_fft // 2 + 1, num_mels) gives each waveform its own.

    Shape: waveforms (B, samples), zero behind each length; lengths (B,) -> (B, frames, num_mels),
    frame lengths (B,).
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            win_length=config.window_length,
            hop_length=config.hop_length,
            f_min=config.f_min,
            f_max=config.f_max,
            n_mels=config.num_mels,
            power=None,
            pad_mode="constant",
            norm="slaney",
            mel_scale="slaney",
        )

    def forward(
        self, waveforms: Tensor, lengths: Tensor, filters: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        spectrum = self.mel.spectrogram(waveforms)
        powers = spectrum.real.square() + spectrum.imag.square()  # abs() would take 4 times as long
        energies = powers.transpose(1, 2) @ (self.mel.mel_scale.fb if filters is None else filters)
        return energies.clamp(min=self.config.log_floor).log(), self.frame_lengths(lengths)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Return what :meth:`FeatureConfig.num_frames` gives for lengths (B,) > 0, as a tensor."""
        return torch.div(lengths, self.config.hop_length, rounding_mode="floor") + 1


def normalize(features: Tensor, lengths: Tensor, config: FeatureConfig) -> Tensor:
    """Give each feature zero mean and unit variance over the frames that exist, or over the stretch
    around it where there are more (:mod:`asr.model.normalization`); zero elsewhere.

    Shape: (B, frames, num_mels), (B,) -> (B, frames, num_mels).
    """
    mask = frame_mask(lengths, features.shape[1])[..., None]
    count = lengths[:, None, None].to(features.dtype)
    mean = (features * mask).sum(1, keepdim=True) / count
    centred = (features - mean) * mask
    variance = centred.square().sum(1, keepdim=True) / count
    result = centred * torch.rsqrt(variance + EPSILON)
    if features.shape[1] > (longest := stretch_frames(config)):
        for index in torch.nonzero(lengths > longest)[:, 0].tolist():
            rows = features[index, : int(lengths[index])].cpu().numpy()
            stretches = np.concatenate([*normalize_stretches([rows], config)])
            result[index, : len(rows)] = torch.from_numpy(stretches)
    return result
