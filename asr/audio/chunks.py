"""Sizes of the chunks of which a container consists: do they go on beyond the end of the file?

FFmpeg takes the end of a truncated file in these containers for that of its last chunk.
"""

import os
import struct
from collections.abc import Callable
from typing import BinaryIO

from asr.audio.headers import is_placeholder

_MOST = 1 << 62
"""A size from which on it is one that the recorder has not filled in."""


def _voc(head: bytes) -> int | None:
    """Return the bytes of a block of Creative Voice, which begins with ``head``; None at the last
    one or if it does not tell."""
    if not head or head[0] == 0:
        return None
    return 4 + int.from_bytes(head[1:4], "little")


def _caf(head: bytes) -> int | None:
    """Return the bytes of a chunk of Core Audio."""
    (size,) = struct.unpack_from(">q", head, 4)
    return None if size < 0 else 12 + int(size)


def _w64(head: bytes) -> int | None:
    """Return the bytes of a chunk of Wave64, which begin at multiples of 8."""
    (size,) = struct.unpack_from("<Q", head, 16)
    return None if size < 24 else (int(size) + 7) // 8 * 8


def _mov(head: bytes) -> int | None:
    """Return the bytes of a box of MP4 (ISO/IEC 14496-12, 4.2)."""
    (size,) = struct.unpack_from(">I", head)
    if size == 1:
        (size,) = struct.unpack_from(">Q", head, 8)
    return None if size < 8 else int(size)


_CHUNKS: dict[str, tuple[int, Callable[[bytes], int | None]]] = {
    "voc": (26, _voc),
    "caf": (8, _caf),
    "w64": (40, _w64),
    "mov": (0, _mov),
}
"""The position of the first chunk, and the function that returns the size of one."""


def missing_bytes(file: BinaryIO, container: str | None) -> int:
    """Return how many bytes the last chunk of ``file`` has beyond the end of the file; 0 if the
    chunks of the ``container`` are not known here, or do not tell."""
    if container not in _CHUNKS:
        return 0
    at, size_of = _CHUNKS[container]
    end = file.seek(0, os.SEEK_END)
    while at < end:
        file.seek(at)
        try:
            size = size_of(file.read(32))
        except struct.error:
            return 0  # a few bytes behind the last chunk
        if size is None or size > _MOST or is_placeholder(size):
            return 0
        at += size
    return at - end
