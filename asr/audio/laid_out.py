"""The places of uncompressed samples in a file, found without reading the samples."""

import os
from dataclasses import dataclass
from typing import BinaryIO

from asr.audio.headers import LAID_OUT, SNIFFED, Layout, container_of, read_layout
from asr.audio.plain import is_recording, runs


@dataclass(frozen=True)
class LaidOut:
    """The uncompressed samples of a recording file: their ``layout``, and the ``places`` in the
    file where they stand, as (position, number of bytes). ``warnings`` say what is missing or left
    out."""

    layout: Layout
    places: tuple[tuple[int, int], ...]
    warnings: tuple[str, ...]

    @property
    def frames(self) -> int:
        """The number of samples a channel."""
        return sum(size for _, size in self.places) // self.layout.frame_bytes

    def read(self, file: BinaryIO, begin: int, end: int) -> bytes:
        """Return the bytes of the samples from ``begin`` to ``end`` in each channel."""
        parts = []
        first, last = begin * self.layout.frame_bytes, end * self.layout.frame_bytes
        for position, size in self.places:
            if first < size and last > 0:
                file.seek(position + max(first, 0))
                parts.append(file.read(min(last, size) - max(first, 0)))
            first, last = first - size, last - size
        return b"".join(parts)


def find_samples(file: BinaryIO, container: str | None = None) -> LaidOut | None:
    """Find the samples of an uncompressed recording, ``file``; the result is None for others, and
    if another recording follows in it. Its ``container`` is looked up if it is not given.

    Raises:
        AudioError: the header is damaged, contradicts itself, or is beyond the limits.
    """
    file.seek(0)
    container = container or container_of(file.read(SNIFFED))
    if container not in LAID_OUT:
        return None
    file.seek(0)
    layout = read_layout(container, file)
    if not isinstance(layout, Layout):
        return None
    begin = file.tell()
    size = file.seek(0, os.SEEK_END)
    if layout.size and begin + layout.size == size and not layout.size % layout.frame_bytes:
        return LaidOut(layout, ((begin, layout.size),), ())
    if layout.size == size - begin:
        return LaidOut(layout, ((begin, layout.size),), ())
    file.seek(begin)
    places, warnings = list[tuple[int, int]](), list[str]()
    counted = _Counted(file)
    for run in runs(counted, layout, warnings):
        at = file.tell()
        end = size if run is None else min(size, at + run)
        places.append((at, end - at))
        file.seek(end)
    if file.tell() < size:
        counted.seek(0)
        if is_recording(file.read(SNIFFED)):
            return None
    found = LaidOut(layout, tuple(places), ())
    if layout.frames is not None and found.frames < layout.frames:
        warnings.append(
            f"the header promises {layout.frames / layout.rate:.1f} s, "
            f"the file holds {found.frames / layout.rate:.1f} s: truncated?"
        )
    return LaidOut(layout, found.places, tuple(warnings))


class _Counted:
    """A file whose positions are counted from a place in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._begin = file, 0
        self.read = file.read

    def begin(self) -> None:
        """Count positions from the next byte on."""
        self._begin = self._file.tell()

    def seek(self, offset: int) -> int:
        """Go to a position."""
        return self._file.seek(self._begin + offset)
