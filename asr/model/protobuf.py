"""Reading and writing of protocol buffers, the form of ONNX models.

A message is a row of fields, each a key (8 x its number + its kind) and a value
(https://protobuf.dev/programming-guides/encoding). Functions that read a message raise
:class:`IndexError` or :class:`ValueError` if it is none.
"""

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
Message = bytes | memoryview


def fields(message: Message) -> Iterator[tuple[int, Message, Message]]:
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


def values(message: Message) -> list[tuple[int, Message]]:
    """Return the number and the content of every field of a message."""
    return [(number, content) for number, _, content in fields(message)]


def number_in(content: Message) -> int:
    """Return the number that is the content of a field, an integer of 64 bits with a sign.

    >>> [number_in(content) for _, content in values(number_field(3, 640))]
    [640]
    >>> number_in(bytes([255] * 9 + [1]))
    -1
    """
    value, _ = _read_varint(content, 0)
    return value - (value >> 63 << 64)


def text_in(content: Message) -> str:
    """Return the text that is the content of a field."""
    return str(content, "utf-8")


def bytes_field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes: a text, or another message."""
    return _varint(8 * number + BYTES) + _varint(len(content)) + content


def number_field(number: int, value: int) -> bytes:
    """Return a field that holds a number of 0 or more."""
    return _varint(8 * number + VARINT) + _varint(value)


def _read_varint(message: Message, position: int) -> tuple[int, int]:
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
