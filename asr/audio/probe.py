"""How long a recording is, by its header."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from asr.audio.headers import LAID_OUT, SNIFFED, Layout, container_of, read_layout
from asr.audio.read import open_audio
from asr.errors import AudioError

_RATE = 16000


@dataclass(frozen=True)
class Probe:
    """``duration`` in seconds, ``rate`` in Hz and ``channels`` of a recording as it lies there, and
    what is wrong with it as a file."""

    duration: float
    rate: int
    channels: int
    warnings: tuple[str, ...] = ()


def probe(path: Path, max_seconds: float) -> Probe:
    """Read the header of ``path``, and compare it with the size of the file if the samples stand as
    they are (WAV, AIFF, AU, NIST SPHERE). Of compressed ones the header is believed, though Ogg has
    to end with its last page; where it tells no length, the file is decoded.

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`, as far as the header tells.
    """
    with suppress(AudioError, OSError, ValueError):  # said below, in the words of decoding
        found = _laid_out(path)
        if found and found.duration <= max_seconds:
            return found
    with open_audio(path, _RATE, max_seconds=max_seconds) as stream:
        duration = stream.claimed_seconds
        if duration is None or duration > max_seconds:
            duration = sum(map(len, stream)) / _RATE
        return Probe(duration, stream.source_rate, stream.channels, tuple(stream.warnings))


def decode(path: Path, max_seconds: float) -> Probe:
    """The same of all that is decoded.

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`.
    """
    with open_audio(path, _RATE, max_seconds=max_seconds) as stream:
        duration = sum(map(len, stream)) / _RATE
        return Probe(duration, stream.source_rate, stream.channels, tuple(stream.warnings))


def _laid_out(path: Path) -> Probe | None:
    with open(path, "rb") as file:
        container = container_of(file.read(SNIFFED))
        if container not in LAID_OUT:
            return None
        file.seek(0)
        layout = read_layout(container, file.read)
        if not isinstance(layout, Layout):
            return None
        held = (os.fstat(file.fileno()).st_size - file.tell()) // layout.frame_bytes
    promised = held if layout.frames is None else layout.frames
    warnings: tuple[str, ...] = ()
    if held < promised:
        warnings = (
            f"the header promises {promised / layout.rate:.1f} s, "
            f"the file holds {held / layout.rate:.1f} s: truncated?",
        )
    return Probe(min(held, promised) / layout.rate, layout.rate, layout.channels, warnings)
