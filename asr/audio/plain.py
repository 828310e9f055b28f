"""Uncompressed samples, and what stands behind those that a header promises."""

import io
import re
from collections.abc import Iterator
from typing import Protocol

import soundfile

from asr.audio.headers import Layout, container_of
from asr.audio.inputs import Pipe
from asr.audio.sound import Block, Sound

_BLOCK = 1 << 16  # the samples of each channel in a block; a block of a pipe may hold fewer
_SNIFFED = 64
_PIECE = 1 << 16
_ENDLESS = 1 << 62
_FOLLOWING = {"wav", "aiff", "au", "nistsphere", "flac", "ogg"}
"""Containers that are looked for behind the samples; the beginnings of others are too short."""
_UNTOLD = 0.1  # seconds of samples behind the promised ones that are left out without a word


class Run(Protocol):
    """Bytes as in :class:`asr.audio.inputs.Pipe`."""

    def read(self, count: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...
    def begin(self) -> None: ...


def plain(pipe: Pipe, layout: Layout) -> Sound:
    """Read uncompressed samples from ``pipe``, as soon as they have come. Behind the last one,
    ``pipe`` is at its end or at the beginning of another recording."""
    sound = Sound(layout.rate, layout.channels, layout.frames, iter(()))
    sound.blocks = _blocks(pipe, layout, sound.warnings)
    return sound


def _blocks(pipe: Pipe, layout: Layout, warnings: list[str]) -> Iterator[Block]:
    size, rest = layout.frame_bytes, b""
    for promised in runs(pipe, layout, warnings):
        pipe.commit()
        left = _ENDLESS if promised is None else promised
        while left and (data := pipe.some(min(left, _BLOCK * size))):
            left -= len(data)
            data = rest + data
            whole = len(data) // size * size
            rest = data[whole:]
            if whole:
                yield convert(data[:whole], layout)
    if rest and layout.size is None:
        warnings.append(f"bytes behind the last whole sample that are left out: {len(rest)}")


def convert(data: bytes, layout: Layout, dtype: str = "float32") -> Block:
    """Return the samples (n, channels) whose bytes are ``data``; integers of ``dtype`` hold them in
    their highest bits."""
    samples, _ = soundfile.read(
        io.BytesIO(data),
        dtype=dtype,
        always_2d=True,
        samplerate=layout.rate,
        channels=layout.channels,
        format="RAW",
        subtype=layout.subtype,
        endian=layout.endian,
    )
    block: Block = samples
    return block


def is_recording(first: bytes) -> bool:
    """Return True if another recording surely begins with ``first`` behind the samples of one."""
    return container_of(first) in _FOLLOWING


def runs(file: Run, layout: Layout, warnings: list[str]) -> Iterator[int | None]:
    """Yield the numbers of bytes of ``file`` that are samples (None: all up to its end), each of
    which the caller reads before it asks for the next.

    At first these are the samples that the header promises. Behind them may follow chunks of other
    data, which are skipped, further samples, which the header does not count, or another recording,
    whose beginning is then the position 0 of ``file``. What is left out otherwise is said in
    ``warnings``.
    """
    yield layout.size
    if layout.size is None:
        return
    behind = layout.behind
    odd = layout.size % 2 if layout.chunks else 0
    while True:
        file.begin()
        if odd and file.read(1) == b"\0":  # chunks begin at even positions
            file.begin()
        file.seek(0)
        head = file.read(_SNIFFED)
        file.seek(0)
        if len(head) < 8 or is_recording(head):
            return
        if layout.chunks is None:
            least = round(_UNTOLD * layout.rate) * layout.frame_bytes
            goes_on = len(file.read(least)) == least
            file.seek(0)
            if goes_on:
                yield None
            return
        size = int.from_bytes(head[4:8], layout.chunks)
        odd = size % 2
        if re.match(rb"[ -~]{4}", head) and not 0 < behind < 8 + size:
            file.begin()
            file.read(8)
            behind -= 8 + size
            if head[:4] == b"data":
                yield size
            elif missing := size - _skip(file, size):
                _tell(8 + size - missing, layout, warnings)
                return
        elif behind > 0:
            yield behind
            behind = odd = 0
        else:
            _tell(_skip(file, _ENDLESS), layout, warnings)
            return


def _skip(file: Run, count: int) -> int:
    """Skip ``count`` bytes, and return how many there were; zeros at the end are not counted."""
    skipped = last = 0
    while skipped < count and (data := file.read(min(count - skipped, _PIECE))):
        file.begin()
        if kept := len(data.rstrip(b"\0")):
            last = skipped + kept
        skipped += len(data)
    return skipped if skipped == count else last


def _tell(count: int, layout: Layout, warnings: list[str]) -> None:
    seconds = count / layout.frame_bytes / layout.rate
    if seconds > _UNTOLD:
        warnings.append(
            f"{count} bytes stand behind the samples that the header promises and are left out; "
            f"if they are samples, they last {seconds:.1f} s"
        )
