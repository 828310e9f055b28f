"""The upper layers of a pyramid join pairs of frames, in torch as in ONNX Runtime."""

import numpy as np
import pytest
import torch
from conftest import make_info, make_network, noise, write_network

from asr.errors import ConfigError
from asr.model.config import EncoderConfig
from asr.model.session import AcousticSession
from asr.training.config import Config, TrainingConfig
from asr.training.export import load_weights
from asr.training.inference import TorchSession
from asr.training.pyramid import PairStack

PYRAMID = {"layers": 4, "pyramid": 2, "top_size": 12}
COUNTS = [16000, 15999, 15360, 14720, 640, 1]


@pytest.mark.parametrize(
    "changes",
    [{}, {"top_size": 0}, {"cell": "lstm"}, {"bidirectional": False}, {"padding": 1, "layers": 3}],
)
def test_the_exported_graph_gives_what_torch_gives(tmp_path, changes):
    info = make_info(**PYRAMID | changes)
    write_network(tmp_path / "model", make_network(info), info)
    ours, expected = AcousticSession(tmp_path / "model"), TorchSession(tmp_path / "model", "cpu")
    waveforms = [noise(count) for count in COUNTS]
    for a, b in zip(ours.log_probs(waveforms), expected.log_probs(waveforms), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_weights_are_read_back(tmp_path):
    info = make_info(**PYRAMID)
    network, other = make_network(info), make_network(info, seed=1)
    write_network(tmp_path / "model", network, info)
    load_weights(tmp_path / "model", other, info.vocabulary)
    for name, value in network.encoder.state_dict().items():
        torch.testing.assert_close(other.encoder.state_dict()[name], value, rtol=0, atol=0)


def test_an_utterance_gives_the_same_in_every_batch():
    network = make_network(make_info(**PYRAMID))
    with torch.no_grad():
        for count in COUNTS:
            alone, frames = network(torch.from_numpy(noise(count))[None], torch.tensor([count]))
            batch = torch.zeros(2, 16000)
            batch[0, :count], batch[1] = torch.from_numpy(noise(count)), torch.ones(16000)
            both, lengths = network(batch, torch.tensor([count, 16000]))
            assert lengths[0] == frames
            torch.testing.assert_close(both[0, :frames], alone[0], rtol=0, atol=1e-5)


def test_a_step_sees_two_frames_and_gives_the_outputs_of_both():
    """The layers see pairs of frames, and a frame of zeros beyond the last one.

    The even rows are the first half of what each pair gives, the odd rows the second.
    """
    torch.manual_seed(0)
    stack = PairStack(EncoderConfig(layers=3, pyramid=1, hidden_size=5), 4, 7).eval()
    x, lengths = torch.randn(2, 5, 4), torch.tensor([5, 2])
    logits = stack(x, lengths)
    for row, frames, length in zip(logits, x, lengths.tolist(), strict=True):
        padded = torch.cat([frames[:length], torch.zeros(length % 2, 4)])
        pairs = torch.cat([padded[0::2], padded[1::2]], dim=1)
        first = stack.norms[0](stack.layers[0](pairs[None], torch.tensor([len(pairs)])))
        second = first + stack.norms[1](stack.layers[1](first, torch.tensor([len(pairs)])))
        even, odd = stack.output(second[0]).chunk(2, dim=1)
        torch.testing.assert_close(row[0:length:2], even)
        torch.testing.assert_close(row[1:length:2], odd[: length // 2])


def test_options_that_do_not_fit_each_other():
    with pytest.raises(ConfigError, match=r"encoder.pyramid is 3, needs fewer than encoder.layers"):
        EncoderConfig(pyramid=3)
    with pytest.raises(ConfigError, match=r"encoder.top_size is 9, which needs encoder.pyramid"):
        EncoderConfig(top_size=9)
    with pytest.raises(ConfigError, match=r"intermediate is 0.3, which needs encoder.pyramid"):
        Config(training=TrainingConfig(intermediate=0.3))
