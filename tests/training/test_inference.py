"""A model gives in torch the outputs that it gives in ONNX Runtime."""

import numpy as np
import pytest
import torch
from conftest import noise

from asr.errors import ConfigError
from asr.model.session import AcousticSession
from asr.recognition.windows import open_windows
from asr.training.inference import TorchSession

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()


@pytest.mark.parametrize("device", DEVICES)
def test_log_probs_and_features_are_those_of_onnx_runtime(small_model, device):
    ours, expected = TorchSession(small_model, device), AcousticSession(small_model)
    waveforms = [noise(n) for n in (16000, 0, 7777, 400)]
    for a, b in zip(ours.log_probs(waveforms), expected.log_probs(waveforms), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    samples = noise(16000)
    for count in (16000, 12001, 1):
        a, b = (session.features(samples[:count]) for session in (ours, expected))
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("device", DEVICES)
def test_windows_of_a_long_recording(small_model, device):
    samples = noise(16000 * 5)
    ours, expected = (
        np.concatenate([*open_windows(session, lambda: iter([samples]), 1, 0.5).log_probs()])
        for session in (TorchSession(small_model, device), AcousticSession(small_model))
    )
    np.testing.assert_allclose(ours, expected, atol=1e-3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there(small_model):
    """A device that this machine lacks is refused."""
    with pytest.raises(ConfigError, match="'cuda' cannot be used"):
        TorchSession(small_model, "cuda")


def test_a_device_that_does_not_exist(small_model):
    """The name of a device that torch does not know is refused."""
    with pytest.raises(ConfigError, match="'tpu' cannot be used"):
        TorchSession(small_model, "tpu")
