"""Messages between two processes over a pipe: a JSON object, and bytes behind it."""

import json
import os
import select
import struct
import time
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<QQ")
_MOST = 1 << 20


def send(file: BinaryIO, header: dict[str, Any], payload: bytes = b"") -> None:
    """Write one message.

    Raises:
        OSError: nobody reads it any more.
    """
    text = json.dumps(header).encode()
    file.write(_LENGTHS.pack(len(text), len(payload)) + text + payload)
    file.flush()


def receive(file: BinaryIO, seconds: float | None = None) -> tuple[dict[str, Any], bytes]:
    """Read the next message of an unbuffered ``file``, within ``seconds`` if they are given.

    >>> read, write = os.pipe()
    >>> with open(write, "wb") as file:
    ...     send(file, {"kind": "heard"}, b"ab")
    >>> with open(read, "rb", buffering=0) as file:
    ...     receive(file)
    ({'kind': 'heard'}, b'ab')

    Raises:
        EOFError: the other process has ended.
        TimeoutError: the message was not there in time.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    text, payload = _LENGTHS.unpack(_exactly(file, _LENGTHS.size, deadline))
    return json.loads(_exactly(file, text, deadline)), _exactly(file, payload, deadline)


def _exactly(file: BinaryIO, count: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < count:
        if deadline is not None:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([file], [], [], left)[0]:
                raise TimeoutError
        part = os.read(file.fileno(), min(_MOST, count - len(data)))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
