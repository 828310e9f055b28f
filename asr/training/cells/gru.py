"""The GRU (Cho et al. 2014), its reset gate after the product, as in cuDNN.

With input x_t, state h_t, logistic σ and elementwise product ⊙:

    r, z = σ(W_* x_t + b_* + U_* h_{t-1} + c_*)
    n = tanh(W_n x_t + b_n + r ⊙ (U_n h_{t-1} + c_n))
    h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}

Gates stand in torch's order: r, z, n.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from asr.native.structures import Gru
from asr.training.cells.base import (
    Cell,
    States,
    Weights,
    operator_nodes,
    recurrent_nodes,
    recurrent_product,
)
from asr.training.onnx_graph import Graph
from asr.training.products import factor_type


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

    def recur(self, products: Tensor, weights: Weights, lengths: Tensor) -> Tensor:
        if products.dtype != torch.float32 or products.device.type != "cpu":
            return super().recur(products, weights, lengths)
        states: Tensor = _GRU.apply(  # type: ignore[no-untyped-call]
            products, weights["weight_hh"], weights["bias_hh"], lengths
        )
        return states

    def step_nodes(
        self, graph: Graph, product: str, states: Sequence[str], weights: Mapping[str, str]
    ) -> list[str]:
        (state,) = states
        reset, update, new = graph.add_many("Split", 3, product, axis=1)
        recurrent = recurrent_nodes(graph, state, weights)
        to_reset, to_update, to_new = graph.add_many("Split", 3, recurrent, axis=1)
        reset = graph.add("Sigmoid", graph.add("Add", reset, to_reset))
        update = graph.add("Sigmoid", graph.add("Add", update, to_update))
        new = graph.add("Tanh", graph.add("Add", new, graph.add("Mul", reset, to_new)))
        change = graph.add("Mul", update, graph.add("Sub", state, new))
        return [graph.add("Add", new, change)]

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
    """The layer with its gradients through time written out, compiled (asr/native/gru.c).

    On a CPU torch's own layer records every step: its backward pass allocates a gradient of the
    whole sequence for each frame, a cost quadratic in the length, and multiplies the recurrent
    weights' gradient frame by frame. Here only what recurs is computed frame by frame, in two
    compiled loops; the weights' gradient is one product over all frames. Sequences and directions
    are independent of each other, so each thread computes some of them from end to end.

    Shape: products (B, T, D, G H), weight (D, G H, H), bias (D, G H), lengths (B,)
    -> states (B, T, D, H).
    """

    @staticmethod
    def forward(
        ctx: Any, products: Tensor, weight: Tensor, bias: Tensor, lengths: Tensor
    ) -> Tensor:
        products, weight, bias = products.contiguous(), weight.contiguous(), bias.contiguous()
        states = products.new_empty(*products.shape[:3], weight.shape[2])
        gates, candidates = torch.empty_like(products), torch.empty_like(states)
        _run(
            "gru_forward", lengths, weight=weight, bias=bias, products=products, gates=gates,
            candidates=candidates, states=states,
        )  # fmt: skip
        ctx.save_for_backward(gates, candidates, states, weight, lengths)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gates, candidates, states, weight, lengths = ctx.saved_tensors  # type: ignore[attr-defined]
        products, recurrent = torch.empty_like(gates), torch.empty_like(states)
        _run(
            "gru_backward", lengths, weight=weight, gates=gates, candidates=candidates,
            states=states, states_gradient=gradients[0].contiguous(), products_gradient=products,
            candidates_gradient=recurrent,
        )  # fmt: skip
        hidden = states.shape[3]
        factors = factor_type(states)
        earlier = torch.zeros_like(states, dtype=factors)
        earlier[:, 1:, 0] = states[:, :-1, 0]
        earlier[:, :-1, 1:] = states[:, 1:, 1:]
        rows = products.new_empty(len(weight), *products.shape[:2], 3 * hidden, dtype=factors)
        rows[..., : 2 * hidden] = products[..., : 2 * hidden].permute(2, 0, 1, 3)
        rows[..., 2 * hidden :] = recurrent.permute(2, 0, 1, 3)
        # Each direction's product by itself: torch copies the factors of one product of all.
        pairs = zip(rows.flatten(1, 2), earlier.flatten(0, 1).unbind(1), strict=True)
        to_weight = torch.stack([row.t() @ state for row, state in pairs]).to(states.dtype)
        to_gates = products[..., : 2 * hidden].sum((0, 1))
        to_bias = torch.cat([to_gates, recurrent.sum((0, 1))], dim=1)
        return products, to_weight, to_bias, None


LEVELS = {"AVX512": 2, "AVX2": 1}
"""The numbers in gru.h of the instructions that torch finds in the processor."""


def _run(function: str, lengths: Tensor, **arrays: Tensor) -> None:
    """Call one of the compiled functions, with the directions and sequences shared among threads.

    Raises:
        MemoryError: there is not enough memory.
    """
    from asr.native import library

    batch, frames, directions, hidden = arrays["states"].shape
    lengths = lengths.to(torch.int64).contiguous()
    addresses = {name: array.data_ptr() for name, array in arrays.items()}
    layer = Gru(frames, directions, hidden, lengths.data_ptr(), **addresses)
    threads = torch.get_num_threads()
    shares = min(batch, -(-threads // directions))
    bounds = [batch * share // shares for share in range(shares + 1)]
    tasks = [(d, *pair) for d in range(directions) for pair in pairwise(bounds)]
    level = LEVELS.get(torch.backends.cpu.get_cpu_capability(), 0)

    def compute(task: tuple[int, int, int]) -> bool:
        done: bool = getattr(library, function)(layer, level, *task)
        return done

    with ThreadPoolExecutor(threads) as pool:
        if not all((map if threads == 1 else pool.map)(compute, tasks)):
            raise MemoryError("not enough memory for a recurrent layer")


CELL = GRU()
