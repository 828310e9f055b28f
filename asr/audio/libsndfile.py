"""Decoding by libsndfile: FLAC, MP3, Ogg and compressed WAV.

It decodes in half of the time that FFmpeg takes for the same formats, and is loaded anyway. This
module looks up what it does not notice: the length of an Ogg file, and of an MP3 file whose first
frame counts the others.
"""

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import soundfile

from asr.audio import flac
from asr.audio.headers import id3_size
from asr.audio.inputs import Input, Patched, Pipe
from asr.audio.mp3 import FIRST, Count, read_count, without_padding
from asr.audio.sound import Block, Sound, check_limits
from asr.errors import AudioError

CODED = {"flac", "ogg", "mp3"}
"""Containers that libsndfile decodes."""
PIPED = {"flac", "mp3"}
"""Containers that libsndfile decodes from a pipe."""
OGG_PAGE = 1 << 16
"""The most bytes of an Ogg page."""
_PAGE_HEADER = struct.Struct("<4s x B q 12x B")
_OPUS_RATE = 48000
_LATE = 60 * _OPUS_RATE
_BLOCK = 1 << 16  # the samples of each channel in a block; a block of a pipe may hold fewer
_MP3_BLOCK = 1152  # smaller, because a decoder that fails loses up to a block
_TOGETHER = 50  # small blocks of a file that are yielded together, which takes less time
_ENDLESS = 1 << 62


def coded(given: Input, container: str, frames: int | None = None) -> Sound:
    """Decode a ``container`` of ``CODED``, or compressed WAV.

    ``frames`` is the number of samples a channel that the header of WAV promises, which libsndfile
    does not heed.

    Raises:
        AudioError: it cannot be opened, or is beyond the limits.
        OutputError: there is no room for a pipe's bytes, which have to be stored.
    """
    source: BinaryIO | Pipe = given.pipe
    block, counted, warnings = _BLOCK, True, list[str]()
    count = None
    if container == "flac":
        source, block, frames = _flac_source(given)
    elif container == "mp3":
        # Read as a file, it would end where its first frame or a guess says.
        block, count = _MP3_BLOCK, _mp3_count(given.pipe)
        counted = count is not None
        source = Pipe(Patched(given.pipe, count.patched).read) if count else given.pipe
    else:
        source = given.seekable_file()
    end = read_ogg_end(given.seekable_file()) if container == "ogg" else None
    decoder = _open(source)
    given.resources.callback(decoder.close)
    check_limits(decoder.samplerate, decoder.channels)
    given.pipe.commit()
    if count:
        frames = count.samples
    elif frames is None and counted and 0 < decoder.frames < _ENDLESS:
        frames = decoder.frames
    if end and not end.complete:
        warnings.append("the last page is missing: truncated?")
    elif end:
        told = end.frames(decoder.samplerate)
        spare = end.skipped * decoder.samplerate / _OPUS_RATE  # FFmpeg counts these once more
        frames = frames if frames and told <= frames + spare else told
    sound = Sound(decoder.samplerate, decoder.channels, frames, iter(()), warnings)
    together = _TOGETHER if given.stored and block < _BLOCK else 1
    sound.blocks = _coded_blocks(decoder, source, block, sound, together)
    if count:
        sound.blocks = without_padding(sound.blocks, count)
    return sound


class _Forwards(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that cannot seek: soundfile would seek after each read, and some decoders would
    then start anew."""

    def seekable(self) -> bool:
        return False


def _open(file: BinaryIO | Pipe) -> _Forwards:
    source: Any = file
    file.seek(0)
    try:
        if isinstance(file, io.BufferedReader | io.BufferedRandom):
            # libsndfile reads by itself. It gets a duplicate of the descriptor, since it closes
            # what it cannot open, and not the name, which might suggest another format.
            source = os.dup(file.fileno())
            os.lseek(source, 0, os.SEEK_SET)
        return _Forwards(source)
    except soundfile.SoundFileError as error:
        raise AudioError(f"libsndfile cannot read it{_reason(error)}") from error


def _coded_blocks(
    decoder: _Forwards, file: BinaryIO | Pipe, size: int, sound: Sound, together: int
) -> Iterator[Block]:
    count = 0
    parts = list[Block]()
    with decoder:
        try:
            while True:
                block = np.empty((size, sound.channels), np.float32)
                got = len(decoder.read(out=block))
                if not got:
                    break
                count += got
                parts.append(block[:got])
                if len(parts) >= together:
                    yield np.concatenate(parts) if len(parts) > 1 else parts[0]
                    parts = []
            if parts:
                yield np.concatenate(parts)
        except soundfile.SoundFileError as error:
            if parts:
                yield np.concatenate(parts)
            if rest := max(0, _position(decoder) - count):  # what FLAC gave before it failed
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
    misleading = "is not a regular file" in said  # libsndfile says so of damaged MP3
    return f" ({said})" if said and not misleading else ""


def _flac_source(given: Input) -> tuple[BinaryIO | Pipe, int, int | None]:
    """Return what FLAC is decoded from, the number of samples to ask for at a time (asked for more,
    the decoder of a pipe would wait for more), and the number that the header promises.

    libsndfile takes half the time if it reads a file by itself, but then it stops at the number
    that the header promises, be it true or not.
    """
    begin = _behind_tags(given.pipe)
    given.pipe.seek(0)
    head = given.pipe.read(begin + flac.HEAD)
    info = flac.read_info(head[begin:])
    if info is None:
        return given.file or given.pipe, _BLOCK, None
    if given.file:
        end = flac.read_end(given.file, info)
        if end is None or not 0 < info.frames < end:
            return given.file, _BLOCK, info.frames or None
    block = info.block if info.block == info.most >= 16 else 512
    return Pipe(Patched(given.pipe, head[:begin] + info.uncounted).read), block, info.frames or None


def _mp3_count(pipe: Pipe) -> Count | None:
    begin = _behind_tags(pipe)
    pipe.seek(0)
    return read_count(pipe.read(begin + FIRST), begin)


def _behind_tags(pipe: Pipe) -> int:
    """Return the position of the first byte of a recording behind its ID3 tags."""
    pipe.seek(0)
    begin = 0
    while size := id3_size(pipe.read(10)):
        begin += size
        pipe.seek(begin)
    return begin


@dataclass(frozen=True)
class OggEnd:
    """The end of an Ogg file by its last page, which libsndfile ignores if anything is damaged.

    ``complete`` is true if the last page is there. ``position`` is the number of samples up to its
    end, at ``rate`` Hz (None: the rate of the recording), or 0 if the page does not tell it.
    ``skipped`` more stand before the first one, which no decoder gives.
    """

    complete: bool
    position: int = 0
    rate: int | None = None
    skipped: int = 0

    def frames(self, rate: int) -> int:
        """Return the position at ``rate`` Hz."""
        return self.position * rate // (self.rate or rate)


def read_ogg_end(file: BinaryIO) -> OggEnd:
    """Read both ends of an Ogg file; ``file`` is then at its beginning."""
    head = file.read(2 * OGG_PAGE)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * OGG_PAGE))
    complete, position = _last_page(file.read(2 * OGG_PAGE))
    file.seek(0)
    opus = head[28:36] == b"OpusHead"
    skipped = int.from_bytes(head[38:40], "little") if opus else 0
    if (
        not position or not 0 < _first_position(head) < _LATE
    ):  # the file is a part of a longer stream
        return OggEnd(complete)
    rate = _OPUS_RATE if opus else None
    return OggEnd(complete, max(0, position - skipped), rate, skipped)


def is_complete_ogg(tail: bytes) -> bool:
    """Return True if an Ogg stream, of which ``tail`` are the last two pages or more, ends with a
    page that says so, or if other data hide its end."""
    return _last_page(tail)[0]


def _last_page(tail: bytes) -> tuple[bool, int]:
    start = tail.rfind(b"OggS")
    if start < 0:
        return True, 0  # other data hide the last page
    if len(tail) < start + _PAGE_HEADER.size:
        return False, 0
    _, flags, position, segments = _PAGE_HEADER.unpack_from(tail, start)
    body = start + _PAGE_HEADER.size + segments
    whole = len(tail) >= body + sum(tail[start + _PAGE_HEADER.size : body])
    return whole and bool(flags & 4), position


def _first_position(head: bytes) -> int:
    start = head.find(b"OggS")
    while start >= 0 and len(head) >= start + _PAGE_HEADER.size:
        if position := _PAGE_HEADER.unpack_from(head, start)[2]:
            return int(position)
        start = head.find(b"OggS", start + 1)
    return 0
