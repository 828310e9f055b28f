"""The block STREAMINFO and the last frame of FLAC (RFC 9639), which both tell its length."""

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

BEGINNING = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
HEAD = 42
"""The bytes of the mark and STREAMINFO."""
_TAIL = 1 << 16  # the bytes within which the last frame begins, if the header does not tell
_COUNT = slice(21, 26)  # the bytes that hold the number of samples, and 4 bits of others before
_SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}} | {
    code: 256 << (code - 8) for code in range(8, 16)
}
_CRC_WIDTH = 256  # bytes that are taken together
_ID3V1 = 128  # the bytes of the tag that may stand behind the last frame


@dataclass(frozen=True)
class StreamInfo:
    """What STREAMINFO (section 8.2) tells: ``block`` and ``most`` are the samples of the smallest
    and the largest block, ``largest_frame`` the bytes of the largest frame (0: unknown), ``frames``
    the number of samples a channel (0: unknown). ``uncounted`` are the same ``HEAD`` bytes without
    that number."""

    block: int
    most: int
    largest_frame: int
    rate: int
    channels: int
    frames: int
    uncounted: bytes


def read_info(head: bytes) -> StreamInfo | None:
    """Read the first ``HEAD`` bytes of a recording; the result is None if it is no FLAC."""
    if len(head) < HEAD or not BEGINNING.match(head):
        return None
    uncounted = bytearray(head[:HEAD])
    uncounted[_COUNT] = bytes([head[_COUNT.start] & 0xF0, 0, 0, 0, 0])
    return StreamInfo(
        block=int.from_bytes(head[8:10], "big"),
        most=int.from_bytes(head[10:12], "big"),
        largest_frame=int.from_bytes(head[15:18], "big"),
        rate=int.from_bytes(head[18:21], "big") >> 4,
        channels=(head[20] >> 1 & 7) + 1,
        frames=int.from_bytes(head[_COUNT], "big") & 0xFFFFFFFFF,
        uncounted=bytes(uncounted),
    )


def read_end(file: BinaryIO, info: StreamInfo) -> int | None:
    """Return the number of samples up to the end of the last frame of a file; None if the file
    does not end with a whole frame. The position in the file remains where it is."""
    before = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(max(HEAD, size - (info.largest_frame or _TAIL) - _ID3V1))
    tail = file.read(_TAIL + _ID3V1)
    file.seek(before)
    if tail[-_ID3V1:].startswith(b"TAG"):
        tail = tail[:-_ID3V1]
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        end = _frame_end(tail[at : at + 16], info.block)
        if end is not None and _crc16(tail[at:]) == 0:
            return end
    return None


def _frame_end(header: bytes, fixed: int) -> int | None:
    """Return the sample with which the frame of ``header`` ends; None if it is none (section 9.1).
    ``fixed`` is the size of all blocks but the last."""
    if len(header) < 16 or header[1] not in (0xF8, 0xF9):
        return None
    code, first = header[2] >> 4, header[4]
    more = 8 - (first ^ 0xFF).bit_length() - 1 if first >= 0xC0 else 0
    if 0x80 <= first < 0xC0 or more > 6:
        return None
    number = first & (0x7F if not more else (1 << (6 - more)) - 1 if more < 6 else 0)
    for byte in header[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    at = 5 + more
    if code == 6:
        size = header[at] + 1
    elif code == 7:
        size = int.from_bytes(header[at : at + 2], "big") + 1
    else:
        size = _SIZES.get(code, 0)
    return (number if header[1] == 0xF9 else number * fixed) + size


@cache
def _crc16_table() -> NDArray[np.uint16]:
    """Return the checksum of each byte (columns), behind which stand as many zeros as there are
    rows below."""
    one = np.arange(256, dtype=np.uint16) << 8
    for _ in range(8):
        one = one << 1 ^ np.where(one & 0x8000, 0x8005, 0).astype(np.uint16)
    rows = [one]
    while len(rows) < _CRC_WIDTH:
        rows.append((rows[-1] & 0xFF) << 8 ^ one[rows[-1] >> 8])
    return np.stack(rows[::-1])


def _crc16(frame: bytes) -> int:
    """Return the checksum of a frame of FLAC (section 9.3): 0 if its own one, at its end, is
    included.

    The checksum of a sum is the sum of the checksums, so that many bytes can be taken together.
    """
    table = _crc16_table()
    places = np.arange(0, table.size, 256)
    data = np.frombuffer(bytes(-len(frame) % _CRC_WIDTH) + frame, np.uint8)
    sums = table.take(data.reshape(-1, _CRC_WIDTH) + places)
    high, low = table[0], table[1]
    crc = 0
    for part in np.bitwise_xor.reduce(sums, axis=1).tolist():
        crc = int(high[crc >> 8] ^ low[crc & 0xFF]) ^ part
    return crc
