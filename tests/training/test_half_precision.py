"""Weights in half precision: half the bytes, and what torch computes from the rounded weights."""

import numpy as np
import onnx
import pytest
import torch
from conftest import make_info, make_network, noise

from asr.model.directory import GRAPH, write_model
from asr.model.session import AcousticSession
from asr.training.export import build_graph, load_weights, read_weights
from asr.training.inference import TorchSession
from asr.training.onnx_graph import HALVED

LARGE = {"hidden_size": 48, "channels": 8}


@pytest.fixture
def folders(tmp_path):
    """The directories of one network: weights in single and in half precision."""
    info = make_info(**LARGE)
    network = make_network(info)
    for name, half in (("single", False), ("half", True)):
        graph = build_graph(network, info, half).SerializeToString()
        write_model(tmp_path / name, info, {GRAPH: graph})
    return tmp_path / "single", tmp_path / "half"


def test_large_weights_are_rounded_and_small_ones_are_not(folders):
    single, half = map(read_weights, folders)
    assert single.keys() == half.keys()
    for name, value in single.items():
        large = value.numel() >= HALVED or ".cell.weight" in name
        assert half[name].dtype == torch.float32
        expected = value.half().float() if large else value
        torch.testing.assert_close(half[name], expected, rtol=0, atol=0)


def test_the_graph_computes_with_the_rounded_weights_and_single_numbers(folders):
    """The network equals torch with the same weights; short, and long in its two parts."""
    ours, expected = AcousticSession(folders[1]), TorchSession(folders[1], "cpu")
    waveforms = [noise(count) for count in (16000, 15999, 1, 25 * 16000)]
    for a, b in zip(ours.log_probs(waveforms), expected.log_probs(waveforms), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_features_stay_in_single_precision(folders):
    graph = onnx.load(str(folders[1] / GRAPH)).graph
    halves = {item.name for item in graph.initializer if item.data_type == onnx.TensorProto.FLOAT16}
    assert halves and all(name.startswith("encoder.") for name in halves)
    single, half = (folder.joinpath(GRAPH).stat().st_size for folder in folders)
    assert half < single


def test_training_starts_from_it(folders):
    info = make_info(**LARGE)
    network = make_network(info, seed=1)
    load_weights(folders[1], network, info.vocabulary)
    for name, value in read_weights(folders[1]).items():
        own = network.state_dict()[name]
        torch.testing.assert_close(own, value, rtol=0, atol=0)
