"""Headers of audio files, which tell the container and the layout of uncompressed samples.

The headers of WAV, AIFF, AU and NIST SPHERE are parsed here, so that samples can be read from a
pipe as they come, missing ones are noticed, and no decoder gets a header that contradicts itself.
A size in a header is a claim, which need not be true.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from asr.audio.sound import check_limits
from asr.errors import AudioError

SNIFFED = 512
"""The number of bytes that :func:`container_of` needs."""

_SIGNATURES = {  # the names are FFmpeg's
    "wav": rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE",
    "flac": rb"fLaC",
    "ogg": rb"OggS",
    "mp3": rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][^\xf0-\xff]",
    "nistsphere": rb"NIST_1A\n",
    "aiff": rb"FORM....AIF[FC]",
    "au": rb"\.snd",
    "mov": rb"....(ftyp|moov|mdat|wide|free|skip|pnot)",
    "matroska": rb"\x1a\x45\xdf\xa3",
    "flv": rb"FLV\x01",
    "mpegts": rb"\x47.{187}\x47.{187}\x47",
    "aac": rb"\xff[\xf0\xf1\xf8\xf9]",
    "amr": rb"#!AMR",
    "ac3": rb"\x0b\x77",
}
LAID_OUT = {"wav", "nistsphere", "aiff", "au"}
"""Containers whose headers :func:`read_layout` reads."""
_WIDTHS = {
    "PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8,
    "ULAW": 1, "ALAW": 1,
}  # fmt: skip
_PCM = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
_AIFF = {
    b"NONE": None, b"twos": None, b"sowt": None, b"in24": "PCM_24", b"in32": "PCM_32",
    b"raw ": "PCM_U8", b"fl32": "FLOAT", b"FL32": "FLOAT", b"fl64": "DOUBLE", b"FL64": "DOUBLE",
    b"ulaw": "ULAW", b"ULAW": "ULAW", b"alaw": "ALAW", b"ALAW": "ALAW",
}  # fmt: skip
_AU = {
    1: "ULAW", 2: "PCM_S8", 3: "PCM_16", 4: "PCM_24", 5: "PCM_32", 6: "FLOAT", 7: "DOUBLE",
    27: "ALAW",
}  # fmt: skip
_MS_ADPCM, _IMA_ADPCM, _GSM, _EXTENSIBLE = 0x02, 0x11, 0x31, 0xFFFE
_OPEN_ENDED = [range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000)]
"""The sizes that recorders write while they do not know the true one."""

Read = Callable[[int], bytes]
"""A function that returns the next n bytes; fewer at the end."""


@dataclass(frozen=True)
class Layout:
    """The layout of uncompressed samples, which stand one after another.

    ``subtype`` and ``endian`` are named as in soundfile; ``frames`` is the number of samples a
    channel that the header promises, None where it leaves that open.
    """

    rate: int
    channels: int
    subtype: str
    endian: str
    frames: int | None

    @property
    def frame_bytes(self) -> int:
        """The bytes that one sample of all channels takes."""
        return self.channels * _WIDTHS[self.subtype]


@dataclass(frozen=True)
class Coded:
    """The fact that a WAV file holds compressed samples that libsndfile decodes; ``frames`` is that
    of :class:`Layout`."""

    frames: int | None


def container_of(first: bytes) -> str | None:
    """Return the container that begins with ``first`` (``SNIFFED`` bytes), as FFmpeg calls it, or
    None for one that only FFmpeg knows.

    >>> container_of(b"RIFF" + bytes(4) + b"WAVEfmt ")
    'wav'
    """
    for name, signature in _SIGNATURES.items():
        if re.match(signature, first, re.DOTALL):
            return name
    return None


def read_layout(container: str, read: Read) -> Layout | Coded | None:
    """Read the header of a ``container`` in ``LAID_OUT`` up to its first sample.

    The result is None if neither this package nor libsndfile knows the coding of the samples.

    Raises:
        AudioError: the header is cut off or contradicts itself, or is beyond the limits.
    """
    parse = {"wav": _wav, "aiff": _aiff, "au": _au, "nistsphere": _sphere}[container]
    try:
        layout = parse(read)
    except (struct.error, KeyError, ValueError, OverflowError) as error:
        raise AudioError("not readable as audio (its header is cut off or damaged)") from error
    if isinstance(layout, Layout):
        check_limits(layout.rate, layout.channels)
    return layout


def _wav(read: Read) -> Layout | Coded | None:
    form, riff_size, _ = struct.unpack("<4sI4s", read(12))
    order = ">" if form == b"RIFX" else "<"
    (riff_size,) = struct.unpack(order + "I", struct.pack("<I", riff_size))
    position = 12
    bodies = {}
    while True:
        name, size = struct.unpack(order + "4sI", read(8))
        position += 8
        if name == b"data":
            break
        wanted = size if name in (b"fmt ", b"fact", b"ds64") else 0
        bodies[name] = read(min(wanted, 64))
        _skip(read, size + size % 2 - len(bodies[name]))
        position += size + size % 2
    tag, channels, rate, _, align, bits = struct.unpack_from(order + "HHIIHH", bodies[b"fmt "])
    if tag == _EXTENSIBLE:
        (tag,) = struct.unpack_from(order + "H", bodies[b"fmt "], 24)
    check_limits(rate, channels)
    if tag in (_MS_ADPCM, _IMA_ADPCM, _GSM):
        _check_blocks(tag, channels, align, bodies[b"fmt "], order)
        frames = struct.unpack_from(order + "I", bodies[b"fact"])[0] if b"fact" in bodies else None
        return Coded(frames)
    width, rest = divmod(align, channels)
    codings = {
        1: "PCM_U8" if width == 1 else _PCM.get(width),
        3: {4: "FLOAT", 8: "DOUBLE"}.get(width),
        6: "ALAW",
        7: "ULAW",
    }
    subtype = codings.get(tag)
    if tag not in codings:
        return None
    if subtype is None or rest or width != _WIDTHS[subtype] or bits > 8 * width:
        raise AudioError(
            f"its header contradicts itself ({align} bytes for {channels} samples of {bits} bits)"
        )
    if size == 0xFFFFFFFF and b"ds64" in bodies:
        (size,) = struct.unpack_from("<8xQ", bodies[b"ds64"])
    elif any(size in sizes for sizes in _OPEN_ENDED):
        size = None
    elif size == 0 and riff_size + 8 <= position:
        size = None  # the recorder has not filled in the sizes
    frames = None if size is None else _frames(size, align)
    return Layout(rate, channels, subtype, "BIG" if order == ">" else "LITTLE", frames)


def _check_blocks(tag: int, channels: int, align: int, fmt: bytes, order: str) -> None:
    if tag == _GSM:
        sound = (align, channels) == (65, 1)
    else:
        (samples,) = struct.unpack_from(order + "H", fmt, 18)
        head, first = (4, 1) if tag == _IMA_ADPCM else (7, 2)
        # A block has a head with the first samples, then four bits for each of the others.
        held = first + 2 * (align - head * channels) // channels
        sound = channels <= 2 and first < samples <= held
    if not sound:
        raise AudioError("its header contradicts itself (size of a block of compressed samples)")


def _aiff(read: Read) -> Layout | None:
    _, _, form = struct.unpack(">4sI4s", read(12))
    common = b""
    while True:
        name, size = struct.unpack(">4sI", read(8))
        if name == b"SSND":
            break
        body = read(min(size, 64)) if name == b"COMM" else b""
        common = body or common
        _skip(read, size + size % 2 - len(body))
    (offset, _) = struct.unpack(">II", read(8))
    _skip(read, offset)
    channels, frames, bits, exponent, mantissa = struct.unpack_from(">HIHHQ", common)
    rate = round(mantissa * 2.0 ** (min(exponent, 0x7FFF) - 16383 - 63)) if exponent < 17000 else 0
    coding = common[18:22] if form == b"AIFC" else b"NONE"
    if coding not in _AIFF:
        return None
    subtype = _AIFF[coding] or _PCM.get((bits + 7) // 8)
    if subtype is None:
        raise AudioError(f"its header contradicts itself (samples of {bits} bits)")
    return Layout(rate, channels, subtype, "LITTLE" if coding == b"sowt" else "BIG", frames)


def _au(read: Read) -> Layout | None:
    _, start, size, coding, rate, channels = struct.unpack(">4sIIIII", read(24))
    check_limits(rate, channels)
    if start < 24:
        raise AudioError(f"its header contradicts itself (samples from byte {start} on)")
    _skip(read, start - 24)
    if coding not in _AU:
        return None
    layout = Layout(rate, channels, _AU[coding], "BIG", None)
    if any(size in sizes for sizes in _OPEN_ENDED):
        return layout
    return Layout(rate, channels, _AU[coding], "BIG", _frames(size, layout.frame_bytes))


def _sphere(read: Read) -> Layout | None:
    size = int(read(16)[8:])
    if not 16 < size <= 1 << 16:
        raise AudioError(f"its header contradicts itself (header of {size} bytes)")
    text, end, _ = read(size - 16).decode("latin-1").partition("end_head")
    if not end:
        raise AudioError("not readable as audio (it ends within its header)")
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        fields[name] = value.partition(" ")[2].strip()
    width = int(fields.get("sample_n_bytes", 2))
    codings = {"pcm": _PCM.get(width), "ulaw": "ULAW", "mu-law": "ULAW", "alaw": "ALAW"}
    coding = fields.get("sample_coding", "pcm")
    if coding not in codings:
        return None
    subtype = codings[coding]
    if subtype is None or width != _WIDTHS[subtype]:
        raise AudioError(f"its header contradicts itself ({coding} samples of {width} bytes)")
    frames = int(fields["sample_count"]) if "sample_count" in fields else None
    if frames is not None and not 0 <= frames < 1 << 48:
        raise AudioError(f"its header is beyond all limits ({frames} samples)")
    endian = "LITTLE" if fields.get("sample_byte_format", "10").startswith("0") else "BIG"
    channels = int(fields.get("channel_count", 1))
    return Layout(int(fields["sample_rate"]), channels, subtype, endian, frames)


def _frames(size: int, frame_bytes: int) -> int:
    if size >= 1 << 62:
        raise AudioError(f"its header is beyond all limits ({size} bytes of samples)")
    return size // frame_bytes


def _skip(read: Read, count: int) -> None:
    while count > 0:
        piece = read(min(count, 1 << 16))
        if not piece:
            raise AudioError("not readable as audio (it ends within its header)")
        count -= len(piece)
