"""Probing: the length and the faults of a recording, found in its header or by decoding it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from asr.audio.extent import find_extent
from asr.audio.read import open_audio
from asr.errors import AudioError

_RATE = 16000


@dataclass(frozen=True)
class Probe:
    """The ``duration`` in seconds, ``rate`` in Hz and number of ``channels`` of a recording file;
    ``warnings`` say what is wrong with it."""

    duration: float
    rate: int
    channels: int
    warnings: tuple[str, ...] = ()


def probe(path: Path, max_seconds: float) -> Probe:
    """Read the header of ``path``.

    The length that the header of an uncompressed recording promises (WAV, AIFF, AU, NIST SPHERE)
    is compared with the size of the file, and that of FLAC, MP3 and Ogg with the end of the file.
    Where that does not bear it out, as when another recording follows in the file, and in other
    containers, the file is decoded.

    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(path := Path(folder, "a.wav"), [0.0] * 8000, 16000)
    ...     probe(path, max_seconds=60)
    Probe(duration=0.5, rate=16000, channels=1, warnings=())

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`, as far as the header tells.
    """
    with suppress(AudioError, OSError, ValueError):  # decoding, below, reports the fault
        found = find_extent(path)
        if found and found.seconds <= max_seconds:
            return Probe(found.seconds, found.rate, found.channels, found.warnings)
    return decode(path, max_seconds)


def decode(path: Path, max_seconds: float) -> Probe:
    """Decode all of ``path``, and return its true length, whatever its header promises.

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`.
    """
    with open_audio(path, _RATE, max_seconds=max_seconds) as stream:
        duration = sum(map(len, stream)) / _RATE
        return Probe(duration, stream.source_rate, stream.channels, tuple(stream.warnings))
