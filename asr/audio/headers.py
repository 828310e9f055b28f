"""Headers of audio files, which tell the container and the layout of uncompressed samples.

The headers of WAV, AIFF, AU and NIST SPHERE are parsed here, so that samples can be read from a
pipe as they come, missing ones are noticed, and no decoder gets a header that contradicts itself.
A size in a header is a claim, which need not be true.
"""

import re
import struct
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from asr.audio.sound import check_limits
from asr.errors import AudioError

SNIFFED = 512
"""The number of bytes that :func:`container_of` needs."""

_SIGNATURES = {  # the names are FFmpeg's
    "wav": rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE",
    "flac": rb"fLaC",
    "ogg": rb"OggS",
    "mp3": rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][^\xf0-\xff]",
    "nistsphere": rb"NIST_1A\n",
    "aiff": rb"FORM....AIF[FC]",
    "au": rb"\.snd",
    "mov": rb"....(ftyp|styp|moov|mdat|wide|free|skip|pnot)",
    "matroska": rb"\x1a\x45\xdf\xa3",
    "flv": rb"FLV\x01",
    "mpegts": rb"\x47.{187}\x47.{187}\x47|.{4}\x47.{191}\x47.{191}\x47",
    "aac": rb"\xff[\xf0\xf1\xf8\xf9]",
    "amr": rb"#!AMR",
    "ac3": rb"\x0b\x77",
    "avi": rb"RIFF....AVI ",
    "asf": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    "caf": rb"caff\x00\x01",
    "w64": rb"riff\x2e\x91\xcf\x11",
    "tta": rb"TTA1",
    "wv": rb"wvpk....[\x02-\x10]\x04",
    "voc": rb"Creative Voice File\x1a",
}
_BEGINNINGS = {
    name: re.compile(signature, re.DOTALL).match for name, signature in _SIGNATURES.items()
}
ID3 = rb"ID3[\x02-\x04]\x00[\x00-\xf0][\x00-\x7f]{4}"
"""The head of a tag that may stand before recordings of any kind."""
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
_UNKNOWN = (1 << 64) - 1  # a size of RF64 that the recorder has not filled in
_LARGE = 1 << 30
_NEAR = 1 << 16


class Reader(Protocol):
    """Bytes that are read in order, with a position from their beginning."""

    def read(self, count: int, /) -> bytes:
        """Return the next ``count`` bytes; fewer at the end."""
        ...

    def tell(self) -> int:
        """Return the position of the next byte."""
        ...


class HeaderError(AudioError):
    """An error about a header that is cut off, damaged, or written in an unknown way, which another
    decoder may understand."""


@dataclass(frozen=True)
class Layout:
    """The layout of uncompressed samples, which stand one after another.

    ``subtype`` and ``endian`` are named as in soundfile. ``size`` is the number of bytes of samples
    that the header promises, None where it leaves that open. In a container that consists of
    chunks, ``chunks`` is the byte order of their sizes, and ``behind`` bytes of other chunks follow
    the samples by its header.
    """

    rate: int
    channels: int
    subtype: str
    endian: str
    size: int | None
    chunks: Literal["little", "big"] | None = None
    behind: int = 0

    @property
    def frame_bytes(self) -> int:
        """The bytes that one sample of all channels takes."""
        return self.channels * _WIDTHS[self.subtype]

    @property
    def frames(self) -> int | None:
        """The number of samples a channel that the header promises."""
        return None if self.size is None else self.size // self.frame_bytes


@dataclass(frozen=True)
class Coded:
    """The fact that a WAV file holds compressed samples that libsndfile decodes; ``frames`` is the
    number of samples a channel that the header promises, None where it leaves that open."""

    frames: int | None


def container_of(first: bytes) -> str | None:
    """Return the container that begins with ``first`` (``SNIFFED`` bytes), as FFmpeg calls it, or
    None for one that only FFmpeg knows.

    >>> container_of(b"RIFF" + bytes(4) + b"WAVEfmt ")
    'wav'
    """
    for name, begins in _BEGINNINGS.items():
        if begins(first):
            return name
    return None


def id3_size(first: bytes) -> int:
    """Return the bytes of the ID3 tag (version 2) that begins with ``first``, 0 if none does.

    >>> id3_size(b"ID3" + bytes([4, 0, 0, 0, 0, 1, 0])), id3_size(b"fLaC")
    (138, 0)
    """
    if not first.startswith(b"ID3") or not re.match(ID3, first):
        return 0
    size = sum(byte << shift for byte, shift in zip(first[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if first[5] & 0x10 else 0)


def is_placeholder(size: int) -> bool:
    """Return True if ``size`` is one that recorders write while they do not know the true one: a
    large round number, or one shortly before the largest that fits.

    >>> [is_placeholder(size) for size in (0x7FFF0000, 2_000_000_000, 0xFFFFFFDB, 1_234_567_890)]
    [True, True, True, False]
    """
    if size < _LARGE:
        return False
    near = any(limit - _NEAR <= size <= limit for limit in (1 << 31, (1 << 32) - 1))
    return near or size % _NEAR == 0 or size % 1_000_000 == 0


def read_layout(container: str, file: Reader) -> Layout | Coded | None:
    """Read the header of a ``container`` in ``LAID_OUT`` up to its first sample; ``file`` is at its
    beginning.

    The result is None if neither this package nor libsndfile knows the coding of the samples.

    Raises:
        HeaderError: the header is cut off or damaged.
        AudioError: the header contradicts itself, or is beyond the limits.
    """
    parse = {"wav": _wav, "aiff": _aiff, "au": _au, "nistsphere": _sphere}[container]
    try:
        layout = parse(file)
    except (struct.error, KeyError, ValueError, OverflowError) as error:
        raise HeaderError("its header is cut off or damaged") from error
    if isinstance(layout, Layout):
        check_limits(layout.rate, layout.channels)
    return layout


def _wav(file: Reader) -> Layout | Coded | None:
    begin = file.tell()
    head = file.read(12)
    order = ">" if head.startswith(b"RIFX") else "<"
    (riff_size,) = struct.unpack_from(order + "4xI4x", head)
    bodies = {}
    while True:
        name, size = struct.unpack(order + "4sI", file.read(8))
        if name == b"data":
            break
        wanted = size if name in (b"fmt ", b"fact", b"ds64") else 0
        bodies[name] = file.read(min(wanted, 64))
        _skip(file, size + size % 2 - len(bodies[name]))
    position = file.tell() - begin
    tag, channels, rate, speed, align, bits = struct.unpack_from(order + "HHIIHH", bodies[b"fmt "])
    if tag == _EXTENSIBLE:
        (tag,) = struct.unpack_from(order + "H", bodies[b"fmt "], 24)
    check_limits(rate, channels)
    if tag in (_MS_ADPCM, _IMA_ADPCM, _GSM):
        _check_blocks(tag, channels, align, bodies[b"fmt "], order)
        frames = struct.unpack_from(order + "I", bodies[b"fact"])[0] if b"fact" in bodies else 0
        return Coded(None if is_placeholder(frames) else frames or None)
    if tag not in (1, 3, 6, 7):
        return None
    if bits > 32 and tag == 1 and align * 8 == channels * bits:
        return None
    subtype = _wav_subtype(tag, channels, align, bits, speed / rate)
    exact = size == 0xFFFFFFFF and b"ds64" in bodies
    if exact:
        large_riff, large = struct.unpack_from("<QQ", bodies[b"ds64"])
        exact = large != _UNKNOWN
        if exact:
            _check_size(large)
            riff_size, size = large_riff, large
    open_ended = is_placeholder(riff_size) and not exact
    end = 0 if open_ended else riff_size + 8
    behind = max(0, end - position - size)
    held: int | None = size
    if (is_placeholder(size) and not exact) or (size == 0 and end <= position):
        held, behind = None, 0  # the recorder has not filled in the sizes
    if order == ">":
        return Layout(rate, channels, subtype, "BIG", held, "big", behind)
    return Layout(rate, channels, subtype, "LITTLE", held, "little", behind)


def _wav_subtype(tag: int, channels: int, align: int, bits: int, speed: float) -> str:
    """Return the subtype of samples by the bytes of a frame (``align``), or, if these fit no
    subtype, or the bytes that a frame has by the byte rate (``speed``) do not bear them out, by the
    ``bits`` of a sample."""
    codings: dict[int, dict[int, str]] = {
        1: {**_PCM, 1: "PCM_U8"},
        3: {4: "FLOAT", 8: "DOUBLE"},
        6: {1: "ALAW"},
        7: {1: "ULAW"},
    }
    known = codings[tag]
    width, rest = divmod(align, channels)
    by_bits = 1 if tag in (6, 7) else (bits + 7) // 8
    contrary = speed == channels * by_bits != align
    if rest or width not in known or bits > 8 * width or contrary:
        # Writers err in the one or the other.
        width = by_bits
        if width not in known or align > 16 * channels:
            raise AudioError(
                f"its header contradicts itself ({align} bytes for {channels} samples of {bits} "
                "bits)"
            )
    return known[width]


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


def _aiff(file: Reader) -> Layout | None:
    begin = file.tell()
    _, form_size, form = struct.unpack(">4sI4s", file.read(12))
    common = b""
    while True:
        name, size = struct.unpack(">4sI", file.read(8))
        if name == b"SSND":
            break
        body = file.read(min(size, 64)) if name == b"COMM" else b""
        common = body or common
        _skip(file, size + size % 2 - len(body))
    (offset, _) = struct.unpack(">II", file.read(8))
    _skip(file, offset)
    channels, frames, bits, exponent, mantissa = struct.unpack_from(">HIHHQ", common)
    rate = round(mantissa * 2.0 ** (min(exponent, 0x7FFF) - 16383 - 63)) if exponent < 17000 else 0
    coding = common[18:22] if form == b"AIFC" else b"NONE"
    if coding not in _AIFF:
        return None
    subtype = _AIFF[coding] or _PCM.get((bits + 7) // 8)
    if subtype is None:
        raise AudioError(f"its header contradicts itself (samples of {bits} bits)")
    check_limits(rate, channels)
    endian = "LITTLE" if coding == b"sowt" else "BIG"
    layout = Layout(rate, channels, subtype, endian, None, "big")
    # Two numbers tell the size; one may not have been filled in.
    held = 0 if is_placeholder(size) else max(0, size - 8 - offset)
    promised = 0 if is_placeholder(frames) else frames * layout.frame_bytes
    size = max(promised, held // layout.frame_bytes * layout.frame_bytes)
    position = file.tell() - begin
    if not size and (form_size + 8 <= position or is_placeholder(form_size)):
        return layout
    return replace(layout, size=size, behind=max(0, form_size + 8 - position - size))


def _au(file: Reader) -> Layout | None:
    _, start, size, coding, rate, channels = struct.unpack(">4sIIIII", file.read(24))
    check_limits(rate, channels)
    if start < 24:
        raise HeaderError(f"its header contradicts itself (samples from byte {start} on)")
    _skip(file, start - 24)
    if coding not in _AU:
        return None
    known = None if size == 0 or is_placeholder(size) else size
    return Layout(rate, channels, _AU[coding], "BIG", known)


def _sphere(file: Reader) -> Layout | None:
    size = int(file.read(16)[8:])
    if not 16 < size <= 1 << 16:
        raise AudioError(f"its header contradicts itself (header of {size} bytes)")
    text, end, _ = file.read(size - 16).decode("latin-1").partition("end_head")
    if not end:
        raise HeaderError("it ends within its header")
    fields = {}
    for line in text.splitlines():
        name, *values = line.split(None, 2)[:3] or [""]
        fields[name] = values[1].strip() if len(values) == 2 else ""
    coding = fields.get("sample_coding", "pcm").lower()
    width = _whole(fields.get("sample_n_bytes", "2" if coding == "pcm" else "1"))
    codings = {"pcm": _PCM.get(width), "ulaw": "ULAW", "mu-law": "ULAW", "alaw": "ALAW"}
    if coding not in codings:
        return None
    subtype = codings[coding]
    if subtype is None or width != _WIDTHS[subtype]:
        raise AudioError(f"its header contradicts itself ({coding} samples of {width} bytes)")
    frames = _whole(fields.get("sample_count", "0"))
    if not 0 <= frames < 1 << 48:
        raise AudioError(f"its header is beyond all limits ({frames} samples)")
    endian = "LITTLE" if fields.get("sample_byte_format", "10").startswith("0") else "BIG"
    channels = _whole(fields.get("channel_count", "1"))
    rate = _whole(fields["sample_rate"])
    check_limits(rate, channels)
    layout = Layout(rate, channels, subtype, endian, None)
    known = frames and not is_placeholder(frames)
    return replace(layout, size=frames * layout.frame_bytes if known else None)


def _whole(value: str) -> int:
    """Return a whole number that may be written as a real one."""
    return int(value) if re.fullmatch(r"[+-]?\d+", value) else round(float(value))


def _check_size(size: int) -> None:
    if size >= 1 << 62:
        raise AudioError(f"its header is beyond all limits ({size} bytes of samples)")


def _skip(file: Reader, count: int) -> None:
    while count > 0:
        piece = file.read(min(count, 1 << 16))
        if not piece:
            raise HeaderError("it ends within its header")
        count -= len(piece)
