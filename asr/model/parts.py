"""The two parts of a graph: one turns waveforms into features, one features into log-probs.

ONNX Runtime computes all of a graph, but the features of a long recording are wanted before its
log-probs, and once: its statistics need them all, and its windows overlap. The numbers below are
those of onnx.proto.
"""

from collections.abc import Iterable

from asr.errors import ModelError
from asr.model.protobuf import Message, bytes_field, fields, number_field, text_in, values

FEATURES = "features"
"""The name of the log-mel features (B, frames, num_mels) in both parts."""

WAVEFORMS, LENGTHS, STATISTICS = "waveforms", "lengths", "statistics"
OUTPUTS = ("log_probs", "frame_lengths")

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR = 1, 2, 4
TENSOR_NAME = 8
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR = 1, 2, 1
TENSOR_ELEMENT, TENSOR_SHAPE, SHAPE_DIMENSION, DIMENSION_NAME, FLOAT = 1, 2, 1, 2, 1


def divide(model: Message) -> tuple[bytes, bytes]:
    """Divide a serialised ``model`` at its log-mel features.

    Returns:
        The part with the input ``waveforms`` and the output ``features``, and the part with the
        inputs ``features``, ``lengths`` (samples) and ``statistics`` and the outputs ``log_probs``
        and ``frame_lengths``. Weights that the first part needs are left out of the second.

    Raises:
        ModelError: this is not a model, or computes no logarithm of its waveforms.
    """
    try:
        parts = list(fields(model))
        (graph,) = (_Graph(content) for number, _, content in parts if number == MODEL_GRAPH)
        features = graph.features()
        front = graph.part([features], [WAVEFORMS], features)
        network = graph.part(OUTPUTS, [features, LENGTHS, STATISTICS], features)
    except (IndexError, StopIteration, ValueError) as error:
        raise ModelError(f"not an ONNX model from waveforms to log-probs ({error})") from error
    rest = b"".join(whole for number, whole, _ in parts if number != MODEL_GRAPH)
    return rest + bytes_field(MODEL_GRAPH, front), rest + bytes_field(MODEL_GRAPH, network)


class _Node:
    """A node: its bytes as a field of the graph, its operator, inputs and outputs."""

    def __init__(self, content: Message) -> None:
        self.inputs, self.outputs, self.rest = list[str](), list[str](), list[bytes]()
        self.operator = ""
        for number, whole, value in fields(content):
            if number == NODE_INPUT:
                self.inputs.append(text_in(value))
            elif number == NODE_OUTPUT:
                self.outputs.append(text_in(value))
            else:
                self.rest.append(bytes(whole))
                if number == NODE_OPERATOR:
                    self.operator = text_in(value)

    def renamed(self, name: str) -> bytes:
        """Return the node as a field of a graph in which the value ``name`` is ``features``."""
        named = [
            bytes_field(number, (FEATURES if value == name else value).encode())
            for number, names in ((NODE_INPUT, self.inputs), (NODE_OUTPUT, self.outputs))
            for value in names
        ]
        return bytes_field(GRAPH_NODE, b"".join([*named, *self.rest]))


class _Graph:
    """A graph: its nodes in an order in which each stands behind those that it needs, its weights,
    inputs and outputs by their names, and the rest."""

    def __init__(self, content: Message) -> None:
        self.nodes: list[_Node] = []
        self.named: dict[int, dict[str, Message]] = {
            GRAPH_INITIALIZER: {},
            GRAPH_INPUT: {},
            GRAPH_OUTPUT: {},
        }
        self.rest: list[Message] = []
        for number, whole, value in fields(content):
            if number == GRAPH_NODE:
                self.nodes.append(_Node(value))
            elif number in self.named:
                key = TENSOR_NAME if number == GRAPH_INITIALIZER else VALUE_NAME
                (name,) = (text_in(item) for field, item in values(value) if field == key)
                self.named[number][name] = whole
            else:
                self.rest.append(whole)

    def features(self) -> str:
        """Return the name of the features: the first logarithm, or what transposes it."""
        nodes = iter(self.nodes)
        logarithm = next(node for node in nodes if node.operator == "Log").outputs[0]
        following = next(nodes)
        transposed = following.operator == "Transpose" and following.inputs == [logarithm]
        return following.outputs[0] if transposed else logarithm

    def part(self, outputs: Iterable[str], inputs: Iterable[str], features: str) -> bytes:
        """Return the part of the graph that computes ``outputs`` from ``inputs``."""
        wanted, given, nodes = set(outputs), set(inputs), list[_Node]()
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs) - given:
                nodes.append(node)
                wanted.update(node.inputs)
        kept: list[Message] = [node.renamed(features) for node in reversed(nodes)]
        wanted |= given
        for number, entries in self.named.items():
            chosen = wanted if number == GRAPH_INITIALIZER else given
            if number == GRAPH_OUTPUT:
                chosen = set(outputs)
            kept += [whole for name, whole in entries.items() if name in chosen]
        place = GRAPH_INPUT if features in given else GRAPH_OUTPUT
        return b"".join([*kept, *self.rest, bytes_field(place, _description())])


def _description() -> bytes:
    """Return the description of ``features`` as an input or output of a graph."""
    shape = b"".join(
        bytes_field(SHAPE_DIMENSION, bytes_field(DIMENSION_NAME, name))
        for name in (b"batch", b"feature_frames", b"mels")
    )
    tensor = number_field(TENSOR_ELEMENT, FLOAT) + bytes_field(TENSOR_SHAPE, shape)
    kind = bytes_field(VALUE_TYPE, bytes_field(TYPE_TENSOR, tensor))
    return bytes_field(VALUE_NAME, FEATURES.encode()) + kind
