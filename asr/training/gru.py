"""A GRU layer for training on CPUs, with its gradient through time written out.

PyTorch's own GRU on a CPU records every step: its backward pass allocates a gradient of the whole
sequence for each frame, a cost quadratic in the length, and multiplies the recurrent weights'
gradient frame by frame. Here the input products, the factors of the gates' gradients and the
weights' gradient are single operations over all frames; only what recurs stays in the loop.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


def gru_layer(cell: nn.GRU, x: Tensor, lengths: Tensor) -> Tensor:
    """What ``cell`` (one layer, batch first) gives for packed sequences.

    Shape: x (B, T, input), lengths (B,) -> (B, T, hidden * directions), zero behind each length.
    """
    suffixes = ("", "_reverse") if cell.bidirectional else ("",)
    frames = torch.arange(x.shape[1], device=x.device)
    exists = frames < lengths[:, None]
    mirrored = torch.where(exists, lengths[:, None] - 1 - frames, frames)[..., None]
    products = []
    for suffix in suffixes:
        weight, bias = getattr(cell, f"weight_ih_l0{suffix}"), getattr(cell, f"bias_ih_l0{suffix}")
        product = nn.functional.linear(x, weight, bias)
        if suffix:
            product = product.gather(1, mirrored.expand_as(product))
        products.append(product.transpose(0, 1))
    states = _Recurrence.apply(  # type: ignore[no-untyped-call]
        torch.stack(products, dim=1),
        torch.stack([getattr(cell, f"weight_hh_l0{suffix}") for suffix in suffixes]),
        torch.stack([getattr(cell, f"bias_hh_l0{suffix}") for suffix in suffixes]),
    )
    outputs = list((states.transpose(1, 2).transpose(0, 1) * exists[..., None, None]).unbind(2))
    if cell.bidirectional:
        outputs[1] = outputs[1].gather(1, mirrored.expand_as(outputs[1]))
    return torch.cat(outputs, dim=2)


class _Recurrence(torch.autograd.Function):
    """The recurrent half of a GRU, all directions at once.

    Shape: input products (T, D, B, 3 H) with gates r, z, n; weight (D, 3 H, H); bias (D, 3 H)
    -> states (T, D, B, H).
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        frames, directions, batch, _ = products.shape
        hidden = weight.shape[2]
        states = products.new_empty(frames, directions, batch, hidden)
        gates = torch.empty_like(products)
        candidates = torch.empty_like(states)  # U_n h + c_n, before the reset gate
        matrix = weight.transpose(1, 2).contiguous()
        offset = bias[:, None].expand(-1, batch, -1).contiguous()
        state = products.new_zeros(directions, batch, hidden)
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
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        # Factors from the gradient of a state to those of its gates, before their activations.
        to_new = (1 - update) * (1 - new * new)
        to_update = (before - new) * update * (1 - update)
        to_reset = to_new * candidates * reset * (1 - reset)
        factors = torch.stack([to_reset, to_update, to_new * reset], dim=3)
        recurrent = torch.empty_like(factors)
        state = torch.zeros_like(states[0])
        totals = torch.empty_like(states)
        directions, batch, hidden = state.shape
        for frame in reversed(range(len(states))):
            total = torch.add(state, given[frame], out=totals[frame])
            gradient = torch.mul(factors[frame], total[:, :, None], out=recurrent[frame])
            state = torch.baddbmm(
                total * update[frame], gradient.view(directions, batch, 3 * hidden), weight
            )
        recurrent = recurrent.flatten(3)
        products = torch.cat([recurrent[..., : 2 * hidden], totals * to_new], dim=-1)
        rows = recurrent.transpose(0, 1).flatten(1, 2)
        weights = rows.transpose(1, 2) @ before.transpose(0, 1).flatten(1, 2)
        return products, weights, rows.sum(1)
