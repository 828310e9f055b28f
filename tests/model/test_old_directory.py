"""Graphs cut out of a model compute the outputs of the whole one, and are sound ONNX models."""

import contextlib

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import ModelError
from asr.model.directory import update_model
from asr.model.old_directory import model_of_output
from asr.model.session import AcousticSession


@pytest.fixture(scope="module")
def model(small_model):
    """The graph of the small model."""
    return (small_model / "model.onnx").read_bytes()


def run(model, output):
    """Return an output of a graph for noise of 1.25 s."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    samples = noise(20_000)[None]
    return session.run([output], {"waveforms": samples, "lengths": np.array([19_000])})[0]


@pytest.mark.parametrize("output", ["used_statistics", "frame_lengths", "log_probs"])
def test_same_output(model, output):
    part = model_of_output(model, output)
    np.testing.assert_array_equal(run(part, output), run(model, output))
    graph = onnx.load_from_string(part).graph
    onnx.checker.check_model(onnx.load_from_string(part))
    assert [value.name for value in graph.output] == [output]


def test_what_is_left(model):
    """The cut-out graph keeps the nodes up to the output and all initializers."""
    whole = onnx.load_from_string(model)
    part = onnx.load_from_string(model_of_output(model, "used_statistics"))
    count = len(part.graph.node)
    assert list(part.graph.node) == list(whole.graph.node)[:count]
    assert part.graph.node[-1].output == ["used_statistics"]
    assert list(part.graph.initializer) == list(whole.graph.initializer)
    assert part.opset_import == whole.opset_import and part.ir_version == whole.ir_version


@pytest.mark.parametrize("old", [True, False])
def test_statistics_of_a_session(small_model, tmp_path, old):
    session = AcousticSession(small_model)
    if old:
        update_model(small_model, remove=["statistics.onnx"], output=tmp_path / "old")
        session = AcousticSession(tmp_path / "old")
    samples = noise(20_000)
    whole = session._session.run(
        ["used_statistics"], {"waveforms": samples[None], "lengths": np.array([19_000])}
    )[0][0]
    np.testing.assert_allclose(session.statistics(samples, 19_000), whole, rtol=1e-5)


def test_no_such_output(model):
    with pytest.raises(ModelError, match=r"output 'nothing' \(no node computes it\)"):
        model_of_output(model, "nothing")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_passed_through(data):
    with contextlib.suppress(ModelError):
        model_of_output(data, "x")


@pytest.mark.parametrize("end", [1, 100, 5000])
def test_a_model_cut_short(model, end):
    with pytest.raises(ModelError, match="not an ONNX model"):
        model_of_output(model[:end], "log_probs")
