"""The parts of a graph compute together what the whole computes, and are sound ONNX models."""

import contextlib

import numpy as np
import onnx
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import ModelError
from asr.model.directory import default_model
from asr.model.normalization import normalize
from asr.model.parts import divide
from asr.model.session import AcousticSession


@pytest.fixture(scope="module", params=["new", "in the package"])
def folder(request, small_model):
    """A new model directory, and one whose weights are put in order when it is loaded."""
    return small_model if request.param == "new" else default_model()


def test_parts_compute_what_the_whole_computes(folder):
    session = AcousticSession(folder)
    waveforms = [noise(n, seed=n) for n in (40_000, 16_000, 400)]
    for samples in waveforms:
        features = session.features(samples)
        assert features.shape == (session.info.features.num_frames(len(samples)), 80)
    expected = session.log_probs(waveforms)
    features = []
    for samples in waveforms:
        values = session.features(samples).astype(np.float64)
        statistics = np.stack([values.mean(0), values.var(0)])
        features.append(normalize(values, statistics))
    for rows, same in zip(session.log_probs_of_features(features), expected, strict=True):
        assert len(rows) == len(same)
        np.testing.assert_allclose(rows, same, atol=1e-4)


def test_parts_are_sound_and_no_larger_than_the_whole(folder):
    data = (folder / "model.onnx").read_bytes()
    features, network = (onnx.load_from_string(part) for part in divide(data))
    for part, inputs, outputs in (
        (features, {"waveforms"}, ["features"]),
        (network, {"features", "lengths", "statistics"}, ["log_probs", "frame_lengths"]),
    ):
        onnx.checker.check_model(part)
        assert {value.name for value in part.graph.input} == inputs
        assert [value.name for value in part.graph.output] == outputs
    whole = onnx.load_from_string(data)
    assert features.opset_import == whole.opset_import and features.ir_version == whole.ir_version
    names = [item.name for part in (features, network) for item in part.graph.initializer]
    assert {item.name for item in whole.graph.initializer} == {*names}
    assert names.count("features.dft") == names.count("encoder.output.weight") == 1


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data):
    with contextlib.suppress(ModelError):
        divide(data)


@pytest.mark.parametrize("end", [1, 100, 5000])
def test_a_model_cut_short(small_model, end):
    with pytest.raises(ModelError, match="not an ONNX model from waveforms to log-probs"):
        divide((small_model / "model.onnx").read_bytes()[:end])
