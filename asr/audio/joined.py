"""Files in which one recording follows another, as recorders, radio and ``cat`` write them.

A decoder stops at the end of the first of them. :class:`Links` finds where the next one begins, in
the same way for a file and for a pipe.
"""

import io
import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from asr.audio.headers import ID3, id3_size
from asr.audio.inputs import Read

_PIECE = 1 << 20
_AHEAD = 1 << 15  # bytes that are asked for at once, because decoders ask for a few
_LONGEST = 128  # the bytes that tell whether a recording begins
_MP3_FRAME = rb"\xff[\xe2-\xff][^\xf0-\xff]."


@dataclass(frozen=True)
class _Beginning:
    """The bytes with which a recording begins: a ``pattern`` that contains ``literal``, which
    stands at one of the ``places`` in it."""

    literal: bytes
    pattern: bytes
    places: tuple[int, ...] = (0,)

    def begins(self, data: bytes) -> bool:
        """Return True if a recording begins with ``data`` (``_LONGEST`` bytes)."""
        return re.match(self.pattern, data, re.DOTALL) is not None


_BEGINNINGS = {
    "flac": [_Beginning(b"fLaC", rb"fLaC[\x00\x80]\x00\x00\x22")],
    "ogg": [_Beginning(b"OggS\0\2", rb"OggS\x00\x02"), _Beginning(b"OggS\0\6", rb"OggS\x00\x06")],
    "mp3": [
        _Beginning(b"Info\0\0\0", _MP3_FRAME + rb".{9,32}Info\0\0\0", (36, 21, 13)),
        _Beginning(b"Xing\0\0\0", _MP3_FRAME + rb".{9,32}Xing\0\0\0", (36, 21, 13)),
        _Beginning(b"ID3", ID3),
    ],
    "matroska": [
        _Beginning(
            b"\x1a\x45\xdf\xa3", rb"\x1a\x45\xdf\xa3.{1,64}?\x42\x82[\x84-\x8f](?:webm|matroska)"
        )
    ],
    "mov": [_Beginning(b"ftyp", rb"\0\0\0.ftyp[ -~]{4}", (4,))],
    "flv": [_Beginning(b"FLV\1", rb"FLV\x01[\x00-\x05]\x00\x00\x00\x09")],
    "amr": [_Beginning(b"#!AMR", rb"#!AMR(?:-WB)?\n")],
    "wav": [_Beginning(b"RIFF", rb"RIFF....WAVEfmt ")],
    "avi": [_Beginning(b"RIFF", rb"RIFF....AVI LIST")],
    "asf": [_Beginning(b"\x30\x26\xb2\x75", re.escape(bytes.fromhex("3026b2758e66cf11a6d900aa")))],
    "caf": [_Beginning(b"caff\0\1", rb"caff\x00\x01..desc")],
    "w64": [_Beginning(b"riff\x2e\x91", rb"riff\x2e\x91\xcf\x11\xa5\xd6")],
    "tta": [_Beginning(b"TTA1", rb"TTA1[\x01\x03]\x00.\x00")],
    # The first block of a recording has the index 0 and, of several channels, the first ones.
    "wv": [_Beginning(b"wvpk", rb"wvpk....[\x02-\x10]\x04.{6}\x00{4}.{5}[\x08-\x0f\x18-\x1f]")],
    "voc": [_Beginning(b"Creative Voice File", rb"Creative Voice File\x1a")],
}
_BEFORE = {"ogg": rb"OggS\x00[\x00\x01\x04\x05]", "mov": rb"moov"}
"""Bytes of a recording's body: only behind them may another recording begin, because several
streams of one recording may begin together."""
_REST = {"mp3": 2048}
"""The most bytes that may stand before a recording as the rest of another that was cut off."""

JOINED = frozenset(_BEGINNINGS)
"""Containers whose recordings can be told apart when one follows another."""


class Links:
    """The bytes of recordings in a ``container`` of ``JOINED`` that follow one another; ``source``
    gives them.

    >>> parts = iter([b"fLaC\\0\\0\\0\\x22one, fL", b"aC\\0\\0\\0\\x22two", b""])
    >>> links = Links(lambda count: next(parts), "flac")
    >>> while links.more():
    ...     print(b"".join(iter(lambda: links.read(100), b""))[8:])
    b'one, '
    b'two'
    """

    def __init__(self, source: Read, container: str) -> None:
        self._source, self._container = source, container
        self._buffer = b""
        self._at = 0  # the first byte of the buffer that has not been given
        self._released = 0  # the bytes of the present recording that have been given
        self._safe = 0  # the next bytes of the buffer that surely belong to it
        self._body = self._found = self._ended = False
        self._started = False
        self._least = 0  # the first position at which another recording may begin

    def more(self) -> bool:
        """Go on to the next recording; the result is False if there is none."""
        if self._started and not self._found:
            return False
        self._started, self._found = True, False
        self._released = self._safe = 0
        self._body = self._container not in _BEFORE
        self._search()
        return True

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes of the present recording as soon as there are any; none at
        its end."""
        while not (self._safe or self._found or self._ended):
            came = self._source(max(count, _AHEAD))
            self._ended = not came
            self._buffer = self._buffer[self._at :] + came
            self._at = 0
            self._search()
        data = self._buffer[self._at : self._at + min(count, self._safe)]
        self._at += len(data)
        self._safe -= len(data)
        self._released += len(data)
        return data

    def _search(self) -> None:
        data = self._buffer[self._at :]
        if not self._released and not self._begin(data):
            return
        start = max(0, self._least - self._released)
        if not self._body and (body := re.search(_BEFORE[self._container], data)):
            self._body, start = True, max(start, body.end())
        if self._body:
            finds = [
                _find(beginning, data, start, self._ended)
                for beginning in _BEGINNINGS[self._container]
            ]
            self._safe, unsure = min(finds)
            self._found = not unsure and self._safe < len(data)
        else:
            self._safe = len(data) if self._ended else max(0, len(data) - _LONGEST)

    def _begin(self, data: bytes) -> bool:
        """Find out where another recording may begin at first; the result is False until the bytes
        that tell it have come."""
        tag = 0
        while size := id3_size(data[tag : tag + 10]):
            tag += size
        if len(data) < tag + _LONGEST and not self._ended:
            return False
        first = data[tag : tag + _LONGEST]
        known = any(beginning.begins(first) for beginning in _BEGINNINGS[self._container])
        self._least = tag + (1 if known else _REST.get(self._container, 1))
        return True


def _find(beginning: _Beginning, data: bytes, start: int, ended: bool) -> tuple[int, bool]:
    """Return the first position from ``start`` on at which a recording begins, or, unless the data
    have ``ended``, may begin; and True if that is not sure."""
    at = data.find(beginning.literal, start)
    while at >= 0:
        for place in beginning.places:
            if at - place >= start and beginning.begins(data[at - place : at - place + _LONGEST]):
                return at - place, False
        if not ended and len(data) - at < _LONGEST:
            return max(0, at - max(beginning.places)), True
        at = data.find(beginning.literal, at + 1)
    if ended:
        return len(data), True
    for count in range(min(len(beginning.literal), len(data)), 0, -1):
        if data.endswith(beginning.literal[:count]):
            return max(0, len(data) - count - max(beginning.places)), True
    return max(0, len(data) - max(beginning.places)), True


def holds_several(file: BinaryIO, container: str) -> bool:
    """Return True if a file holds several recordings in a ``container`` of ``JOINED``. Its position
    remains where it is."""
    links = Links(aside(file), container)
    links.more()
    while links.read(_PIECE):
        pass
    return links.more()


def aside(file: BinaryIO) -> Read:
    """Return a function that reads ``file`` from its beginning and does not move its position."""
    at = 0

    def read(count: int) -> bytes:
        nonlocal at
        if isinstance(file, io.BufferedReader | io.BufferedRandom):
            data = os.pread(file.fileno(), count, at)
        else:
            before = file.tell()
            file.seek(at)
            data = file.read(count)
            file.seek(before)
        at += len(data)
        return data

    return read
