"""How long an Ogg file is by its last page.

libsndfile heeds that page only if all of it is sound, and else goes by an earlier one.
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

_PAGE = 1 << 16
"""Bytes of a page, at most."""
_HEADER = struct.Struct("<4s x B q 12x B")
_OPUS_RATE = 48000
_LATE = 60 * _OPUS_RATE


@dataclass(frozen=True)
class OggEnd:
    """``complete``: the last page is there. ``position``: the samples until its end, at
    ``rate`` Hz (None: that of the recording); 0 if it tells nothing."""

    complete: bool
    position: int
    rate: int | None

    def frames(self, rate: int) -> int:
        """The position at ``rate`` Hz."""
        return self.position * rate // (self.rate or rate)


def read_end(file: BinaryIO) -> OggEnd:
    """Look at both ends of a file."""
    file.seek(0)
    head = file.read(2 * _PAGE)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * _PAGE))
    tail = file.read(2 * _PAGE)
    start = tail.rfind(b"OggS")
    if start < 0:
        return OggEnd(True, 0, None)  # hidden behind other data
    if len(tail) < start + _HEADER.size:
        return OggEnd(False, 0, None)
    _, flags, position, segments = _HEADER.unpack_from(tail, start)
    body = start + _HEADER.size + segments
    whole = len(tail) >= body + sum(tail[start + _HEADER.size : body])
    complete = whole and bool(flags & 4)
    opus = head[28:36] == b"OpusHead"
    skipped = int.from_bytes(head[38:40], "little") if opus else 0
    if not 0 < _first_position(head) < _LATE:  # a part of a longer stream
        return OggEnd(complete, 0, None)
    return OggEnd(complete, max(0, position - skipped), _OPUS_RATE if opus else None)


def _first_position(head: bytes) -> int:
    start = head.find(b"OggS")
    while start >= 0 and len(head) >= start + _HEADER.size:
        if position := _HEADER.unpack_from(head, start)[2]:
            return int(position)
        start = head.find(b"OggS", start + 1)
    return 0
