"""The two parts of a graph: one turns waveforms into features, one features into log-probs.

ONNX Runtime computes all of a graph, but the features of a long recording are wanted before its
log-probs, and once: they are normalised by those around them, and its windows overlap.
"""

from collections.abc import Iterable

from asr.errors import ModelError
from asr.model.graph import (
    FLOAT,
    GRAPH_INPUT,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    NODE_INPUT,
    NODE_OUTPUT,
    VALUE_NAME,
    Graph,
    Node,
)
from asr.model.protobuf import Message, bytes_field, number_field

FEATURES = "features"
"""The name of the log-mel features (B, frames, num_mels) in both parts."""

WAVEFORMS, LENGTHS, STATISTICS = "waveforms", "lengths", "statistics"
OUTPUTS = ("log_probs", "frame_lengths")
ENCODINGS = "encodings"
"""A third output of the network, of models that have a decoder."""

VALUE_TYPE, TYPE_TENSOR = 2, 1  # as in onnx.proto
TENSOR_ELEMENT, TENSOR_SHAPE, SHAPE_DIMENSION, DIMENSION_NAME = 1, 2, 1, 2


def divide(model: Message) -> tuple[bytes, bytes]:
    """Divide a serialised ``model`` at its log-mel features.

    Returns:
        The part with the input ``waveforms`` and the output ``features``, and the part with the
        inputs ``features``, ``lengths`` (samples) and ``statistics`` and the outputs ``log_probs``,
        ``frame_lengths`` and, if the model has them, ``encodings``. Weights that the first part
        needs are left out of the second.

    Raises:
        ModelError: this is not a model, or computes no logarithm of its waveforms.
    """
    try:
        graph = Graph(model)
        features = _features(graph)
        front = _part(graph, [features], [WAVEFORMS], features)
        outputs = [*OUTPUTS, *(name for name in graph.outputs if name == ENCODINGS)]
        network = _part(graph, outputs, [features, LENGTHS, STATISTICS], features)
    except (IndexError, StopIteration, ValueError) as error:
        raise ModelError(f"not an ONNX model from waveforms to log-probs ({error})") from error
    return front, network


def _features(graph: Graph) -> str:
    """Return the name of the features: the first logarithm, or what transposes it."""
    nodes = iter(graph.nodes)
    logarithm = next(node for node in nodes if node.operator == "Log").outputs[0]
    following = next(nodes)
    transposed = following.operator == "Transpose" and following.inputs == [logarithm]
    return following.outputs[0] if transposed else logarithm


def _part(graph: Graph, outputs: Iterable[str], inputs: Iterable[str], features: str) -> bytes:
    """Return the part of the graph that computes ``outputs`` from ``inputs``, as a model."""
    wanted, given, nodes = set(outputs), set(inputs), list[Node]()
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs) - given:
            nodes.append(node)
            wanted.update(node.inputs)
    kept: list[Message] = [_renamed(node, features) for node in reversed(nodes)]
    for entries, chosen in (
        (graph.weights, wanted | given),
        (graph.inputs, given),
        (graph.outputs, set(outputs)),
    ):
        kept += [whole for name, (whole, _) in entries.items() if name in chosen]
    place = GRAPH_INPUT if features in given else GRAPH_OUTPUT
    return graph.model([*kept, *graph.rest, bytes_field(place, _description())])


def _renamed(node: Node, name: str) -> bytes:
    """Return the node as a field of a graph in which the value ``name`` is ``features``."""
    named = [
        bytes_field(number, (FEATURES if value == name else value).encode())
        for number, names in ((NODE_INPUT, node.inputs), (NODE_OUTPUT, node.outputs))
        for value in names
    ]
    return bytes_field(GRAPH_NODE, b"".join([*named, *(whole for _, whole, _ in node.rest)]))


def _description() -> bytes:
    """Return the description of ``features`` as an input or output of a graph."""
    shape = b"".join(
        bytes_field(SHAPE_DIMENSION, bytes_field(DIMENSION_NAME, name))
        for name in (b"batch", b"feature_frames", b"mels")
    )
    tensor = number_field(TENSOR_ELEMENT, FLOAT) + bytes_field(TENSOR_SHAPE, shape)
    kind = bytes_field(VALUE_TYPE, bytes_field(TYPE_TENSOR, tensor))
    return bytes_field(VALUE_NAME, FEATURES.encode()) + kind
