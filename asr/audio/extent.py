"""The size of recordings, as far as they can be decoded.

Most files are not decoded for it. Uncompressed samples are counted by the size of the file. What
the header of a compressed recording tells is believed if the last frame or page is whole, is the
one that the header leads to expect, and no other recording stands in the file: that is what
decoding would find, unless the file is damaged in its midst.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.headers import SNIFFED, container_of, id3_size
from asr.audio.laid_out import find_samples
from asr.audio.libsndfile import OGG_PAGE, read_ogg_end
from asr.audio.mp3 import FIRST, read_count
from asr.audio.read import MIN_RATE, open_audio
from asr.errors import AudioError

_PIECE = 1 << 20
_FLAC_INFO = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_FLAC_TAIL = 1 << 16  # the bytes within which the last frame begins, if the header does not tell
_FLAC_SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}} | {
    code: 256 << (code - 8) for code in range(8, 16)
}
_CRC_WIDTH = 256  # bytes that are taken together
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
    with open(path, "rb") as file:
        first, begin = file.read(SNIFFED), 0
        while size := id3_size(first):
            begin += size
            file.seek(begin)
            first = file.read(SNIFFED)
        container = container_of(first)
        if container == "mp3":
            return _mp3(file, begin)
        if begin:
            return None
        if container == "flac":
            return _flac(file)
        if container == "ogg":
            return _ogg(file)
        samples = find_samples(file)
    if samples is None:
        return None
    layout = samples.layout
    return Extent(layout.rate, samples.frames, layout.channels, samples.warnings)


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
    """Read the size of FLAC (RFC 9639): the block STREAMINFO, and the last frame."""
    file.seek(0)
    head = file.read(42)
    if len(head) < 42 or not _FLAC_INFO.match(head):
        return None
    block, largest = int.from_bytes(head[8:10], "big"), int.from_bytes(head[15:18], "big")
    rate = int.from_bytes(head[18:21], "big") >> 4
    frames = int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF
    extent = Extent(rate, frames, (head[20] >> 1 & 7) + 1)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(42, size - (largest or _FLAC_TAIL)))
    tail = file.read(_FLAC_TAIL)
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if _flac_frame_end(tail[at : at + 16], block) == frames and _crc16(tail[at:]) == 0:
            return None if _stands_in(file, _FLAC_INFO, 42) else extent
    return None


def _flac_frame_end(header: bytes, fixed: int) -> int | None:
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
        size = _FLAC_SIZES.get(code, 0)
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
