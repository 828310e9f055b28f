"""Muon steps each gate's matrix along the nearest orthogonal one; AdamW steps everything else."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from asr.errors import ConfigError
from asr.training.config import OptimizerConfig
from asr.training.muon import COEFFICIENTS, MOMENTUM, RMS, STEPS, Muon, orthogonal
from asr.training.stack import RecurrentStack

RATE, DECAY = 0.01, 0.1


def module():
    """Return recurrent layers with a linear one, and gradients for all of their weights."""
    torch.manual_seed(0)
    network = nn.ModuleList([RecurrentStack("gru", 6, 4, 2, 0.0, True), nn.Linear(8, 3)])
    give_gradients(network)
    return network


def give_gradients(network):
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)


def twin(network):
    """Return a copy of a network with its gradients, which copies of modules leave out."""
    other = copy.deepcopy(network)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        theirs.grad = ours.grad.clone()
    return other


def slowly(matrix):
    """The iteration of Jordan et al. for one matrix, in double precision."""
    x = matrix.astype(np.float64)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    x = x / (np.linalg.norm(x) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if turned else x


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_the_iteration_keeps_singular_vectors_and_brings_values_near_one(shape):
    matrix = np.random.default_rng(1).standard_normal(shape)
    found = orthogonal(torch.from_numpy(matrix)[None])[0].numpy()
    np.testing.assert_allclose(found, slowly(matrix), atol=1e-9)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ found @ v.T
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-9)
    assert (np.diag(inner) > 0.6).all() and (np.diag(inner) < 1.3).all()


def test_each_gate_is_stepped_by_itself_as_a_slow_definition_says():
    network = module()
    optimizer = Muon(network, RATE, DECAY)
    expected, momentum = {}, {}
    for _ in range(3):
        for name, weight in network.named_parameters():
            if "cell.weight" in name:
                gradient = weight.grad.double().numpy()
                old = momentum.get(name, np.zeros_like(gradient))
                momentum[name] = MOMENTUM * old + (1 - MOMENTUM) * gradient
                direction = (1 - MOMENTUM) * gradient + MOMENTUM * momentum[name]
                step = np.concatenate([slowly(gate) for gate in np.split(direction, 3)])
                size = RATE * RMS * max(gradient.shape[0] // 3, gradient.shape[1]) ** 0.5
                kept = (1 - RATE * DECAY) * weight.detach().double().numpy()
                expected[name] = kept - size * step
        optimizer.step()
        for name, value in expected.items():
            found = network.get_parameter(name).detach().numpy()
            np.testing.assert_allclose(found, value, atol=1e-5)
        give_gradients(network)
    assert len(expected) == 8


def test_coarse_products_give_nearly_the_same_step():
    """As engines allow them, in bfloat16 where the processor can."""
    network = module()
    other = twin(network)
    Muon(network, RATE, DECAY).step()
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        Muon(other, RATE, DECAY).step()
    finally:
        torch.set_float32_matmul_precision(precision)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0.05 * RATE)


def test_all_other_parameters_are_stepped_by_adamw():
    network = module()
    other = twin(network)
    Muon(network, RATE, DECAY).step()
    torch.optim.AdamW(other.parameters(), lr=RATE, weight_decay=DECAY).step()
    equal = {
        name: torch.equal(weight, other.get_parameter(name))
        for name, weight in network.named_parameters()
    }
    assert equal == {name: "cell.weight" not in name for name in equal}


def test_a_step_that_was_skipped_changes_nothing():
    network = module()
    optimizer = Muon(network, RATE, DECAY)
    optimizer.step()
    before = copy.deepcopy(network.state_dict())
    optimizer.zero_grad(set_to_none=True)
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_state_is_saved_and_loaded():
    """Steps after loading equal those without a break, bit for bit."""
    network = module()
    optimizer = Muon(network, RATE, DECAY)
    optimizer.step()
    other = copy.deepcopy(network)
    again = Muon(other, RATE, DECAY)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        theirs.grad = ours.grad.clone()
    optimizer.step()
    again.step()
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(ConfigError, match=r"optimizer\.algorithm is 'sgd'"):
        OptimizerConfig(algorithm="sgd")
