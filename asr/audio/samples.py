"""Recordings as blocks of samples (n, channels): plain ones, and those that libsndfile decodes."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from asr.audio.headers import Layout, check_limits
from asr.audio.inputs import Input
from asr.audio.ogg import read_end
from asr.audio.pipes import Pipe
from asr.errors import AudioError

CODED = {"flac", "ogg", "mp3"}
"""Containers that libsndfile decodes."""
PIPED = {"flac", "mp3"}
"""Those that it decodes from a pipe."""
Block = npt.NDArray[np.float32]
_BLOCK = 1 << 16  # plain frames at a time, or fewer where fewer have come
_CODED_BLOCK = 1 << 16
_MP3_BLOCK = 1152  # a decoder that fails loses up to so many
_ENDLESS = 1 << 62


@dataclass
class Sound:
    """``blocks`` (n, channels) at ``rate`` Hz, one after another.

    ``frames`` is what the header promises, None where it promises nothing. ``warnings`` are
    complete at the end of the blocks.
    """

    rate: int
    channels: int
    frames: int | None
    blocks: Iterator[Block]
    warnings: list[str] = field(default_factory=list)


def plain(pipe: Pipe, layout: Layout) -> Sound:
    """The samples that come from ``pipe``, as soon as they have come."""
    pipe.commit()
    sound = Sound(layout.rate, layout.channels, layout.frames, iter(()))
    sound.blocks = _plain_blocks(pipe, layout, sound.warnings)
    return sound


def _plain_blocks(pipe: Pipe, layout: Layout, warnings: list[str]) -> Iterator[Block]:
    size, rest = layout.frame_bytes, b""
    left = _ENDLESS if layout.frames is None else layout.frames * size
    while left and (data := pipe.some(min(left, _BLOCK * size))):
        left -= len(data)
        data = rest + data
        whole = len(data) // size * size
        rest = data[whole:]
        if whole:
            yield _convert(data[:whole], layout)
    if rest and layout.frames is None:
        warnings.append(f"bytes behind the last whole sample, which are left out: {len(rest)}")


def _convert(data: bytes, layout: Layout) -> Block:
    samples, _ = soundfile.read(
        io.BytesIO(data),
        dtype="float32",
        always_2d=True,
        samplerate=layout.rate,
        channels=layout.channels,
        format="RAW",
        subtype=layout.subtype,
        endian=layout.endian,
    )
    block: Block = samples
    return block


def coded(given: Input, container: str, frames: int | None = None) -> Sound:
    """What libsndfile decodes; ``frames``: promised by a header that it does not heed.

    Raises:
        AudioError: it cannot be opened, or is beyond the limits.
        OutputError: no room for temporary files.
    """
    source: BinaryIO | Pipe = given.pipe
    block, counted, warnings = _CODED_BLOCK, True, []
    if container == "flac":
        # A file's bytes are there already: what libsndfile reads by itself takes half the time.
        source = given.file or given.pipe
        block = _CODED_BLOCK if given.file else _flac_block(given.pipe)
    elif container == "mp3":
        block, counted = _MP3_BLOCK, _mp3_counted(given.pipe)
        # Of a file, libsndfile would guess how long it is, and stop there.
        source = given.file if counted and given.file else given.pipe
    else:
        if not given.file:
            given.store()
        assert given.file
        source = given.file
    end = read_end(given.file) if container == "ogg" and given.file else None
    decoder = _open(source)
    given.resources.callback(decoder.close)
    check_limits(decoder.samplerate, decoder.channels)
    given.pipe.commit()
    if frames is None and counted and 0 < decoder.frames < _ENDLESS:
        frames = decoder.frames
    if end and not end.complete:
        warnings.append("the last page is missing: truncated?")
    elif end:
        frames = max(frames or 0, end.frames(decoder.samplerate))
    sound = Sound(decoder.samplerate, decoder.channels, frames, iter(()), warnings)
    sound.blocks = _coded_blocks(decoder, source, block, sound)
    return sound


class _Forwards(soundfile.SoundFile):  # type: ignore[misc]
    """Without the seek that soundfile makes after each read, for which some decoders start anew."""

    def seekable(self) -> bool:
        return False


def _open(file: BinaryIO | Pipe) -> _Forwards:
    source: Any = file
    file.seek(0)
    try:
        if isinstance(file, io.BufferedReader | io.BufferedRandom):
            # libsndfile reads by itself. It closes what it cannot open; the name of the file might
            # tell it of another format.
            source = os.dup(file.fileno())
            os.lseek(source, 0, os.SEEK_SET)
        return _Forwards(source)
    except soundfile.SoundFileError as error:
        raise AudioError(f"not readable as audio{_reason(error)}") from error


def _coded_blocks(
    decoder: _Forwards, file: BinaryIO | Pipe, size: int, sound: Sound
) -> Iterator[Block]:
    count = 0
    with decoder:
        try:
            while True:
                block = np.empty((size, sound.channels), np.float32)
                got = len(decoder.read(out=block))
                if not got:
                    break
                count += got
                yield block[:got]
        except soundfile.SoundFileError as error:
            if rest := max(0, _position(decoder) - count):  # what FLAC has given before it failed
                count += rest
                yield block[:rest]
            if not count:
                raise AudioError(f"decoding failed at its beginning{_reason(error)}") from error
            if sound.frames is None:
                seconds = count / sound.rate
                sound.warnings.append(f"damaged or truncated after {seconds:.1f} s")
    if isinstance(file, Pipe):
        file.check()


def _position(decoder: _Forwards) -> int:
    try:
        return int(decoder.tell())
    except soundfile.SoundFileError:
        return 0


def _reason(error: Exception) -> str:
    said: str = getattr(error, "error_string", "").removeprefix("Error : ").strip().rstrip(".")
    misleading = "is not a regular file" in said  # libsndfile's word for damaged MP3
    return f" ({said})" if said and not misleading else ""


def _flac_block(pipe: Pipe) -> int:
    """Frames that come out at once: asked for more, the decoder waits for more."""
    pipe.seek(0)
    head = pipe.read(12)
    least, most = (int.from_bytes(head[i : i + 2], "big") for i in (8, 10))
    return most if least == most and most >= 16 else 512


def _mp3_counted(pipe: Pipe) -> bool:
    """A first, silent frame says how many follow; otherwise libsndfile's number is a guess."""
    pipe.seek(0)
    head = pipe.read(10)
    if head[:3] == b"ID3":
        size = sum(
            (byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False)
        )
        pipe.seek(10 + size)
    first = pipe.read(256)
    return b"Xing" in first or b"Info" in first
