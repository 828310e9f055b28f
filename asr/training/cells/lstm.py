"""The LSTM (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

With input x_t, output h_t, memory s_t, logistic σ and elementwise product ⊙:

    i, f, o = σ(W_* x_t + b_* + U_* h_{t-1} + c_*)
    g = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)
    s_t = f ⊙ s_{t-1} + i ⊙ g
    h_t = o ⊙ tanh(s_t)

Gates stand in torch's order: i, f, g, o.
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
    recurrent_nodes,
    recurrent_product,
    start,
    weight_gradients,
)
from asr.training.onnx_graph import Graph


class LSTM(Cell):
    """The LSTM; its states are the output and the memory."""

    gates = 4
    states = 2
    torch_layer = nn.LSTM
    order = (0, 3, 1, 2)  # ONNX has i, o, f, g.

    def step(self, product: Tensor, states: States, weights: Weights) -> States:
        state, memory = states
        into, forget, new, out = (product + recurrent_product(state, weights)).chunk(4, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * new.tanh()
        return out.sigmoid() * memory.tanh(), memory

    def unroll(self, products: Tensor, weights: Weights, hidden_size: int) -> Tensor:
        states: Tensor = _LSTM.apply(  # type: ignore[no-untyped-call]
            products, weights["weight_hh"], weights["bias_hh"]
        )
        return states

    def step_nodes(
        self, graph: Graph, product: str, states: Sequence[str], weights: Mapping[str, str]
    ) -> list[str]:
        state, memory = states
        gates = graph.add("Add", product, recurrent_nodes(graph, state, weights))
        into, forget, new, out = graph.add_many("Split", 4, gates, axis=1)
        into, forget, out = (graph.add("Sigmoid", gate) for gate in (into, forget, out))
        kept = graph.add("Mul", forget, memory)
        memory = graph.add("Add", kept, graph.add("Mul", into, graph.add("Tanh", new)))
        return [graph.add("Mul", out, graph.add("Tanh", memory)), memory]

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
            graph, "LSTM", self.order, x, lengths, weights, hidden_size, first, self.states
        )


class _LSTM(torch.autograd.Function):
    """The layer with its gradients through time written out; see the GRU for why.

    Shape: products (T, D, B, G H), weight (D, G H, H), bias (D, G H) -> states (T, D, B, H).
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        frames, directions, batch, _ = products.shape
        hidden = weight.shape[2]
        states = products.new_empty(frames, directions, batch, hidden)
        memories = torch.empty_like(states)
        gates = torch.empty_like(products)
        matrix, offset, state = start(products, weight, bias)
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
        to_forget = before(memories) * forget * (1 - forget)
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
        return products, *weight_gradients(products, before(states))


CELL = LSTM()
