"""Cutting of clips out of long recordings, into files with the same samples and the same rate."""

import hashlib
import io
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asr.audio.headers import HeaderError
from asr.audio.inputs import Piece
from asr.audio.laid_out import LaidOut, find_samples
from asr.audio.pieces import open_piece
from asr.audio.plain import convert
from asr.audio.read import MIN_RATE, named, open_audio
from asr.audio.shared import SharedRecordings
from asr.audio.sound import Block
from asr.errors import AudioError
from asr.files import write_atomically

_FLAC_CHANNELS = 8
_SIXTEEN = (".flac", "PCM_16", "int16")
_CODINGS = {
    "PCM_U8": _SIXTEEN, "PCM_S8": _SIXTEEN, "PCM_16": _SIXTEEN, "ULAW": _SIXTEEN, "ALAW": _SIXTEEN,
    "PCM_24": (".flac", "PCM_24", "int32"),
    "PCM_32": (".wav", "PCM_32", "int32"),
    "DOUBLE": (".wav", "DOUBLE", "float64"),
}  # fmt: skip
_FLOAT = (".wav", "FLOAT", "float32")
"""The suffix, the coding and the type that hold the samples of every other coding exactly."""


@dataclass(frozen=True)
class Clip:
    """The frames ``begin`` to ``end`` of the file ``source``, of one ``channel``, or of all
    (None)."""

    source: Path
    begin: int
    end: int
    channel: int | None

    def stamp(self) -> str:
        """Return a text that is another one for every other clip, and if the file has changed."""
        state = self.source.stat()
        values = [str(self.source), state.st_size, state.st_mtime_ns]
        values += [self.begin, self.end, self.channel]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def cut(
    clip: Clip, folder: Path, name: str, shared: SharedRecordings | None = None
) -> tuple[Path, bool]:
    """Write a clip to ``folder``, under ``name`` with a suffix.

    The file is FLAC if that holds the samples exactly, else WAV (for samples of 32 bits, and for
    lossy formats, which decode to floats).

    Args:
        clip: of a recording in any format.
        folder: is made if it is missing.
        name: of the file, without its suffix.
        shared: recordings of which other clips are cut too.

    Returns:
        The path, and whether the file was there already, whole and cut from the same place of the
        same recording.

    Raises:
        AudioError: the recording cannot be read, or ends before the clip.
        OutputError: the file cannot be written.
    """
    found = _laid_out(clip.source)
    suffix, subtype, dtype = _coding(clip, found)
    path, stamp = folder / f"{name}{suffix}", clip.stamp()
    if _stamp_of(path) == stamp:
        return path, True
    if found:
        with open(clip.source, "rb") as source:
            data = found.read(source, clip.begin, min(clip.end, found.frames))
        samples, rate = convert(data, found.layout, dtype), found.layout.rate
    else:
        samples, rate = _decoded(clip, dtype, shared)
    if len(samples) < clip.end - clip.begin:
        raise AudioError(
            f"{clip.source}: ends at {(clip.begin + len(samples)) / rate:.3f} s, but a clip "
            f"goes on to {clip.end / rate:.3f} s"
        )
    if clip.channel is not None:
        samples = samples[:, [clip.channel]]
    content = io.BytesIO()
    kind, channels = suffix[1:].upper(), samples.shape[1]
    with soundfile.SoundFile(content, "w", rate, channels, subtype, format=kind) as file:
        file.comment = stamp
        file.write(samples)
    write_atomically(path, content.getvalue())
    return path, False


def _laid_out(path: Path) -> LaidOut | None:
    try:
        with open(path, "rb") as file:
            return find_samples(file)
    except HeaderError:
        return None  # another decoder may understand it
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror or error})") from error


def _coding(clip: Clip, found: LaidOut | None) -> tuple[str, str, str]:
    """Return the suffix, the subtype and the type that hold a clip exactly."""
    if found:
        subtype, channels = found.layout.subtype, found.layout.channels
    else:
        try:
            info = soundfile.info(str(clip.source))
        except soundfile.SoundFileError:
            return _FLOAT  # FFmpeg decodes it
        # What libsndfile decodes to floats is no number of bits, whatever the coding is called.
        subtype, channels = info.subtype if info.format == "FLAC" else "", info.channels
    coding = _CODINGS.get(subtype, _FLOAT)
    many = clip.channel is None and channels > _FLAC_CHANNELS
    return (".wav", *coding[1:]) if many else coding


def _decoded(clip: Clip, dtype: str, shared: SharedRecordings | None) -> tuple[Block, int]:
    """Decode a clip, to floats, or to integers whose highest bits hold its samples."""
    with open_audio(clip.source, MIN_RATE) as stream:
        rate = stream.source_rate
    piece = Piece(clip.source, clip.begin / rate, (clip.end - clip.begin) / rate, shared)
    with ExitStack() as resources, named(str(clip.source)):
        sound = open_piece(piece, resources)
        samples = np.concatenate([np.zeros((0, sound.channels), np.float32), *sound.blocks])
    if dtype != "float32":
        bits = np.iinfo(dtype).bits
        samples = np.round(samples.astype(np.float64) * 2.0 ** (bits - 1)).astype(dtype)
    return samples, sound.rate


def _stamp_of(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with soundfile.SoundFile(str(path)) as file:
            return str(file.comment)
    except soundfile.SoundFileError:
        return None
