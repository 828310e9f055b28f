"""Old graphs, whose nodes put the weights of the recurrent layers in order.

New graphs hold these weights in the order that ONNX wants; old ones hold them as torch does, and
have nodes that divide and join them. ONNX Runtime runs such nodes when it loads a graph, which
takes two thirds of that time and 50 MB, so this module runs them before. It can go when nobody uses
such a graph any more.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.model.graph import FLOAT, GRAPH_INITIALIZER, TENSOR_NAME, Graph, Node
from asr.model.protobuf import Message, bytes_field, number_field, number_in, values

# More of onnx.proto.
ATTRIBUTE_INTEGER, ATTRIBUTE_GRAPH = 3, 6
TENSOR_DIMENSION, TENSOR_TYPE, TENSOR_DATA = 1, 2, 9
TENSOR_EXTERNAL, TENSOR_LOCATION, EXTERNAL = 13, 14, 1
ENTRY_KEY, ENTRY_VALUE = 1, 2
INTEGER = 7
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


OPERATORS: dict[str, Callable[[list[Weight], int, int], list[Weight]]] = {
    "Split": _split,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
}


def order_weights(model: Message) -> tuple[bytes, Weights] | None:
    """Run the nodes of a serialised ``model`` that only divide and join weights.

    Returns:
        The model without them, and the weights that they make, which its initialisers of the same
        names stand for (external ones, in ONNX's words); None if there are no such nodes.

    Raises:
        IndexError, ValueError, OverflowError: this is not a model, or not one like ours.
    """
    graph = Graph(model)
    known = {
        name: value
        for name, (_, content) in graph.weights.items()
        if (value := _tensor(content)) is not None
    }
    if any(key == ATTRIBUTE_GRAPH for node in graph.nodes for key, _ in node.attributes()):
        return None  # a graph inside a node may use any value
    made: Weights = {}
    needed = {*graph.outputs}
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    kept = []
    for node in graph.nodes:
        inputs = [known[name] for name in node.inputs if name in known]
        if node.operator in OPERATORS and len(inputs) == len(node.inputs) and _is_float(inputs[0]):
            outputs = OPERATORS[node.operator](inputs, _axis(node), len(node.outputs))
            for name, value in zip(node.outputs, outputs, strict=True):
                known[name] = made[name] = value
            uses.subtract(node.inputs)
            for name in node.inputs:  # the memory of what nobody needs any more is used again
                if not uses[name] and name not in needed:
                    known.pop(name, None)
                    made.pop(name, None)
        else:
            kept.append(node.whole)
            needed.update(node.inputs)
    if not made:
        return None
    weights = {
        name: np.require(value, requirements=["C", "ALIGNED", "OWNDATA"])
        for name, value in made.items()
        if name in needed
    }
    others = [*graph.inputs.values(), *graph.outputs.values()]
    others += [value for name, value in graph.weights.items() if name in needed]
    external = [
        bytes_field(GRAPH_INITIALIZER, _external(name, value)) for name, value in weights.items()
    ]
    return graph.model([*kept, *graph.rest, *(whole for whole, _ in others), *external]), weights


def _axis(node: Node) -> int:
    """Return the one integer attribute of a node, 0 if it has none."""
    return next((number_in(item) for key, item in node.attributes() if key == ATTRIBUTE_INTEGER), 0)


def _tensor(tensor: Message) -> Weight | None:
    """Return the value of a tensor, None if it is not stored as our graphs do."""
    shape, kind, data = [], 0, None
    for number, content in values(tensor):
        if number == TENSOR_DIMENSION:
            shape.append(number_in(content))
        elif number == TENSOR_TYPE:
            kind = number_in(content)
        elif number == TENSOR_DATA:
            data = content
    if data is None or kind not in TYPES:
        return None
    return np.frombuffer(data, TYPES[kind]).reshape(shape)


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
