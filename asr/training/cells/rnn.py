"""The vanilla recurrent cell (Elman 1990).

With input x_t and state h_t:

    h_t = tanh(W x_t + b + U h_{t-1} + c)
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


class RNN(Cell):
    """The vanilla recurrent cell."""

    gates = 1
    torch_layer = nn.RNN
    order = (0,)

    def step(self, product: Tensor, states: States, weights: Weights) -> States:
        (state,) = states
        return (torch.tanh(product + recurrent_product(state, weights)),)

    def unroll(self, products: Tensor, weights: Weights, hidden_size: int) -> Tensor:
        states: Tensor = _RNN.apply(  # type: ignore[no-untyped-call]
            products, weights["weight_hh"], weights["bias_hh"]
        )
        return states

    def step_nodes(
        self, graph: Graph, product: str, states: Sequence[str], weights: Mapping[str, str]
    ) -> list[str]:
        (state,) = states
        total = graph.add("Add", product, recurrent_nodes(graph, state, weights))
        return [graph.add("Tanh", total)]

    def unroll_nodes(
        self,
        graph: Graph,
        x: str,
        lengths: str,
        weights: Sequence[Mapping[str, str]],
        hidden_size: int,
        first: Sequence[str],
    ) -> tuple[str, list[str]]:
        return operator_nodes(graph, "RNN", self.order, x, lengths, weights, hidden_size, first)


class _RNN(torch.autograd.Function):
    """The layer with its gradients through time written out; see the GRU for why.

    Shape: products (T, D, B, G H), weight (D, G H, H), bias (D, G H) -> states (T, D, B, H).
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        states = torch.empty_like(products)
        matrix, offset, state = start(products, weight, bias)
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
        return products, *weight_gradients(products, before(states))


CELL = RNN()
