"""A cell that is added as one file is trained, exported and recognised with like the others."""

import sys

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from conftest import ROOT, make_network, noise

from asr.data.manifest import Utterance, write_manifest
from asr.errors import ConfigError
from asr.model.config import EncoderConfig
from asr.model.directory import read_model
from asr.recognition.transcriber import Transcriber
from asr.training import cells
from asr.training.config import AugmentConfig, Config, DataConfig, TrainingConfig
from asr.training.fit import fit
from asr.training.inference import TorchSession
from asr.training.lm.config import NetworkConfig
from asr.training.lm.data import Texts
from asr.training.lm.export import to_onnx
from asr.training.lm.model import RecurrentLmModel
from asr.training.stack import Recurrent

MGU = '''
"""The minimal gated unit (Zhou et al. 2016), its gate after the product, as in our GRU.

With input x_t, state h_t, logistic σ and elementwise product ⊙:

    f = σ(W_f x_t + b_f + U_f h_{t-1} + c_f)
    n = tanh(W_n x_t + b_n + f ⊙ (U_n h_{t-1} + c_n))
    h_t = (1 - f) ⊙ h_{t-1} + f ⊙ n
"""

import torch

from asr.training.cells.base import Cell, recurrent_product


class MGU(Cell):
    """The minimal gated unit."""

    gates = 2

    def step(self, product, states, weights):
        (state,) = states
        forget, new = product.chunk(2, dim=-1)
        to_forget, to_new = recurrent_product(state, weights).chunk(2, dim=-1)
        forget = torch.sigmoid(forget + to_forget)
        return (torch.lerp(state, torch.tanh(new + forget * to_new), forget),)

    def step_nodes(self, graph, product, states, weights):
        (state,) = states
        matrix = graph.add("Transpose", weights["weight_hh"], perm=[1, 0])
        recurrent = graph.add("Add", graph.add("MatMul", state, matrix), weights["bias_hh"])
        forget, new = graph.add_many("Split", 2, product, axis=1)
        to_forget, to_new = graph.add_many("Split", 2, recurrent, axis=1)
        forget = graph.add("Sigmoid", graph.add("Add", forget, to_forget))
        new = graph.add("Tanh", graph.add("Add", new, graph.add("Mul", forget, to_new)))
        change = graph.add("Mul", forget, graph.add("Sub", new, state))
        return [graph.add("Add", state, change)]


CELL = MGU()
'''


@pytest.fixture
def mgu(tmp_path, monkeypatch):
    """The name of a new cell, whose one file stands where the package finds it."""
    folder = tmp_path / "cells"
    folder.mkdir()
    (folder / "mgu.py").write_text(MGU)
    monkeypatch.setattr(cells, "__path__", [*cells.__path__, str(folder)])
    yield "mgu"
    sys.modules.pop("asr.training.cells.mgu", None)
    vars(cells).pop("mgu", None)


def test_a_cell_in_one_file_is_trained_exported_and_recognised_with(mgu, tmp_path):
    items = []
    for sample in sorted((ROOT / "samples").glob("*.wav"))[:8]:
        text = sample.with_suffix(".txt").read_text().strip()
        items.append(Utterance(sample, soundfile.info(sample).duration, text, sample.stem))
    write_manifest(tmp_path / "eight.jsonl", items)
    manifests = (str(tmp_path / "eight.jsonl"),)
    config = Config(
        data=DataConfig(manifests, manifests, max_duration=6.0, cache=str(tmp_path / "cache")),
        encoder=EncoderConfig(cell=mgu, layers=2, hidden_size=16, channels=4),
        augment=AugmentConfig(speeds=(1.0,)),
        training=TrainingConfig(epochs=1, batch_seconds=12.0, accelerator="cpu"),
    )
    model = fit(config, folder=tmp_path / "run")
    transcriber, network = Transcriber(model), TorchSession(model, "cpu")
    assert transcriber.model.encoder.cell == "mgu"
    assert isinstance(transcriber.transcribe(items[0].audio).text, str)
    waveforms = [noise(count, seed=count) for count in (16000, 700, 41237)]
    for samples, torchs in zip(waveforms, network.log_probs(waveforms), strict=True):
        ours = transcriber.log_probs(samples)
        assert ours.shape == torchs.shape
        np.testing.assert_allclose(ours, torchs, atol=1e-4)
    again = fit(
        Config(
            name="again",
            data=config.data,
            encoder=config.encoder,
            training=TrainingConfig(epochs=1, accelerator="cpu", init_from=str(model)),
        ),
        folder=tmp_path / "again",
    )
    assert read_model(again).encoder.cell == "mgu"


@pytest.mark.parametrize("bidirectional", [True, False])
def test_padding_changes_nothing(mgu, bidirectional):
    torch.manual_seed(0)
    layer = Recurrent(mgu, 5, 4, bidirectional)
    x, lengths = torch.randn(3, 7, 5), torch.tensor([7, 3, 1])
    outputs = layer(x, lengths)
    for row, samples, length in zip(outputs, x, lengths.tolist(), strict=True):
        (alone,) = layer(samples[None, :length], torch.tensor([length]))
        torch.testing.assert_close(row[:length], alone)
        assert (row[length:] == 0).all()


def test_a_language_model_of_the_cell_goes_on_from_its_states(mgu):
    config = NetworkConfig(cell=mgu, layers=2, hidden_size=8)
    torch.manual_seed(0)
    model = RecurrentLmModel(config, 5).eval()
    graph = to_onnx(model, config, Texts("word", tuple("abcde"), [], []), {})
    session = onnxruntime.InferenceSession(graph)
    tokens, lengths = np.array([[1, 2, 3, 4], [2, 4, 0, 0]]), np.array([4, 2])
    first = np.zeros((2, 2, 8), np.float32)
    whole, ends = session.run(
        ["log_probs", "next_states"], {"tokens": tokens, "lengths": lengths, "states": first}
    )
    with torch.no_grad():
        expected = model(torch.tensor(tokens), torch.tensor(lengths)).log_softmax(-1).numpy()
    for row, torchs, length in zip(whole, expected, lengths, strict=True):
        np.testing.assert_allclose(row[:length], torchs[:length], atol=1e-5)
    states = first
    for place in range(2):  # both texts go on word by word
        values = {"tokens": tokens[:, place : place + 1], "lengths": np.array([1, 1])}
        step, states = session.run(["log_probs", "next_states"], values | {"states": states})
        np.testing.assert_allclose(step[:, 0], whole[:, place], atol=1e-5)
    np.testing.assert_allclose(states[:, 1], ends[:, 1], atol=1e-5)


def test_a_cell_that_is_not_there_and_one_that_is_none(mgu, tmp_path):
    """A cell that no file defines is refused, and so is a file that defines no cell."""
    with pytest.raises(ConfigError, match=r"needs one of \('gru', 'lstm', 'mgu', 'rnn'\)"):
        NetworkConfig(cell="gmu")
    (tmp_path / "cells" / "empty.py").write_text("")
    with pytest.raises(ConfigError, match="defines no CELL"):
        cells.load_cell("empty")


def test_recognition_needs_no_cell(mgu, tmp_path, monkeypatch):
    """A model recognises without the file of its cell, since its graph says what to compute."""
    from conftest import make_info, write_network

    info = make_info(cell=mgu)
    write_network(tmp_path / "model", make_network(info), info)
    monkeypatch.setattr(cells, "__path__", cells.__path__[:1])
    sys.modules.pop("asr.training.cells.mgu", None)
    assert Transcriber(tmp_path / "model").log_probs(noise(16000)).shape[1] == 29
    with pytest.raises(ConfigError, match="the cell is 'mgu', needs one of"):
        TorchSession(tmp_path / "model", "cpu")
