"""The first frame of an MP3 file, which is silent and counts the others (Xing, Info, LAME)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from asr.audio.sound import Block

_UNKNOWN_COUNT = (0x7FFFFFFF).to_bytes(4, "big")
_DECODER_DELAY = 529
"""The samples by which a decoder lags behind."""
FIRST = 4096
"""The bytes behind a tag within which the frame stands."""
_INFO = re.compile(rb"\xff[\xe2-\xff][^\xf0-\xff].(?:.{9}|.{17}|.{32})(Xing|Info)", re.DOTALL)


@dataclass(frozen=True)
class Count:
    """What the first frame says: there are ``samples`` a channel, and up to ``padding`` more behind
    them that fill the last frame. ``patched`` are the first bytes of the file, in which the number
    of frames is so large that a decoder goes on to the end of the file."""

    samples: int
    padding: int
    patched: bytes


def read_count(first: bytes, begin: int) -> Count | None:
    """Return what the first frame says of a file that begins with ``first``; its tag ends at
    ``begin``. The result is None if there is no such frame, or if it does not count."""
    found = _INFO.match(first, begin)
    if not found:
        return None
    start, at = found.start(), found.end()
    flags = int.from_bytes(first[at : at + 4], "big")
    if not flags & 1 or len(first) < at + 200:
        return None
    frames = int.from_bytes(first[at + 4 : at + 8], "big")
    skipped = (4 if flags & 2 else 0) + (100 if flags & 4 else 0)
    lame = at + 8 + skipped + (4 if flags & 8 else 0)
    version, layer = first[start + 1] >> 3 & 3, first[start + 1] >> 1 & 3
    if layer != 1:
        return None
    delays = int.from_bytes(first[lame + 21 : lame + 24], "big") if first[lame] else 0
    delay, padding = delays >> 12, delays & 0xFFF
    samples = frames * (1152 if version == 3 else 576) - delay - padding
    if first[lame]:  # without silence behind them, the last samples stay in the decoder
        samples -= max(0, _DECODER_DELAY - padding)
    # Without the count of bytes and the table of places, which would no longer be true.
    counting = (flags & 9).to_bytes(4, "big") + _UNKNOWN_COUNT
    end = lame + 36
    rest = first[at + 8 + skipped : end]
    patched = first[:at] + counting + rest + bytes(skipped)
    return Count(max(0, samples), max(padding - _DECODER_DELAY, 0), patched)


def without_padding(blocks: Iterator[Block], count: Count) -> Iterator[Block]:
    """Yield ``blocks`` without the samples that fill the last frame. If more follow than that, the
    count was not true, and all are yielded."""
    left, held, size = count.samples, list[Block](), 0
    for block in blocks if count.padding else ():
        taken = min(left, len(block))
        if taken:
            yield block[:taken]
        left -= taken
        held.append(block[taken:])
        size += len(held[-1])
        if size > count.padding:
            yield np.concatenate(held)
            break
    yield from blocks
