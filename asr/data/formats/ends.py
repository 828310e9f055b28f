"""The ends of recordings: whether a file goes on as far as its header says, and no further."""

from pathlib import Path

import soundfile

from asr.audio.libsndfile import OGG_PAGE

_FLAC_TAIL = 1 << 16
_FLAC_SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}} | {
    code: 256 << (code - 8) for code in range(8, 16)
}
_MP3_RATES = (44100, 48000, 32000)
_MP3_KILOBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1, layer 3
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5
)
_MP3_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"3DI", b"ID3")


def is_borne_out(path: Path, container: str | None, frames: int) -> bool:
    """Return True if the end of a compressed recording shows that it has ``frames`` samples in each
    channel, and False if it has to be decoded to know."""
    if container == "flac":
        return _flac_ends_at(path, frames)
    if container == "mp3":
        return _mp3_counts_right(path)
    if container == "ogg":
        return _ogg_is_one_stream(path)
    return False


def _flac_ends_at(path: Path, frames: int) -> bool:
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(frames - 1)
            if len(file.read(1)) != 1:
                return False
    except soundfile.SoundFileError:
        return False
    with open(path, "rb") as data:
        head = data.read(42)
        size = data.seek(0, 2)
        data.seek(max(0, size - _FLAC_TAIL))
        tail = data.read()
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if _flac_frame_end(tail[at : at + 16], int.from_bytes(head[8:10], "big")) == frames:
            return b"fLaC" not in tail[at:]  # a second stream, joined to the first
    return False


def _flac_frame_end(header: bytes, fixed: int) -> int | None:
    """Return the sample with which the frame of ``header`` ends; None if it is none (RFC 9639,
    section 9.1). ``fixed`` is the size of all blocks but the last."""
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


def _mp3_counts_right(path: Path) -> bool:
    """Return True if an MP3 file has as many frames as its first one says."""
    data = path.read_bytes()
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 127
        at += 10 + size + (10 if data[at + 5] & 16 else 0)
    length = _mp3_frame(data, at)
    found = max(data.find(mark, at, at + 64) for mark in (b"Xing", b"Info"))
    if not length or found < 0 or not data[found + 7] & 1:
        return False
    promised = int.from_bytes(data[found + 8 : found + 12], "big")
    count = 0
    at += length
    while length := _mp3_frame(data, at):
        at += length
        count += 1
    rest = data[at:]
    over = not rest.strip(b"\0") or rest.startswith(_MP3_TAGS)
    return over and at <= len(data) and count == promised


def _mp3_frame(data: bytes, at: int) -> int:
    """Return the number of bytes of the frame of MPEG layer 3 at ``at``; 0 if there is none."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version, second = data[at + 1] >> 3 & 3, data[at + 2]
    kilobits, rate = second >> 4, second >> 2 & 3
    if version == 1 or rate == 3 or kilobits in (0, 15):
        return 0
    low = version != 3
    hertz = _MP3_RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    return (72 if low else 144) * 1000 * _MP3_KILOBITS[low][kilobits] // hertz + (second >> 1 & 1)


def _ogg_is_one_stream(path: Path) -> bool:
    """Return True if an Ogg file ends with the last page of the stream that it begins with."""
    with open(path, "rb") as file:
        head = file.read(27)
        size = file.seek(0, 2)
        file.seek(max(0, size - 2 * OGG_PAGE))
        tail = file.read()
    last = tail[tail.rfind(b"OggS") :]
    if len(head) < 27 or len(last) < 27 or not last[5] & 4 or last[14:18] != head[14:18]:
        return False
    segments = last[27 : 27 + last[26]]
    return len(last) == 27 + last[26] + sum(segments)
