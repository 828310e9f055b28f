"""The GRU (Cho et al. 2014), its reset gate after the product, as in cuDNN.

With input x_t, state h_t, logistic σ and elementwise product ⊙:

    r, z = σ(W_* x_t + b_* + U_* h_{t-1} + c_*)
    n = tanh(W_n x_t + b_n + r ⊙ (U_n h_{t-1} + c_n))
    h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}

Gates stand in torch's order: r, z, n.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from asr.training.cells.base import (
    Cell,
    States,
    Weights,
    before,
    operator_nodes,
    recurrent_product,
    start,
    weight_gradients,
)
from asr.training.onnx_graph import Graph


class GRU(Cell):
    """The GRU."""

    gates = 3
    torch_layer = nn.GRU
    order = (1, 0, 2)  # ONNX has z, r, n.

    def step(self, product: Tensor, states: States, weights: Weights) -> States:
        (state,) = states
        reset, update, new = product.chunk(3, dim=-1)
        to_reset, to_update, to_new = recurrent_product(state, weights).chunk(3, dim=-1)
        new = torch.tanh(new + torch.sigmoid(reset + to_reset) * to_new)
        return (torch.lerp(new, state, torch.sigmoid(update + to_update)),)

    def unroll(self, products: Tensor, weights: Weights, hidden_size: int) -> Tensor:
        states: Tensor = _GRU.apply(  # type: ignore[no-untyped-call]
            products, weights["weight_hh"], weights["bias_hh"]
        )
        return states

    def unroll_nodes(
        self,
        graph: Graph,
        x: str,
        lengths: str,
        weights: Sequence[Mapping[str, str]],
        hidden_size: int,
        first: Sequence[str],
    ) -> tuple[str, list[str]]:
        return operator_nodes(
            graph, "GRU", self.order, x, lengths, weights, hidden_size, first, linear_before_reset=1
        )


class _GRU(torch.autograd.Function):
    """The layer with its gradients through time written out.

    On a CPU torch's own layer records every step: its backward pass allocates a gradient of the
    whole sequence for each frame, a cost quadratic in the length, and multiplies the recurrent
    weights' gradient frame by frame. Here the factors of the gates' gradients and the weights'
    gradient are single operations over all frames; only what recurs stays in the loop.

    Shape: products (T, D, B, G H), weight (D, G H, H), bias (D, G H) -> states (T, D, B, H).
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        frames, directions, batch, _ = products.shape
        hidden = weight.shape[2]
        states = products.new_empty(frames, directions, batch, hidden)
        gates = torch.empty_like(products)
        candidates = torch.empty_like(states)  # U_n h + c_n, before the reset gate
        matrix, offset, state = start(products, weight, bias)
        for product, gate, candidate, output in zip(
            products.unbind(0), gates.unbind(0), candidates.unbind(0), states.unbind(0), strict=True
        ):
            recurrent = torch.baddbmm(offset, state, matrix)
            update = gate[..., : 2 * hidden]
            torch.add(product[..., : 2 * hidden], recurrent[..., : 2 * hidden], out=update)
            update.sigmoid_()
            candidate.copy_(recurrent[..., 2 * hidden :])
            new = gate[..., 2 * hidden :]
            torch.addcmul(product[..., 2 * hidden :], gate[..., :hidden], candidate, out=new)
            new.tanh_()
            torch.lerp(new, state, gate[..., hidden : 2 * hidden], out=output)
            state = output
        ctx.save_for_backward(gates, candidates, states, weight)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, candidates, states, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        (given,) = gradients
        reset, update, new = gates.chunk(3, dim=-1)
        earlier = before(states)
        # Factors from the gradient of a state to those of its gates, before their activations.
        to_new = (1 - update) * (1 - new * new)
        to_update = (earlier - new) * update * (1 - update)
        to_reset = to_new * candidates * reset * (1 - reset)
        factors = torch.stack([to_reset, to_update, to_new * reset], dim=3)
        recurrent = torch.empty_like(factors)
        state = torch.zeros_like(states[0])
        totals = torch.empty_like(states)
        for frame in reversed(range(len(states))):
            total = torch.add(state, given[frame], out=totals[frame])
            gradient = torch.mul(factors[frame], total[:, :, None], out=recurrent[frame])
            state = torch.baddbmm(total * update[frame], gradient.flatten(2), weight)
        recurrent = recurrent.flatten(3)
        products = torch.cat([recurrent[..., : -states.shape[-1]], totals * to_new], dim=-1)
        return products, *weight_gradients(recurrent, earlier)


CELL = GRU()
