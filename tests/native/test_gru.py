"""The compiled recurrence of the GRU agrees with numpy, and its gradients with differences."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from asr.native import library
from asr.native.structures import Gru

CPU = Path("/proc/cpuinfo")
FLAGS = set(CPU.read_text().split()) if CPU.exists() else set()
LEVELS = {"any": (0, set()), "avx2": (1, {"avx2", "fma"}), "avx512": (2, {"avx512f"})}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def equations(products, weight, bias, lengths):
    """Return the states (B, T, D, H) of each sequence and direction alone, zero behind its end."""
    states = np.zeros((*products.shape[:3], weight.shape[2]))
    for b, length in enumerate(lengths):
        for d in range(products.shape[2]):
            h = np.zeros(weight.shape[2])
            for t in range(length)[:: -1 if d else 1]:
                xr, xz, xn = np.split(products[b, t, d].astype(float), 3)
                hr, hz, hn = np.split(weight[d].astype(float) @ h + bias[d], 3)
                z, n = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
                h = states[b, t, d] = (1 - z) * n + z * h
    return states


@pytest.fixture(params=[name for name, (_, needed) in LEVELS.items() if needed <= FLAGS])
def level(request):
    """The number of a set of instructions that this processor has."""
    return LEVELS[request.param][0]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("batch", "hidden"), [(1, 1), (3, 7), (19, 16), (6, 33)])
def test_states_and_gradients(level, batch, hidden, directions):
    frames, gates = 9, 3 * hidden
    rng = np.random.default_rng(hidden)
    shape = (batch, frames, directions)
    lengths = rng.integers(1, frames + 1, batch)
    arrays = {
        "lengths": lengths,
        "weight": rng.normal(0, 0.5, (directions, gates, hidden)),
        "bias": rng.normal(size=(directions, gates)),
        "products": rng.normal(0, 2, (*shape, gates)),
        "gates": np.full((*shape, gates), np.nan),
        "candidates": np.full((*shape, hidden), np.nan),
        "states": np.full((*shape, hidden), np.nan),
        "states_gradient": rng.normal(size=(*shape, hidden)),
        "products_gradient": np.full((*shape, gates), np.nan),
        "candidates_gradient": np.full((*shape, hidden), np.nan),
    }
    for name in arrays.keys() - {"lengths"}:
        arrays[name] = arrays[name].astype(np.float32)
    layer = Gru(frames, directions, hidden, **{k: a.ctypes.data for k, a in arrays.items()})
    for function in (library.gru_forward, library.gru_backward):
        for direction in range(directions):
            for first, last in ((0, batch // 2), (batch // 2, batch)):  # as two threads do
                assert function(ctypes.byref(layer), level, direction, first, last)
    inputs = [arrays[name] for name in ("products", "weight", "bias")]
    expected = equations(*inputs, lengths)
    np.testing.assert_allclose(arrays["states"], expected, atol=2e-6)

    def loss(products):
        states = equations(products, *inputs[1:], lengths)
        return (arrays["states_gradient"] * states).sum()

    change = rng.normal(0, 1e-5, (*shape, gates))
    change[rng.random(change.shape) < 0.9] = 0
    products = inputs[0].astype(float)
    difference = (loss(products + change) - loss(products - change)) / 2
    behind = np.arange(frames) >= lengths[:, None]
    assert not arrays["products_gradient"][behind].any()
    assert not arrays["candidates_gradient"][behind].any()
    assert (arrays["products_gradient"] * change).sum() == pytest.approx(difference, rel=1e-4)
    new, to_new = (arrays["products_gradient"][..., 2 * hidden :], arrays["candidates_gradient"])
    reset = np.where(behind[..., None, None], 0, arrays["gates"][..., :hidden])
    np.testing.assert_allclose(to_new, new * reset, rtol=1e-5)


def test_large_values_are_bounded(level):
    """Sums far from zero give 0, 1 or -1, and nothing that is not finite."""
    products = np.float32([[[[-500, 500, 80]]], [[[500, -500, -1e6]]]])
    gates, states, candidates = np.empty_like(products), *np.empty((2, 2, 1, 1, 1), np.float32)
    weight, bias, lengths = (
        np.zeros((1, 3, 1), np.float32),
        np.zeros(3, np.float32),
        np.ones(2, int),
    )
    arrays = {
        "lengths": lengths, "weight": weight, "bias": bias, "products": products, "gates": gates,
        "candidates": candidates, "states": states,
    }  # fmt: skip
    layer = Gru(1, 1, 1, **{name: array.ctypes.data for name, array in arrays.items()})
    assert library.gru_forward(ctypes.byref(layer), level, 0, 0, 2)
    np.testing.assert_allclose(gates[:, 0, 0], [[0, 1, 1], [1, 0, -1]], atol=1e-30)
    np.testing.assert_allclose(states[:, 0, 0, 0], [0, -1], atol=1e-6)
