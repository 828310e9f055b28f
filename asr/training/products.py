"""Products of matrices on CPUs that multiply bfloat16 twice as fast as anything else.

Engines allow factors of 16 bits (:func:`asr.training.engine.calm`). torch then has the processor
round the factors of each product while it computes it; to round them before takes half the time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional


def factor_type(tensor: Tensor) -> torch.dtype:
    """Return the type to round the factors of products to: bfloat16 if the precision of products
    that is set allows it and the processor has instructions for it, else that of ``tensor``."""
    coarse = torch.get_float32_matmul_precision() == "medium"
    if coarse and tensor.device.type == "cpu" and tensor.dtype == torch.float32:
        # Without these instructions torch computes as if there were, slowly.
        return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else tensor.dtype
    return tensor.dtype


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x Wᵀ + b, with factors of :func:`factor_type` forwards and backwards.

    Shape: (…, input), (output, input), (output,) -> (…, output).

    >>> float(linear(torch.ones(1, 2), torch.full((1, 2), 0.5), torch.ones(1)))
    2.0
    """
    if factor_type(x) == x.dtype:
        return functional.linear(x, weight, bias)
    result: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """A linear layer whose factors are rounded to bfloat16."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        x, weight = x.bfloat16(), weight.bfloat16()
        ctx.save_for_backward(x, weight)
        return functional.linear(x, weight).float().add_(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        rows = gradients[0].flatten(0, -2)
        coarse = rows.bfloat16()
        to_x = (coarse @ weight).float().view(x.shape)
        to_weight = (coarse.t() @ x.flatten(0, -2)).float()
        return to_x, to_weight, rows.sum(0)
