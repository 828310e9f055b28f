"""The recurrent cells agree with steps in numpy, written from the equations in their docstrings."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import make_info, make_network
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.training.cells import cell_names, load_cell
from asr.training.cells.base import Cell, torch_weights
from asr.training.export import build_graph
from asr.training.stack import Recurrent


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(x, state, w, u, b, c):
    """Return the next state of a simple recurrent cell, as a tuple."""
    h = np.tanh(w @ x + b + u @ state[0] + c)
    return (h,)


def lstm_step(x, state, w, u, b, c):
    """Return the next output and cell state of an LSTM."""
    h, s = state
    i, f, g, o = np.split(w @ x + b + u @ h + c, 4)
    s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(s), s


def gru_step(x, state, w, u, b, c):
    """Return the next state of a GRU, as a tuple."""
    (h,) = state
    xr, xz, xn = np.split(w @ x + b, 3)
    hr, hz, hn = np.split(u @ h + c, 3)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    return ((1 - z) * n + z * h,)


STEPS = {"rnn": (rnn_step, 1), "lstm": (lstm_step, 2), "gru": (gru_step, 1)}


def run(cell, x, weights, suffix, hidden):
    """Return the outputs (frames, hidden) of a cell in one direction, step by step."""
    step, states = STEPS[cell]
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    w, u, b, c = (weights[name + suffix] for name in names)
    state, outputs = (np.zeros(hidden),) * states, []
    for frame in x:
        state = step(frame, state, w, u, b, c)
        outputs.append(state[0])
    return np.array(outputs)


def by_steps(cell, x, weights, bidirectional, hidden):
    """Return the outputs of one layer, those of both directions side by side if there are two."""
    outputs = [run(cell, x, weights, "", hidden)]
    if bidirectional:
        outputs.append(run(cell, x[::-1], weights, "_reverse", hidden)[::-1])
    return np.concatenate(outputs, axis=1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_torch_equals_the_equations(cell, bidirectional):
    torch.manual_seed(0)
    layer = Recurrent(cell, 5, 4, bidirectional)
    weights = {name: value.detach().numpy() for name, value in layer.cell.named_parameters()}
    x, lengths = torch.randn(3, 7, 5), torch.tensor([7, 3, 1])
    for grad in (True, False):  # training and recognition take different paths
        with torch.set_grad_enabled(grad):
            ours = layer(x, lengths).detach().numpy()
        for row, samples, length in zip(ours, x.numpy(), lengths.tolist(), strict=True):
            expected = by_steps(cell, samples[:length], weights, bidirectional, 4)
            np.testing.assert_allclose(row[:length], expected, atol=1e-5)
            assert (row[length:] == 0).all()


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_onnx_equals_the_equations(cell, bidirectional):
    """One layer of the exported graph gives the outputs of the equations.

    Both get the hidden values that come from the front of the graph.
    """
    info = make_info(cell=cell, bidirectional=bidirectional, layers=1, hidden_size=6)
    network = make_network(info)
    graph = build_graph(network, info)
    node = next(node for node in graph.graph.node if node.op_type == cell.upper())
    for name in (node.input[0], node.output[0]):
        graph.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    samples = np.random.default_rng(0).normal(0, 0.1, (1, 8000)).astype(np.float32)
    x, y = session.run(
        [node.input[0], node.output[0]], {"waveforms": samples, "lengths": np.array([8000])}
    )
    weights = {
        name: value.detach().numpy()
        for name, value in network.encoder.layers[0].cell.named_parameters()
    }
    expected = by_steps(cell, x[:, 0], weights, bidirectional, 6)
    np.testing.assert_allclose(
        np.concatenate(list(y[:, :, 0].swapaxes(0, 1)), 1), expected, atol=1e-5
    )


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_own_layers_and_their_gradients_equal_torch(cell, bidirectional):
    torch.manual_seed(0)
    layer = Recurrent(cell, 12, 7, bidirectional).double()
    x = torch.randn(4, 9, 12, dtype=torch.double, requires_grad=True)
    lengths = torch.tensor([9, 3, 1, 6])
    ours = layer(x, lengths)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(layer.cell(packed)[0], batch_first=True, total_length=9)
    assert_equal_with_gradients(ours, expected, [x, *layer.parameters()])


@pytest.mark.parametrize("cell", cell_names())
def test_unrolled_layers_and_their_gradients_equal_the_steps(cell):
    """A cell computes for whole sequences the same as its steps one by one, gradients included."""
    torch.manual_seed(0)
    definition = load_cell(cell)
    products = torch.randn(5, 2, 3, 7 * definition.gates, dtype=torch.double, requires_grad=True)
    weights = {
        kind: torch.randn(2, *shape, dtype=torch.double, requires_grad=True)
        for kind, shape in definition.shapes(4, 7).items()
        if kind not in ("weight_ih", "bias_ih")
    }
    ours = definition.unroll(products, weights, 7)
    expected = Cell.unroll(definition, products, weights, 7)
    assert_equal_with_gradients(ours, expected, [products, *weights.values()])


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", cell_names())
def test_padded_batches_and_their_gradients_equal_the_steps(cell, directions, monkeypatch):
    """What a cell computes for a padded batch is that of its steps, however many threads there are.

    Training is in float32, for which a cell may be compiled.
    """
    torch.manual_seed(0)
    definition = load_cell(cell)
    gates = 20 * definition.gates
    products = torch.randn(11, 6, directions, gates, requires_grad=True)
    weights = {
        kind: torch.randn(directions, *shape, requires_grad=True)
        for kind, shape in definition.shapes(4, 20).items()
        if kind not in ("weight_ih", "bias_ih")
    }
    inputs, lengths = [products, *weights.values()], torch.randint(1, 7, (11,))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    ours = definition.recur(products, weights, lengths)
    monkeypatch.undo()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert torch.equal(ours, definition.recur(products, weights, lengths))
    double = {kind: weight.double() for kind, weight in weights.items()}
    expected = Cell.recur(definition, products.double(), double, lengths).float()
    assert_equal_with_gradients(ours, expected, inputs, rtol=1e-4, atol=1e-4)


def assert_equal_with_gradients(ours, expected, inputs, **tolerance):
    """Assert that two outputs are equal, and so are the gradients of their inputs."""
    torch.testing.assert_close(ours, expected, **tolerance)
    gradient = torch.randn_like(ours)
    for a, b in zip(
        torch.autograd.grad(ours, inputs, gradient),
        torch.autograd.grad(expected, inputs, gradient),
        strict=True,
    ):
        torch.testing.assert_close(a, b, **tolerance)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_weights_of_operators_need_no_work_when_a_graph_is_loaded(cell):
    """They are stored in ONNX's order, and come back from it as torch has them."""
    info = make_info(cell=cell)
    network = make_network(info)
    graph = build_graph(network, info).graph
    values = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    recurrent = [node for node in graph.node if node.op_type == cell.upper()]
    assert recurrent and all(set(node.input[1:4]) <= values.keys() for node in recurrent)
    restored = {}
    for name, value in values.items():
        restored |= torch_weights(name, value, load_cell(cell).order)
    for name, value in network.encoder.state_dict().items():
        assert np.array_equal(restored[f"encoder.{name}"], value.numpy())


def test_weights_that_older_graphs_hold_are_taken_as_they_are():
    value = np.arange(6.0)
    name = "encoder.layers.0.cell.weight_ih_l0_reverse"
    assert torch_weights(name, value, (1, 0, 2)) == {name: value}
