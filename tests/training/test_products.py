"""Products with factors of 16 bits are nearly those of 32, forwards and backwards."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from asr.model.config import EncoderConfig
from asr.training.dropout import Dropout
from asr.training.model import ConvFront
from asr.training.products import factor_type, linear

COARSE = torch.cpu._is_avx512_bf16_supported()


@pytest.fixture
def medium():
    """Products whose factors may have 16 bits, as engines allow them."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(precision)


def test_factors_have_16_bits_only_where_they_may(medium):
    x = torch.zeros(1)
    assert factor_type(x) == (torch.bfloat16 if COARSE else torch.float32)
    assert factor_type(x.double()) == torch.float64
    assert factor_type(torch.zeros(1, device="meta")) == torch.float32
    torch.set_float32_matmul_precision("highest")
    assert factor_type(x) == torch.float32


def gradients(function, *arguments):
    """Return the value, and the gradients of a sum of it with unequal weights."""
    arguments = [item.clone().requires_grad_() for item in arguments]
    value = function(*arguments)
    torch.manual_seed(1)
    (value * torch.randn_like(value)).sum().backward()
    return [value, *(item.grad for item in arguments)]


def assert_close(found, expected, share):
    """Both differ by less than a share of their size."""
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype == torch.float32
        assert (ours - theirs).norm() <= share * theirs.norm()


def test_linear_layer(medium):
    torch.manual_seed(0)
    arguments = torch.randn(3, 5, 40), torch.randn(70, 40), torch.randn(70)
    expected = gradients(functional.linear, *arguments)
    assert_close(gradients(linear, *arguments), expected, 0.005)


def test_convolutions(medium):
    torch.manual_seed(0)
    front = ConvFront(EncoderConfig(), 80)
    names = [name for name, _ in front.named_parameters()]
    x, lengths = torch.randn(2, 90, 80), torch.tensor([90, 41])

    def outputs(x, *weights):
        pairs = dict(zip(names, weights, strict=True))
        found, frames = torch.func.functional_call(front, pairs, (x, lengths))
        assert frames.tolist() == [23, 11]
        return found

    arguments = [x, *(weight.detach() for weight in front.parameters())]
    found = gradients(outputs, *arguments)
    torch.set_float32_matmul_precision("highest")
    expected = gradients(outputs, *arguments)
    assert_close(found[:1], expected[:1], 0.005)
    # Sums near zero may be rounded to the other side of it, where the gradient of ReLU is another.
    assert_close(found[1:], expected[1:], 0.05)


def test_dropout_keeps_the_mean_and_its_share():
    torch.manual_seed(0)
    x = torch.randn(501, 999, requires_grad=True)
    dropped = Dropout(0.15)(x)
    kept = dropped != 0
    assert float(kept.float().mean()) == pytest.approx(0.85, abs=0.003)
    torch.testing.assert_close(dropped[kept], x[kept] / 0.85, rtol=1e-4, atol=0)
    dropped.sum().backward()
    assert torch.equal(x.grad != 0, kept)
    again = kept[:, 1:] & kept[:, :-1]
    assert float(again.float().mean()) == pytest.approx(0.85**2, abs=0.005)


def test_dropout_depends_on_the_seed_alone():
    x = torch.ones(10, 10)

    def masks(seed):
        torch.manual_seed(seed)
        layer = Dropout(0.5)
        return layer(x), layer(x)

    first, second = masks(1)
    assert not torch.equal(first, second)
    assert all(map(torch.equal, masks(1), (first, second)))
    assert not torch.equal(masks(2)[0], first)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_dropout_of_nothing_and_all(probability):
    layer = Dropout(probability)
    assert torch.equal(layer(torch.ones(9)), nn.Dropout(probability)(torch.ones(9)))
    layer.eval()
    assert torch.equal(layer(torch.ones(9)), torch.ones(9))
