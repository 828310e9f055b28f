"""Tests of the study of the cells: its runs, and the reach of gradients that are known."""

import miniatures
import numpy as np
import pytest
import torch
from conftest import ROOT
from torch import nn

from asr.training.config import load_config

gradients = miniatures.load("cells", "gradients")
study = miniatures.load("cells", "study")
BASE = load_config(ROOT / "recipes/cells/config.toml")


def test_every_cell_and_direction_is_trained_at_both_sizes_with_every_seed():
    runs = study.study(BASE)
    assert len({run.name for run in runs}) == len(runs)
    clipped = [run for run in runs if run.clipped]
    shapes = {(run.cell, run.bidirectional, run.seed) for run in clipped}
    assert len(shapes) == 3 * 2 * len(study.SEEDS)
    target = study.parameters(BASE)
    for shape in shapes:
        runs_of = [run for run in clipped if (run.cell, run.bidirectional, run.seed) == shape]
        configs = [load_config(ROOT / "recipes/cells/config.toml", run.settings) for run in runs_of]
        assert any(config.encoder.hidden_size == BASE.encoder.hidden_size for config in configs)
        assert any(abs(study.parameters(config) / target - 1) < 0.01 for config in configs)
    assert [run.cell for run in runs if not run.clipped] == ["rnn", "lstm", "gru"]


def test_the_configuration_is_one_of_the_runs():
    assert BASE.name in {run.folder.name for run in study.study(BASE)}


def test_parameters_are_those_of_the_model():
    (run,) = [run for run in study.study(BASE) if run.folder.name == BASE.name]
    network = gradients.network_of(run, BASE)
    assert study.parameters(BASE) == sum(weight.numel() for weight in network.parameters())


def test_reach_of_a_linear_recurrence():
    """Without input, the derivative of an Elman step at zero is its weight matrix.

    Here the matrix is a rotation times 0.9, so that the norm falls by 0.9 with each frame.
    """
    step = nn.RNNCell(3, 8)
    for weight in step.parameters():
        nn.init.zeros_(weight)
    step.weight_hh.data = 0.9 * torch.linalg.qr(torch.randn(8, 8))[0]
    norms = gradients.lags(step, torch.zeros(2, 6, 3))
    assert norms.shape == (2, 6)
    np.testing.assert_allclose(norms[:, 1:] / norms[:, 1:2], [0.9 ** np.arange(5)] * 2, rtol=1e-5)
    assert norms[0, 1] == pytest.approx(0.9, rel=0.2)  # it is estimated from sixteen directions


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_reach_is_the_norm_of_the_jacobian(cell):
    torch.manual_seed(0)
    step = gradients.STEPS[cell](3, 4)
    inputs = torch.randn(1, 5, 3)
    parts = 2 if cell == "lstm" else 1

    def advance(state, frames):
        for frame in frames:
            result = step(frame[None], state.split(4, 1) if parts == 2 else state)
            state = torch.cat(result, 1) if parts == 2 else result
        return state

    expected = [1.0]
    for lag in range(1, 5):
        state = advance(torch.zeros(1, 4 * parts), inputs[0, : 5 - lag]).detach()
        jacobian = torch.autograd.functional.jacobian(
            lambda state, lag=lag: advance(state, inputs[0, 5 - lag :])[0, :4], state
        )
        expected.append(float(jacobian.norm()) / 2)  # 2 is the root of the 4 dimensions of h
    ours = gradients.lags(step, inputs, directions=4000)[0]
    np.testing.assert_allclose(ours, expected, rtol=0.05)
