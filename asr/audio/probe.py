"""Probing: the length and the faults of a recording, found in its header or by decoding it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from asr.audio.laid_out import find_samples
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
    is compared with the size of the file. That of a compressed one is believed, though Ogg has to
    end with its last page. If the header tells no length, the file is decoded.

    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(path := Path(folder, "a.wav"), [0.0] * 8000, 16000)
    ...     probe(path, max_seconds=60)
    Probe(duration=0.5, rate=16000, channels=1, warnings=())

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`, as far as the header tells.
    """
    with suppress(AudioError, OSError, ValueError):  # decoding, below, reports the fault
        found = _laid_out(path)
        if found and found.duration <= max_seconds:
            return found
    with open_audio(path, _RATE, max_seconds=max_seconds) as stream:
        duration = stream.claimed_seconds
        if duration is None or duration > max_seconds:
            duration = sum(map(len, stream)) / _RATE
        return Probe(duration, stream.source_rate, stream.channels, tuple(stream.warnings))


def decode(path: Path, max_seconds: float) -> Probe:
    """Decode all of ``path``, and return its true length, whatever its header promises.

    Raises:
        AudioError: as :func:`asr.audio.read.read_audio`.
    """
    with open_audio(path, _RATE, max_seconds=max_seconds) as stream:
        duration = sum(map(len, stream)) / _RATE
        return Probe(duration, stream.source_rate, stream.channels, tuple(stream.warnings))


def _laid_out(path: Path) -> Probe | None:
    """Return what the header and the size of an uncompressed recording tell; None for others."""
    with open(path, "rb") as file:
        found = find_samples(file)
    if found is None:
        return None
    layout = found.layout
    return Probe(found.frames / layout.rate, layout.rate, layout.channels, found.warnings)
