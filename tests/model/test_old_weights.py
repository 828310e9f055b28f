"""Graphs whose weights are put in order before they are loaded compute what they did."""

import contextlib

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT, noise
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from asr.model.old_weights import order_weights
from asr.model.session import AcousticSession

OLD = ROOT / "asr/models/default"  # its graph holds the weights as torch does


def run(model, feed, weights=None):
    """Return the outputs of a serialised graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if weights is not None:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def small_graph(*nodes, outputs=("y",)):
    """Return a graph of ``nodes`` with an input x (2), a weight w (2, 2) and axes (1)."""
    initializers = [
        numpy_helper.from_array(np.arange(4, dtype=np.float32).reshape(2, 2), "w"),
        numpy_helper.from_array(np.array([0]), "axes"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def test_an_old_model_gives_the_same_bits():
    model = (OLD / "model.onnx").read_bytes()
    samples = noise(20_000)
    log_probs, *_ = run(model, {"waveforms": samples[None], "lengths": np.array([len(samples)])})
    np.testing.assert_array_equal(AcousticSession(OLD).log_probs([samples])[0], log_probs[0])


def test_what_is_left_of_an_old_model():
    ordered, weights = order_weights((OLD / "model.onnx").read_bytes())
    operators = [node.op_type for node in onnx.load_from_string(ordered).graph.node]
    assert "Split" not in operators and operators.count("GRU") == 3
    assert len(ordered) < 2_000_000 and len(weights) == 9
    assert all(value.flags.owndata and value.flags.aligned for value in weights.values())


def test_a_new_model_stays(small_model):
    assert order_weights((small_model / "model.onnx").read_bytes()) is None


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_operators_and_axes(axis):
    model = small_graph(
        helper.make_node("Split", ["w"], ["a", "b"], axis=axis),
        helper.make_node("Concat", ["b", "a"], ["c"], axis=axis),
        helper.make_node("Unsqueeze", ["c", "axes"], ["d"]),
        helper.make_node("Add", ["x", "d"], ["y"]),
    )
    ordered, weights = order_weights(model)
    assert list(weights) == ["d"]
    feed = {"x": np.array([1, 2], np.float32)}
    np.testing.assert_array_equal(run(ordered, feed, weights)[0], run(model, feed)[0])


def test_an_output_that_is_a_weight_and_one_that_is_used_twice():
    model = small_graph(
        helper.make_node("Concat", ["w", "w"], ["c"], axis=1),
        helper.make_node("Unsqueeze", ["w", "axes"], ["d"]),
        helper.make_node("Add", ["x", "w"], ["e"]),
        helper.make_node("Add", ["e", "d"], ["y"]),
        outputs=("y", "c"),
    )
    ordered, weights = order_weights(model)
    assert set(weights) == {"c", "d"}
    feed = {"x": np.array([1, 2], np.float32)}
    for ours, expected in zip(run(ordered, feed, weights), run(model, feed), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_a_graph_in_a_node_may_use_any_value():
    body = helper.make_graph([], "body", [], [])
    node = helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body)
    concat = helper.make_node("Concat", ["w", "w"], ["c"], axis=0)
    assert order_weights(small_graph(concat, node)) is None


@given(st.data())
def test_damaged_models(data):
    model = bytearray(small_graph(helper.make_node("Concat", ["w", "w"], ["y"], axis=0)))
    for _ in range(data.draw(st.integers(1, 4))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(IndexError, ValueError, OverflowError):
        order_weights(bytes(model[: data.draw(st.integers(0, len(model)))]))
