"""The size of recordings, as far as they can be decoded.

Most files are not decoded for it. Uncompressed samples are counted by the size of the file. What
the header of a compressed recording tells is believed if the last frame or page is whole, is the
one that the header leads to expect, and no other recording stands in the file: that is what
decoding would find, unless the file is damaged in its midst.
"""

import io
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import soundfile

from asr.audio import flac
from asr.audio.headers import LAID_OUT, SNIFFED, Layout, container_of, id3_size, read_layout
from asr.audio.laid_out import find_samples
from asr.audio.libsndfile import OGG_PAGE, read_ogg_end
from asr.audio.mp3 import FIRST, read_count
from asr.audio.read import MIN_RATE, open_audio
from asr.errors import AudioError

_PIECE = 1 << 20
_OGG_BEGINNING = re.compile(rb"OggS\x00[\x02\x06]")
_MP3_LARGEST = 1 << 28
_MP3_RATES = (44100, 48000, 32000)
_MP3_KILOBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1, layer 3
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5
)
_ID3V1 = 128  # the bytes of the tag that may stand behind the last frame


@dataclass(frozen=True)
class Extent:
    """The size of a recording: ``frames`` samples in each of ``channels``, at ``rate`` Hz;
    ``warnings`` say what is missing or left out."""

    rate: int
    frames: int
    channels: int
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.frames / self.rate


def read_extent(path: Path) -> Extent:
    """Return the size of a recording, as far as it can be decoded.

    Raises:
        AudioError: the file is not usable as audio, or holds no sample.
    """
    with suppress(AudioError, OSError, ValueError):  # decoding, below, reports the fault
        if (found := find_extent(path)) and found.frames > 0:
            return found
    with open_audio(path, MIN_RATE) as stream:
        rate, channels = stream.source_rate, stream.channels
    with open_audio(path, rate) as stream:
        frames = sum(map(len, stream))
    if not frames:
        raise AudioError(f"{path}: it holds no sample")
    return Extent(rate, frames, channels)


def find_extent(path: Path) -> Extent | None:
    """Return the size of a recording if that is sure without decoding it; None if it is not.

    Raises:
        AudioError: the header is damaged, contradicts itself, or is beyond the limits.
        OSError: the file cannot be read.
    """
    with open(path, "rb", buffering=0) as unbuffered:
        first, begin = unbuffered.read(SNIFFED), 0
        container = container_of(first)
        size = os.fstat(unbuffered.fileno()).st_size
        if container in LAID_OUT and (whole := _whole(container, first, size)):
            return whole
        file = io.BufferedReader(unbuffered)
        while size := id3_size(first):
            begin += size
            file.seek(begin)
            first = file.read(SNIFFED)
        if begin:
            container = container_of(first)
        if container == "mp3":
            return _mp3(file, begin)
        if begin:
            return None
        if container == "flac":
            return _flac(file)
        if container == "ogg":
            return _ogg(file)
        samples = find_samples(file, container) if container else None
    if samples is None:
        return None
    layout = samples.layout
    return Extent(layout.rate, samples.frames, layout.channels, samples.warnings)


def _whole(container: str, first: bytes, size: int) -> Extent | None:
    """Return the size of an uncompressed recording, a file of ``size`` bytes, if it ends where its
    header says; None if not, or if ``first`` does not hold all of the header."""
    header = io.BytesIO(first)
    try:
        layout = read_layout(container, header)
    except AudioError:
        return None
    if not isinstance(layout, Layout) or layout.size != size - header.tell():
        return None
    return Extent(layout.rate, layout.size // layout.frame_bytes, layout.channels)


def _stands_in(file: BinaryIO, pattern: re.Pattern[bytes], start: int) -> bool:
    """Return True if ``pattern``, of which a match has less than 64 bytes, stands in a file from
    the byte ``start`` on."""
    file.seek(start)
    kept = b""
    while data := file.read(_PIECE):
        if pattern.search(kept + data):
            return True
        kept = data[-64:]
    return False


def _flac(file: BinaryIO) -> Extent | None:
    """Read the size of FLAC: the block STREAMINFO, and the last frame."""
    file.seek(0)
    info = flac.read_info(file.read(flac.HEAD))
    if info is None or flac.read_end(file, info) != info.frames:
        return None
    if _stands_in(file, flac.BEGINNING, flac.HEAD):
        return None
    return Extent(info.rate, info.frames, info.channels)


def _ogg(file: BinaryIO) -> Extent | None:
    """Read the size of Ogg with Opus (RFC 7845) or Vorbis: its first header, and its last page."""
    file.seek(0)
    head = file.read(64)
    packet = head[28:]
    if not packet.startswith((b"OpusHead", b"\x01vorbis\0\0\0\0")):
        return None
    file.seek(0)
    end = read_ogg_end(file)
    file.seek(max(0, file.seek(0, os.SEEK_END) - OGG_PAGE))
    tail = file.read(OGG_PAGE)
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) != 27 + page[26] + sum(page[27 : 27 + page[26]]):
        return None  # it does not end with a page
    if not end.complete or not end.position or _stands_in(file, _OGG_BEGINNING, 28):
        return None
    if packet.startswith(b"OpusHead"):
        return _opus(file)
    return Extent(int.from_bytes(packet[12:16], "little"), end.position, packet[11])


def _opus(file: BinaryIO) -> Extent | None:
    """Read the size of Opus, whose pages may count from another sample than the first, which
    libsndfile takes into account."""
    file.seek(0)
    try:
        with soundfile.SoundFile(os.dup(file.fileno())) as opus:
            return Extent(opus.samplerate, opus.frames, opus.channels)
    except soundfile.SoundFileError:
        return None


def _mp3(file: BinaryIO, at: int) -> Extent | None:
    """Read the size of an MP3 file, of which the first frame, at the byte ``at``, counts the
    others, if that is true."""
    if file.seek(0, os.SEEK_END) > _MP3_LARGEST:
        return None
    file.seek(0)
    data = file.read(_MP3_LARGEST)
    count = read_count(data[: at + FIRST], at)
    length = _mp3_length(data[at : at + 3])
    found = max(data.find(mark, at, at + 64) for mark in (b"Xing", b"Info"))
    if count is None or not length or found < 0:
        return None
    channels = 1 if data[at + 3] >> 6 == 3 else 2
    extent = Extent(_mp3_rate(data[at + 1], data[at + 2]), count.samples, channels)
    promised = int.from_bytes(data[found + 8 : found + 12], "big")
    at += length
    counted = 0
    while length := _mp3_length(data[at : at + 3]):
        at += length
        counted += 1
    rest = data[at:]
    over = not rest.strip(b"\0") or (rest.startswith(b"TAG") and len(rest) == _ID3V1)
    return extent if over and at <= len(data) and counted == promised else None


def _mp3_rate(first: int, second: int) -> int:
    version = first >> 3 & 3
    return _MP3_RATES[second >> 2 & 3] >> (0 if version == 3 else 1 if version == 2 else 2)


@lru_cache(1024)
def _mp3_length(head: bytes) -> int:
    """Return the number of bytes of the frame of MPEG layer 3 whose first three bytes these are;
    0 if it is none."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, second = head[1] >> 3 & 3, head[2]
    kilobits = second >> 4
    if version == 1 or second >> 2 & 3 == 3 or kilobits in (0, 15):
        return 0
    low = version != 3
    hertz = _mp3_rate(head[1], second)
    return (72 if low else 144) * 1000 * _MP3_KILOBITS[low][kilobits] // hertz + (second >> 1 & 1)
