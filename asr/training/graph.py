"""Graphs for ONNX Runtime, written node by node.

Exporters freeze the time axis and have been silently wrong for GRU, so graphs are built with
``onnx.helper``. Initialisers carry the names of the torch parameters and their values as they are;
gates are put in ONNX's order by nodes that ONNX Runtime folds when it loads the graph.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
GATES = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""ONNX's order of gates in torch's: LSTM i, o, f, g of i, f, g, o; GRU z, r, n of r, z, n."""

STATES = {"rnn": 1, "lstm": 2, "gru": 1}
"""Tensors that a layer carries from step to step: the LSTM's memory stands after its output."""

Shape = Sequence[str | int]


class Graph:
    """Nodes and initialisers as they are added; every value has one name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def weight(self, name: str, value: npt.NDArray[Any]) -> str:
        """An initialiser under ``name``."""
        self.initializers.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def constant(self, value: Any, dtype: type = np.int64) -> str:
        """A small constant; equal ones are stored once."""
        array: npt.NDArray[Any] = np.asarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.weight(f"constant_{len(self._constants)}", array)
        return self._constants[key]

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """A node with one output, whose name is returned."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def add_many(self, operator: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with ``count`` outputs, whose names are returned."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        outputs = [name, *(f"{name}.{i}" for i in range(1, count))]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def split(self, value: str, parts: int) -> list[str]:
        """Equal parts along the first axis."""
        outputs = [f"{value}.part_{i}" for i in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], outputs, axis=0))
        return outputs

    def mask(self, lengths: str, frames: str) -> str:
        """(B,) and a scalar -> (B, frames) float, one where a frame exists."""
        steps = self.add("Range", self.constant(0), frames, self.constant(1))
        exists = self.add("Less", steps, self.add("Unsqueeze", lengths, self.constant([1])))
        return self.add("Cast", exists, to=TensorProto.FLOAT)

    def size(self, value: str, axis: int) -> str:
        """Length of one axis, a scalar."""
        return self.add("Gather", self.add("Shape", value), self.constant(axis), axis=0)

    def ceil_divide(self, value: str, divisor: int) -> str:
        """Integers divided and rounded up."""
        raised = self.add("Add", value, self.constant(divisor - 1))
        return self.add("Div", raised, self.constant(divisor))

    def model(
        self,
        name: str,
        inputs: Sequence[tuple[str, int, Shape]],
        outputs: Sequence[tuple[str, int, Shape]],
    ) -> onnx.ModelProto:
        """The whole, checked; inputs and outputs are names with their types and shapes."""
        proto = helper.make_model(
            helper.make_graph(
                self.nodes,
                name,
                inputs=[helper.make_tensor_value_info(*value) for value in inputs],
                outputs=[helper.make_tensor_value_info(*value) for value in outputs],
                initializer=self.initializers,
            ),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="bigru-asr",
        )
        onnx.checker.check_model(proto)
        return proto


def recurrent_stack(
    graph: Graph,
    weight: Callable[[str], str],
    cell: str,
    hidden_size: int,
    layers: int,
    bidirectional: bool,
    hidden: str,
    steps: str,
    states: Sequence[Sequence[str]] | None = None,
) -> tuple[str, list[list[str]]]:
    """What :class:`asr.training.stack.RecurrentStack` computes without dropout.

    ``weight`` adds a weight of the stack by its name; ``hidden`` is (T, B, input), ``steps`` (B,)
    int32; ``states`` have for each layer its first states (directions, B, hidden), zero without.
    Returns the outputs (T, B, hidden * directions) and the last states, ordered as ``states``.
    """
    last = []
    for index in range(layers):
        first = states[index] if states else ()
        hidden, ends = _recurrent(
            graph, weight, f"layers.{index}.cell", cell, hidden_size, bidirectional, hidden, steps,
            first,
        )  # fmt: skip
        last.append(ends)
        hidden = graph.add(
            "LayerNormalization",
            hidden,
            weight(f"norms.{index}.weight"),
            weight(f"norms.{index}.bias"),
            axis=-1,
            epsilon=1e-5,
        )
    return hidden, last


def _recurrent(
    graph: Graph,
    weight: Callable[[str], str],
    name: str,
    cell: str,
    hidden_size: int,
    bidirectional: bool,
    hidden: str,
    steps: str,
    first: Sequence[str],
) -> tuple[str, list[str]]:
    """One layer, (T, B, input) -> (T, B, hidden * directions)."""
    directions = ("", "_reverse") if bidirectional else ("",)
    order = GATES[cell]

    def gates(kind: str, suffix: str) -> str:
        value = weight(f"{name}.{kind}_l0{suffix}")
        if len(order) == 1:
            return value
        parts = graph.split(value, len(order))
        return graph.add("Concat", *(parts[i] for i in order), axis=0)

    def both(*kinds: str) -> str:
        rows = [
            graph.add("Concat", *(gates(kind, suffix) for kind in kinds), axis=0)
            for suffix in directions
        ]
        axis = graph.constant([0])
        return graph.add("Concat", *(graph.add("Unsqueeze", row, axis) for row in rows), axis=0)

    attributes: dict[str, Any] = {
        "hidden_size": hidden_size,
        "direction": "bidirectional" if bidirectional else "forward",
    }
    if cell == "gru":
        attributes["linear_before_reset"] = 1
    output, *last = graph.add_many(
        OPERATORS[cell],
        1 + STATES[cell],
        hidden,
        both("weight_ih"),
        both("weight_hh"),
        both("bias_ih", "bias_hh"),
        steps,
        *first,
        **attributes,
    )
    # (T, directions, B, hidden) -> (T, B, directions * hidden)
    output = graph.add("Transpose", output, perm=[0, 2, 1, 3])
    size = hidden_size * len(directions)
    return graph.add("Reshape", output, graph.constant([0, 0, size])), last
