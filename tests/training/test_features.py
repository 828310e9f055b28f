"""Log-mel features equal those of librosa, and their normalisation leaves padding out."""

import librosa
import numpy as np
import pytest
import torch
from conftest import noise

from asr.model.config import FeatureConfig
from asr.model.normalization import EPSILON, normalize_stretches
from asr.training.features import LogMel, normalize

CONFIGS = [
    FeatureConfig(),
    FeatureConfig(
        sample_rate=8000, window_length=200, hop_length=80, n_fft=256, num_mels=40, f_max=4000.0
    ),
]


def librosa_log_mel(samples, config):
    """Return the log-mel features (frames, mels) of librosa."""
    energies = librosa.feature.melspectrogram(
        y=samples,
        sr=config.sample_rate,
        n_fft=config.n_fft,
        win_length=config.window_length,
        hop_length=config.hop_length,
        n_mels=config.num_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        pad_mode="constant",
        dtype=samples.dtype,
    )
    return np.log(np.maximum(energies, config.log_floor)).T


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("count", [1, 399, 16000, 20001])
def test_log_mel_equals_librosa(config, count):
    samples = noise(count) + 0.2 * np.sin(0.3 * np.arange(count)).astype(np.float32)
    expected = librosa_log_mel(samples, config)
    ours, lengths = LogMel(config)(torch.from_numpy(samples)[None], torch.tensor([count]))
    assert lengths.tolist() == [config.num_frames(count)] == [len(expected)]
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=1e-4)


def test_log_mel_equals_librosa_on_speech(speech):
    """The features of speech equal those of librosa in double precision.

    In single precision the logarithm of near-silence would show the rounding of each.
    """
    samples = speech.astype(np.float64)
    torch.set_default_dtype(torch.float64)
    try:
        features = LogMel(FeatureConfig())
    finally:
        torch.set_default_dtype(torch.float32)
    ours, _ = features(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    expected = librosa_log_mel(samples, FeatureConfig())
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=1e-4)


def test_normalize_is_masked():
    features = torch.randn(2, 10, 3) * 5 + 2
    ours = normalize(features, torch.tensor([10, 4]), FeatureConfig(num_mels=3))
    part = features[1, :4].numpy()
    expected = (part - part.mean(0)) / np.sqrt(part.var(0) + EPSILON)
    np.testing.assert_allclose(ours[1, :4].numpy(), expected, atol=1e-5)
    assert (ours[1, 4:] == 0).all()


def test_long_utterances_are_normalised_as_in_recognition():
    """More than twenty seconds are normalised by stretches, beside others and alone."""
    config = FeatureConfig(num_mels=3)
    features = torch.cumsum(torch.randn(3, 2600, 3), 1)
    ours = normalize(features, torch.tensor([2600, 2000, 2001]), config)
    for index, frames in ((0, 2600), (2, 2001)):
        rows = features[index, :frames].numpy()
        stretches = np.concatenate([*normalize_stretches([rows], config)])
        np.testing.assert_array_equal(ours[index, :frames].numpy(), stretches)
        assert (ours[index, frames:] == 0).all()
    alone = normalize(features[1:2, :2000], torch.tensor([2000]), config)
    np.testing.assert_allclose(ours[1, :2000], alone[0], atol=1e-5)


def test_constant_features_are_finite():
    ours = normalize(torch.full((1, 5, 2), -18.0), torch.tensor([5]), FeatureConfig(num_mels=2))
    assert (ours == 0).all()
