"""Recurrent layers, one on the other: what acoustic and language models have in common."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.training.cells import load_cell
from asr.training.cells.base import CellWeights
from asr.training.dropout import Dropout
from asr.training.onnx_graph import Graph
from asr.training.products import linear

DIRECTIONS = ("", "_reverse")
"""What torch appends to the names of a direction's weights."""


class Recurrent(nn.Module):
    """One recurrent layer over sequences of unequal length, in one or both directions.

    The backward direction (Schuster & Paliwal 1997) starts at each sequence's own last frame.

    Shape: x (B, T, input), lengths (B,) -> (B, T, hidden * directions), zero behind each length.
    """

    output_size: int

    def __init__(self, cell: str, input_size: int, hidden_size: int, bidirectional: bool) -> None:
        super().__init__()
        self.definition = load_cell(cell)
        self.hidden_size = hidden_size
        self.suffixes = DIRECTIONS if bidirectional else DIRECTIONS[:1]
        layer = self.definition.torch_layer
        self.cell: nn.Module = (
            CellWeights(self.definition, input_size, hidden_size, bidirectional)
            if layer is None
            else layer(input_size, hidden_size, batch_first=True, bidirectional=bidirectional)
        )
        self.kinds = tuple(self.definition.shapes(input_size, hidden_size))
        self.output_size = hidden_size * len(self.suffixes)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        on_cpu = x.device.type == "cpu"
        if self.definition.torch_layer is None or (on_cpu and torch.is_grad_enabled()):
            return self._unroll(x, lengths)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        output, _ = self.cell(packed)
        padded, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
        return padded

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of all directions by their kind, each (D, …)."""
        return {
            kind: torch.stack([self._weight(kind, suffix) for suffix in self.suffixes])
            for kind in self.kinds
        }

    def _unroll(self, x: Tensor, lengths: Tensor) -> Tensor:
        weights = self.weights()
        matrix, bias = weights.pop("weight_ih").flatten(0, 1), weights.pop("bias_ih").flatten()
        products = linear(x, matrix, bias).view(*x.shape[:2], len(self.suffixes), -1)
        return self.definition.recur(products, weights, lengths).flatten(2)

    def step(
        self, x: Tensor, states: tuple[Tensor, ...], weights: dict[str, Tensor]
    ) -> tuple[Tensor, ...]:
        """Return the states after one more item of sequences, in one direction.

        Shape: x (B, input), states (1, B, hidden) each, :meth:`weights` -> (1, B, hidden) each.
        """
        product = nn.functional.linear(x, weights["weight_ih"][0], weights["bias_ih"][0])
        return self.definition.step(product[None], states, weights)

    def _weight(self, kind: str, suffix: str) -> Tensor:
        weight: Tensor = getattr(self.cell, f"{kind}_l0{suffix}")
        return weight


class RecurrentStack(nn.Module):
    """Recurrent layers, each followed by layer normalisation (Ba et al. 2016) and dropout.

    If ``residual``, every layer but the first adds to its input (He et al. 2016).

    Shape: x (B, T, input), lengths (B,) -> (B, T, output_size), of no meaning behind each length.
    """

    output_size: int

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        bidirectional: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        size = input_size
        for _ in range(layers):
            layer = Recurrent(cell, size, hidden_size, bidirectional)
            size = layer.output_size
            self.layers.append(layer)
            self.norms.append(nn.LayerNorm(size))
        self.dropout = Dropout(dropout)
        self.output_size = size

    def recur(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Apply all layers."""
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            y = self.dropout(norm(layer(x, lengths)))
            x = x + y if self.residual and index else y
        return x


def stack_nodes(
    graph: Graph,
    stack: RecurrentStack,
    weight: Callable[[str], str],
    hidden: str,
    lengths: str,
    states: Sequence[Sequence[str]] = (),
) -> tuple[str, list[list[str]]]:
    """Add the nodes of what ``stack`` computes without dropout.

    ``weight`` adds a weight of the stack by its name. ``states`` are, for each layer, its first
    states (directions, B, hidden), which are zero if there are none.

    Shape: hidden (T, B, input), lengths (B,) int32 -> outputs (T, B, hidden * directions), of no
    meaning behind each length; the last states, ordered as ``states``.
    """
    last = []
    for index, layer in enumerate(stack.layers):
        assert isinstance(layer, Recurrent)
        before = hidden
        weights = [
            {kind: weight(f"layers.{index}.cell.{kind}_l0{suffix}") for kind in layer.kinds}
            for suffix in layer.suffixes
        ]
        hidden, ends = layer.definition.unroll_nodes(
            graph, hidden, lengths, weights, layer.hidden_size, states[index] if states else ()
        )
        last.append(ends)
        # (T, directions, B, hidden) -> (T, B, directions * hidden)
        hidden = graph.add("Transpose", hidden, perm=[0, 2, 1, 3])
        hidden = graph.add("Reshape", hidden, graph.constant([0, 0, layer.output_size]))
        hidden = graph.add(
            "LayerNormalization",
            hidden,
            weight(f"norms.{index}.weight"),
            weight(f"norms.{index}.bias"),
            axis=-1,
            epsilon=1e-5,
        )
        if stack.residual and index:
            hidden = graph.add("Add", before, hidden)
    return hidden, last
