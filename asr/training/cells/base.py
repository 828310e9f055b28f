"""Recurrent cells: the interface of the step of a recurrent layer, in torch and in ONNX.

A module of this package defines one subclass of :class:`Cell` and makes it: ``CELL = GRU()``. It
must have :meth:`Cell.step`, and :meth:`Cell.step_nodes` to be exported. Both may have something
faster for whole sequences beside them: :meth:`Cell.unroll`, which is where a cell writes out its
gradients through time, and :meth:`Cell.unroll_nodes`, which is where it names an operator of ONNX.
:meth:`Cell.recur`, around :meth:`Cell.unroll`, reverses the backward direction and cuts what lies
behind each sequence's end. The layer around a cell (:class:`asr.training.stack.Recurrent`)
multiplies the input by the weights.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnx import TensorProto
from torch import Tensor, nn

from asr.training.onnx_graph import Graph

States = tuple[Tensor, ...]
Weights = Mapping[str, Tensor]
"""The weights of all directions by their kind, such as ``weight_hh``, each (D, …)."""


class Cell(ABC):
    """One recurrent cell.

    ``gates`` is the number of products of the input that the cell uses, each as wide as the state;
    ``states`` the number of tensors that it carries from step to step, the first of which is its
    output. ``torch_layer`` is torch's own layer of this cell, if there is one: then its weights
    are that layer's, and it computes on GPUs and where no gradient is needed.
    ``order`` names, for each gate of ONNX's operator, if there is one, its place in the weights.
    """

    gates: int
    states: int = 1
    torch_layer: type[nn.RNN | nn.LSTM | nn.GRU] | None = None
    order: tuple[int, ...] = ()

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of one direction's weights by their kind.

        ``weight_ih`` and ``bias_ih`` multiply the input; the others are for :meth:`step`.
        """
        rows = self.gates * hidden_size
        return {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }

    @abstractmethod
    def step(self, product: Tensor, states: States, weights: Weights) -> States:
        """Return the states after a frame, of all directions at once.

        Shape: product of the input (D, B, gates * H), states (D, B, H) each -> (D, B, H) each.
        """

    def unroll(self, products: Tensor, weights: Weights, hidden_size: int) -> Tensor:
        """Return the outputs of all frames, from states of zeros.

        Shape: products of the input (T, D, B, gates * H) -> (T, D, B, H).
        """
        zero = products.new_zeros(*products.shape[1:3], hidden_size)
        states: States = (zero,) * self.states
        outputs = []
        for product in products.unbind(0):
            states = self.step(product, states, weights)
            outputs.append(states[0])
        return torch.stack(outputs)

    def recur(self, products: Tensor, weights: Weights, lengths: Tensor) -> Tensor:
        """Return the outputs of sequences of unequal length, zero behind each length.

        The second direction is the backward one, which starts at each sequence's own last frame:
        it is reversed for :meth:`unroll`.

        Shape: products of the input (B, T, D, gates * H), lengths (B,) -> (B, T, D, H).
        """
        frames = torch.arange(products.shape[1], device=products.device).expand(len(lengths), -1)
        exists = frames < lengths[:, None]
        mirrored = torch.where(exists, lengths[:, None] - 1 - frames, frames)
        order = torch.stack([frames, mirrored][: products.shape[2]], dim=2)[..., None]
        products = products.gather(1, order.expand_as(products))
        products = products.transpose(0, 1).transpose(1, 2).contiguous()
        states = self.unroll(products, weights, products.shape[3] // self.gates)
        states = states.transpose(1, 2).transpose(0, 1) * exists[..., None, None]
        return states.gather(1, order.expand_as(states))

    def step_nodes(
        self, graph: Graph, product: str, states: Sequence[str], weights: Mapping[str, str]
    ) -> list[str]:
        """Add the nodes of :meth:`step` for one direction; return the names of the new states.

        Shape: product (B, gates * H), states (B, H) each -> (B, H) each.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step_nodes: it cannot be exported")

    def unroll_nodes(
        self,
        graph: Graph,
        x: str,
        lengths: str,
        weights: Sequence[Mapping[str, str]],
        hidden_size: int,
        first: Sequence[str],
    ) -> tuple[str, list[str]]:
        """Add the nodes of a layer, with the ``weights`` of each direction.

        A Scan of :meth:`step_nodes` for each direction. Where a frame does not exist the states
        stay as they are, so that the backward direction starts at each sequence's own last frame.

        Shape: x (T, B, input), lengths (B,) int32, the ``first`` states (D, B, H) each, zero if
        there are none -> outputs (T, D, B, H), of no meaning behind each length; the last states
        (D, B, H) each.
        """
        frames = graph.add("Range", graph.constant(0), graph.size(x, 0), graph.constant(1))
        frames = graph.add("Unsqueeze", frames, graph.constant([1]))
        exists = graph.add("Less", frames, graph.add("Cast", lengths, to=TensorProto.INT64))
        exists = graph.add("Unsqueeze", exists, graph.constant([2]))
        axis = graph.constant([0])
        directions = []
        for index, weight in enumerate(weights):
            matrix = graph.add("Transpose", weight["weight_ih"], perm=[1, 0])
            product = graph.add("Add", graph.add("MatMul", x, matrix), weight["bias_ih"])
            if first:
                start = [
                    graph.add("Gather", state, graph.constant(index), axis=0) for state in first
                ]
            else:
                shape = graph.add(
                    "Concat", graph.add("Shape", lengths), graph.constant([hidden_size]), axis=0
                )
                start = [graph.add("ConstantOfShape", shape)] * self.states

            def step(
                inner: Graph,
                states: list[str],
                inputs: list[str],
                weight: Mapping[str, str] = weight,
            ) -> tuple[list[str], list[str]]:
                product, exists = inputs
                after = self.step_nodes(inner, product, states, weight)
                after = [
                    inner.add("Where", exists, new, old)
                    for new, old in zip(after, states, strict=True)
                ]
                return after, [inner.add("Identity", after[0])]

            last, (output,) = graph.scan(step, start, [product, exists], 1, reverse=index == 1)
            directions.append([graph.add("Unsqueeze", state, axis) for state in last])
            directions[-1].append(graph.add("Unsqueeze", output, graph.constant([1])))
        *last, output = (
            graph.add("Concat", *parts, axis=1 if number == self.states else 0)
            for number, parts in enumerate(zip(*directions, strict=True))
        )
        return output, last


class CellWeights(nn.Module):
    """The weights of a cell without a layer of torch's, under the names that such a layer has.

    They start between plus and minus 1 / sqrt(hidden size), as torch's do.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, bidirectional: bool) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        for suffix in ("", "_reverse") if bidirectional else ("",):
            for kind, shape in cell.shapes(input_size, hidden_size).items():
                weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
                self.register_parameter(f"{kind}_l0{suffix}", weight)


def recurrent_product(state: Tensor, weights: Weights) -> Tensor:
    """Return the product of a state with ``weight_hh``, plus ``bias_hh``.

    Shape: (D, B, H) -> (D, B, gates * H).
    """
    return torch.baddbmm(weights["bias_hh"][:, None], state, weights["weight_hh"].transpose(1, 2))


def recurrent_nodes(graph: Graph, state: str, weights: Mapping[str, str]) -> str:
    """Add the nodes of :func:`recurrent_product` for one direction.

    Shape: (B, H) -> (B, gates * H).
    """
    return graph.add("Gemm", state, weights["weight_hh"], weights["bias_hh"], transB=1)


def operator_nodes(
    graph: Graph,
    operator: str,
    order: Sequence[int],
    x: str,
    lengths: str,
    weights: Sequence[Mapping[str, str]],
    hidden_size: int,
    first: Sequence[str],
    states: int = 1,
    **attributes: int,
) -> tuple[str, list[str]]:
    """Add a recurrent operator of ONNX, as :meth:`Cell.unroll_nodes` does for a cell without one.

    ``order`` is that of the cell. The weights of all
    directions become one initialiser, ``PREFIX.weight_ih`` (D, G H, input), ``PREFIX.weight_hh``
    (D, G H, H) and ``PREFIX.bias`` (D, 2 G H), which :func:`torch_weights` takes apart.
    """

    def directions(*kinds: str) -> str:
        rows = [
            np.concatenate([reordered(graph.take(of[kind]), order) for kind in kinds])
            for of in weights
        ]
        prefix = weights[0][kinds[0]].rpartition(".")[0]
        return graph.weight(f"{prefix}.{kinds[0] if len(kinds) == 1 else 'bias'}", np.stack(rows))

    output, *last = graph.add_many(
        operator,
        1 + states,
        x,
        directions("weight_ih"),
        directions("weight_hh"),
        directions("bias_ih", "bias_hh"),
        lengths,
        *first,
        hidden_size=hidden_size,
        direction="bidirectional" if len(weights) == 2 else "forward",
        **attributes,
    )
    return output, last


def reordered(weight: npt.NDArray[Any], order: Sequence[int]) -> npt.NDArray[Any]:
    """Return a weight (G H, …) with its gates in another order: for each, its place until now.

    >>> reordered(np.array([1, 2, 3, 4, 5, 6]), (1, 0, 2))
    array([3, 4, 1, 2, 5, 6])
    """
    gates = np.split(weight, len(order))
    return np.concatenate([gates[place] for place in order])


def torch_weights(
    name: str, value: npt.NDArray[Any], order: Sequence[int]
) -> dict[str, npt.NDArray[Any]]:
    """Take an initialiser of :func:`operator_nodes` apart into weights under their torch names.

    Any other initialiser comes back as it is.
    """
    prefix, _, kind = name.rpartition(".")
    if not prefix.endswith(".cell") or kind not in ("weight_ih", "weight_hh", "bias"):
        return {name: value}
    kinds = ("bias_ih", "bias_hh") if kind == "bias" else (kind,)
    places = np.argsort(order).tolist()
    return {
        f"{prefix}.{one}_l0{suffix}": reordered(part, places)
        for row, suffix in zip(value, ("", "_reverse"), strict=False)
        for one, part in zip(kinds, np.split(row, len(kinds)), strict=True)
    }


# What the cells that write out their gradients through time have in common.


def start(products: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the recurrent matrix (D, H, G H), the bias (D, B, G H) and the first state (D, B, H).

    Shape: products (T, D, B, G H), weight (D, G H, H), bias (D, G H).
    """
    _, directions, batch, _ = products.shape
    matrix = weight.transpose(1, 2).contiguous()
    offset = bias[:, None].expand(-1, batch, -1).contiguous()
    return matrix, offset, products.new_zeros(directions, batch, weight.shape[2])


def before(states: Tensor) -> Tensor:
    """Return the states (T, D, B, H) one frame earlier, zero before the first."""
    return torch.cat([torch.zeros_like(states[:1]), states[:-1]])


def weight_gradients(recurrent: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of the recurrent weight (D, G H, H) and bias (D, G H).

    Shape: gradient of the recurrent products (T, D, B, G H), states before them (T, D, B, H).
    """
    rows = recurrent.transpose(0, 1).flatten(1, 2)
    return rows.transpose(1, 2) @ earlier.transpose(0, 1).flatten(1, 2), rows.sum(1)
