"""Old graphs, whose nodes put the weights of the recurrent layers in order.

New graphs hold these weights in the order that ONNX wants; old ones hold them as torch does, and
have nodes that divide and join them. ONNX Runtime runs such nodes when it loads a graph, which
takes two thirds of that time and 50 MB, so this module runs them before. It can go when nobody uses
such a graph any more. The numbers below are those of onnx.proto.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.model.protobuf import (
    Message,
    bytes_field,
    fields,
    number_field,
    number_in,
    text_in,
    values,
)

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT = 1, 5, 12
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_INTEGER, ATTRIBUTE_GRAPH = 3, 6
TENSOR_DIMENSION, TENSOR_TYPE, TENSOR_NAME, TENSOR_DATA = 1, 2, 8, 9
TENSOR_EXTERNAL, TENSOR_LOCATION, EXTERNAL = 13, 14, 1
ENTRY_KEY, ENTRY_VALUE = 1, 2
VALUE_NAME = 1
FLOAT, INTEGER = 1, 7
TYPES = {FLOAT: "<f4", INTEGER: "<i8"}

Weight = npt.NDArray[Any]
Weights = dict[str, Weight]


def _split(inputs: list[Weight], axis: int, outputs: int) -> list[Weight]:
    (value,) = inputs
    return np.split(value, outputs, axis)


def _concat(inputs: list[Weight], axis: int, outputs: int) -> list[Weight]:
    return [np.concatenate(inputs, axis) if len(inputs) > 1 else inputs[0]]


def _unsqueeze(inputs: list[Weight], axis: int, outputs: int) -> list[Weight]:
    value, axes = inputs
    return [np.expand_dims(value, tuple(axes))]


OPERATORS: dict[bytes, Callable[[list[Weight], int, int], list[Weight]]] = {
    b"Split": _split,
    b"Concat": _concat,
    b"Unsqueeze": _unsqueeze,
}


def order_weights(model: Message) -> tuple[bytes, Weights] | None:
    """Run the nodes of a serialised ``model`` that only divide and join weights.

    Returns:
        The model without them, and the weights that they make, which its initialisers of the same
        names stand for (external ones, in ONNX's words); None if there are no such nodes.

    Raises:
        IndexError, ValueError, OverflowError: this is not a model, or not one like ours.
    """
    parts = list(fields(model))
    (graph,) = (content for number, _, content in parts if number == MODEL_GRAPH)
    ordered = _order(graph)
    if ordered is None:
        return None
    rest = [whole for number, whole, _ in parts if number != MODEL_GRAPH]
    return b"".join([*rest, bytes_field(MODEL_GRAPH, ordered[0])]), ordered[1]


def _order(graph: Message) -> tuple[bytes, Weights] | None:
    nodes, others = [], []
    initializers: dict[str, Message] = {}
    known: Weights = {}
    needed: set[str] = set()
    for number, whole, content in fields(graph):
        if number == GRAPH_NODE:
            nodes.append((whole, _Node(content)))
        elif number == GRAPH_INITIALIZER:
            name, value = _tensor(content)
            initializers[name] = whole
            if value is not None:
                known[name] = value
        else:
            others.append(whole)
            if number == GRAPH_OUTPUT:
                needed.update(text_in(item) for key, item in values(content) if key == VALUE_NAME)
    if any(node.has_graph for _, node in nodes):  # which may use any value
        return None
    made: Weights = {}
    kept = []
    for whole, node in nodes:
        inputs = [known[name] for name in node.inputs if name in known]
        if node.operator in OPERATORS and len(inputs) == len(node.inputs) and _is_float(inputs[0]):
            outputs = OPERATORS[node.operator](inputs, node.axis, len(node.outputs))
            for name, value in zip(node.outputs, outputs, strict=True):
                known[name] = made[name] = value
        else:
            kept.append(whole)
            needed.update(node.inputs)
    if not made:
        return None
    weights = {
        name: np.require(value, requirements=["C", "ALIGNED", "OWNDATA"])
        for name, value in made.items()
        if name in needed
    }
    remaining = [whole for name, whole in initializers.items() if name in needed]
    external = [
        bytes_field(GRAPH_INITIALIZER, _external(name, value)) for name, value in weights.items()
    ]
    return b"".join([*kept, *others, *remaining, *external]), weights


class _Node:
    """What is read of a node: its operator, inputs and outputs, its one integer attribute (the
    axis), and whether it has a graph of its own."""

    def __init__(self, node: Message) -> None:
        self.operator = b""
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.axis = 0
        self.has_graph = False
        for number, content in values(node):
            if number == NODE_INPUT:
                self.inputs.append(text_in(content))
            elif number == NODE_OUTPUT:
                self.outputs.append(text_in(content))
            elif number == NODE_OPERATOR:
                self.operator = bytes(content)
            elif number == NODE_ATTRIBUTE:
                for key, value in values(content):
                    self.has_graph = self.has_graph or key == ATTRIBUTE_GRAPH
                    if key == ATTRIBUTE_INTEGER:
                        self.axis = number_in(value)


def _tensor(tensor: Message) -> tuple[str, Weight | None]:
    """Return the name of a tensor and its value, None if that is not stored as our graphs do."""
    shape, name, kind, data = [], "", 0, None
    for number, content in values(tensor):
        if number == TENSOR_DIMENSION:
            shape.append(number_in(content))
        elif number == TENSOR_TYPE:
            kind = number_in(content)
        elif number == TENSOR_NAME:
            name = text_in(content)
        elif number == TENSOR_DATA:
            data = content
    if data is None or kind not in TYPES:
        return name, None
    return name, np.frombuffer(data, TYPES[kind]).reshape(shape)


def _external(name: str, value: Weight) -> bytes:
    """Return a tensor whose value ONNX Runtime is given apart from the model."""
    entry = bytes_field(ENTRY_KEY, b"location") + bytes_field(ENTRY_VALUE, b"memory")
    return b"".join(
        [
            *(number_field(TENSOR_DIMENSION, size) for size in value.shape),
            number_field(TENSOR_TYPE, FLOAT),
            bytes_field(TENSOR_NAME, name.encode()),
            bytes_field(TENSOR_EXTERNAL, entry),
            number_field(TENSOR_LOCATION, EXTERNAL),
        ]
    )


def _is_float(value: Weight) -> bool:
    return value.dtype == np.dtype(TYPES[FLOAT])
