"""Old model directories, whose graph of the feature statistics is cut out of ``model.onnx``.

New directories hold that graph as ``statistics.onnx``, old ones do not; and ONNX Runtime computes
all of a graph, whichever outputs are wanted. This module can go when nobody
uses such a directory any more. The numbers below are those of onnx.proto.
"""

from asr.errors import ModelError
from asr.model.protobuf import Message, bytes_field, fields, values

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_OUTPUT = 1, 12
NODE_OUTPUT, VALUE_NAME = 2, 1


def model_of_output(model: bytes, name: str) -> bytes:
    """Return a serialised ``model`` that has only the output ``name``.

    It keeps the nodes up to that which computes the output: in ONNX, each node stands behind those
    that it needs.

    Raises:
        ModelError: this is not a model, or it has no such output.
    """
    try:
        return b"".join(
            bytes_field(number, _graph_of_output(content, name)) if number == MODEL_GRAPH else whole
            for number, whole, content in fields(model)
        )
    except (IndexError, ValueError) as error:
        raise ModelError(f"not an ONNX model with the output {name!r} ({error})") from error


def _graph_of_output(graph: Message, name: str) -> bytes:
    wanted = name.encode()
    kept, found = [], False
    for number, whole, content in fields(graph):
        if number == GRAPH_NODE:
            if not found:
                kept.append(whole)
            found = found or (NODE_OUTPUT, wanted) in values(content)
        elif number != GRAPH_OUTPUT or (VALUE_NAME, wanted) in values(content):
            kept.append(whole)
    if not found:
        raise ValueError("no node computes it")
    return b"".join(kept)
