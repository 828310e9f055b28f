"""Features are normalised by the stretch around them, whatever the blocks that they come in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.model.config import FeatureConfig
from asr.model.normalization import (
    EPSILON,
    STRETCH_STEPS,
    normalize,
    normalize_stretches,
    step_frames,
    stretch_frames,
)

CONFIG = FeatureConfig(num_mels=3)


def features(frames, seed=1):
    """Return features whose level and range change slowly."""
    draw = np.random.default_rng(seed)
    walk = np.cumsum(draw.normal(size=(frames, 3)), 0)
    return (walk + draw.normal(size=(frames, 3))).astype(np.float32)


def slowly(values):
    """Normalise each step by the stretch around it, as the module says it in words."""
    step, steps = step_frames(CONFIG), len(values) // step_frames(CONFIG)
    result = []
    for number in range(-(-len(values) // step)):
        first, last = number - STRETCH_STEPS // 2, number + STRETCH_STEPS // 2
        if steps <= STRETCH_STEPS and len(values) <= stretch_frames(CONFIG):
            first, last = 0, steps + 1
        elif last > steps:
            first, last = steps - STRETCH_STEPS, steps + 1
        elif first < 0:
            first, last = 0, STRETCH_STEPS
        around = values[first * step : last * step].astype(np.float64)
        part = values[number * step : (number + 1) * step]
        result.append((part - around.mean(0)) / np.sqrt(around.var(0) + EPSILON))
    return np.concatenate(result)


@pytest.mark.parametrize("frames", [1, 24, 25, 1999, 2000, 2001, 2024, 2025, 3000, 3017, 9010])
def test_stretches_equal_a_slow_definition(frames):
    values = features(frames)
    ours = np.concatenate([*normalize_stretches([values], CONFIG)])
    np.testing.assert_allclose(ours, slowly(values), atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 5200), max_size=12))
def test_blocks_change_nothing(cuts):
    values = features(5203)
    whole = np.concatenate([*normalize_stretches([values], CONFIG)])
    parts = np.split(values, sorted(cuts))
    ours = np.concatenate([*normalize_stretches(parts, CONFIG)])
    np.testing.assert_array_equal(ours, whole)


def test_no_features():
    assert list(normalize_stretches([], CONFIG)) == []


def test_silence_is_zero():
    """Constant features, as digital silence has them, become zero."""
    values = np.full((4000, 3), np.log(1e-10), np.float32)
    assert not np.concatenate([*normalize_stretches([values], CONFIG)]).any()


def test_normalize_by_given_statistics():
    values = features(50)
    statistics = np.stack([values.mean(0), values.var(0)])
    ours = normalize(values, statistics)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(ours.std(0), 1, atol=1e-4)
