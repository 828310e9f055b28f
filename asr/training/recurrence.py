"""Recurrent layers for training on CPUs, with their gradients through time written out.

PyTorch's own layers on a CPU record every step: their backward pass allocates a gradient of the
whole sequence for each frame, a cost quadratic in the length, and multiplies the recurrent weights'
gradient frame by frame. Here the input products, the factors of the gates' gradients and the
weights' gradient are single operations over all frames; only what recurs stays in the loop.

All three recurrences have the shapes: input products (T, D, B, G H) of D directions with G gates,
recurrent weight (D, G H, H) and bias (D, G H) -> states (T, D, B, H). Gates stand in torch's order.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


def recurrent_layer(cell: nn.RNNBase, x: Tensor, lengths: Tensor) -> Tensor:
    """What ``cell`` (one layer of RNN, LSTM or GRU, batch first) gives for packed sequences.

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
    states = RECURRENCES[cell.mode].apply(  # type: ignore[no-untyped-call]
        torch.stack(products, dim=1),
        torch.stack([getattr(cell, f"weight_hh_l0{suffix}") for suffix in suffixes]),
        torch.stack([getattr(cell, f"bias_hh_l0{suffix}") for suffix in suffixes]),
    )
    outputs = list((states.transpose(1, 2).transpose(0, 1) * exists[..., None, None]).unbind(2))
    if cell.bidirectional:
        outputs[1] = outputs[1].gather(1, mirrored.expand_as(outputs[1]))
    return torch.cat(outputs, dim=2)


class _RNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        states = torch.empty_like(products)
        matrix, offset, state = _start(products, weight, bias)
        for product, output in zip(products.unbind(0), states.unbind(0), strict=True):
            torch.add(product, torch.baddbmm(offset, state, matrix), out=output)
            state = output.tanh_()
        ctx.save_for_backward(states, weight)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        (given,) = gradients
        factors = 1 - states * states
        products = torch.empty_like(states)
        state = torch.zeros_like(states[0])
        for frame in reversed(range(len(states))):
            torch.mul(state + given[frame], factors[frame], out=products[frame])
            state = torch.bmm(products[frame], weight)
        return products, *_weight_gradients(products, _before(states))


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        frames, directions, batch, _ = products.shape
        hidden = weight.shape[2]
        states = products.new_empty(frames, directions, batch, hidden)
        memories = torch.empty_like(states)
        gates = torch.empty_like(products)
        matrix, offset, state = _start(products, weight, bias)
        memory = torch.zeros_like(state)
        for product, gate, kept, output in zip(
            products.unbind(0), gates.unbind(0), memories.unbind(0), states.unbind(0), strict=True
        ):
            torch.add(product, torch.baddbmm(offset, state, matrix), out=gate)
            gate[..., : 2 * hidden].sigmoid_()
            gate[..., 2 * hidden : 3 * hidden].tanh_()
            gate[..., 3 * hidden :].sigmoid_()
            into, forget, new, out = gate.chunk(4, dim=-1)
            torch.addcmul(forget * memory, into, new, out=kept)
            torch.mul(out, kept.tanh(), out=output)
            state, memory = output, kept
        ctx.save_for_backward(gates, memories, states, weight)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, memories, states, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        (given,) = gradients
        into, forget, new, out = gates.chunk(4, dim=-1)
        bounded = memories.tanh()
        # Factors from the gradient of the memory, and of the state, to those of the gates.
        to_into = new * into * (1 - into)
        to_forget = _before(memories) * forget * (1 - forget)
        factors = torch.stack([to_into, to_forget, into * (1 - new * new)], dim=3)
        to_out = bounded * out * (1 - out)
        to_memory = out * (1 - bounded * bounded)
        products = gates.new_empty(*gates.shape[:-1], 4, gates.shape[-1] // 4)
        state, memory = torch.zeros_like(states[0]), torch.zeros_like(states[0])
        for frame in reversed(range(len(states))):
            total = state + given[frame]
            memory = torch.addcmul(memory, total, to_memory[frame])
            gradient = products[frame]
            torch.mul(factors[frame], memory[:, :, None], out=gradient[:, :, :3])
            torch.mul(to_out[frame], total, out=gradient[:, :, 3])
            state = torch.bmm(gradient.flatten(2), weight)
            memory = memory * forget[frame]
        products = products.flatten(3)
        return products, *_weight_gradients(products, _before(states))


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        frames, directions, batch, _ = products.shape
        hidden = weight.shape[2]
        states = products.new_empty(frames, directions, batch, hidden)
        gates = torch.empty_like(products)
        candidates = torch.empty_like(states)  # U_n h + c_n, before the reset gate
        matrix, offset, state = _start(products, weight, bias)
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
        before = _before(states)
        # Factors from the gradient of a state to those of its gates, before their activations.
        to_new = (1 - update) * (1 - new * new)
        to_update = (before - new) * update * (1 - update)
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
        return products, *_weight_gradients(recurrent, before)


RECURRENCES: dict[str, type[torch.autograd.Function]] = {
    "RNN_TANH": _RNN,
    "LSTM": _LSTM,
    "GRU": _GRU,
}


def _start(products: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The recurrent matrix (D, H, G H), the bias (D, B, G H), the first state (D, B, H)."""
    _, directions, batch, _ = products.shape
    matrix = weight.transpose(1, 2).contiguous()
    offset = bias[:, None].expand(-1, batch, -1).contiguous()
    return matrix, offset, products.new_zeros(directions, batch, weight.shape[2])


def _before(states: Tensor) -> Tensor:
    """The states (T, D, B, H) one frame earlier."""
    return torch.cat([torch.zeros_like(states[:1]), states[:-1]])


def _weight_gradients(recurrent: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the recurrent weight and bias from that of the recurrent products."""
    rows = recurrent.transpose(0, 1).flatten(1, 2)
    return rows.transpose(1, 2) @ before.transpose(0, 1).flatten(1, 2), rows.sum(1)
