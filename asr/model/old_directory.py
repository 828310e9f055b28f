"""Old model directories, whose graph of the feature statistics is cut out of ``model.onnx``.

New directories hold that graph as ``statistics.onnx``, old ones do not; and ONNX Runtime computes
all of a graph, whichever outputs are wanted. This module can go when nobody
uses such a directory any more.

A model file is a protocol buffer: a message is a row of fields, each a key (8 x its number + its
kind) and a value (https://protobuf.dev/programming-guides/encoding). The numbers below are those of
onnx.proto.
"""

from collections.abc import Iterator

from asr.errors import ModelError

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_OUTPUT = 1, 12
NODE_OUTPUT, VALUE_NAME = 2, 1

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def model_of_output(model: bytes, name: str) -> bytes:
    """Return a serialised ``model`` that has only the output ``name``.

    It keeps the nodes up to that which computes the output: in ONNX, each node stands behind those
    that it needs.

    Raises:
        ModelError: this is not a model, or it has no such output.
    """
    try:
        return b"".join(
            _field(number, _graph_of_output(content, name)) if number == MODEL_GRAPH else whole
            for number, whole, content in _fields(model)
        )
    except (IndexError, ValueError) as error:
        raise ModelError(f"not an ONNX model with the output {name!r} ({error})") from error


def _graph_of_output(graph: bytes, name: str) -> bytes:
    wanted = name.encode()
    kept, found = [], False
    for number, whole, content in _fields(graph):
        if number == GRAPH_NODE:
            if not found:
                kept.append(whole)
            found = found or (NODE_OUTPUT, wanted) in _values(content)
        elif number != GRAPH_OUTPUT or (VALUE_NAME, wanted) in _values(content):
            kept.append(whole)
    if not found:
        raise ValueError("no node computes it")
    return b"".join(kept)


def _values(message: bytes) -> list[tuple[int, bytes]]:
    return [(number, content) for number, _, content in _fields(message)]


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number, the whole bytes and the content of every field of a message."""
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        kind = key % 8
        if kind == VARINT:
            begin = position
            _, position = _read_varint(message, position)
        elif kind == BYTES:
            size, begin = _read_varint(message, position)
            position = begin + size
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            begin = position
            position += 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if position > len(message):
            raise ValueError("it ends inside a field")
        yield key // 8, message[start:position], message[begin:position]


def _field(number: int, content: bytes) -> bytes:
    return _varint(8 * number + BYTES) + _varint(len(content)) + content


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    """Read a number in groups of seven bits, the lowest first, and the position behind it."""
    value, shift = 0, 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
