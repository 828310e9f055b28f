"""Audio files, bytes and standard input as mono float32 at the rate a model wants."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr.errors import AudioError

Samples = npt.NDArray[np.float32]

MIN_RATE, MAX_RATE = 2_000, 384_000
MAX_CHANNELS = 16
MAX_SECONDS = 1800.0
MAX_STREAMED_SECONDS = 86_400.0
_BLOCK = 1 << 16  # frames decoded at a time


@dataclass(frozen=True)
class Audio:
    """Mono ``samples`` (n,) float32 at ``sample_rate`` Hz, and what the source was."""

    samples: Samples
    sample_rate: int
    source_rate: int
    channels: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sample_rate


def read_audio(
    source: str | Path | bytes | BinaryIO, sample_rate: int, max_seconds: float = MAX_SECONDS
) -> Audio:
    """Decode ``source`` (a path, ``"-"`` for standard input, bytes or a binary stream).

    Whatever libsndfile reads: WAV, FLAC, MP3, Ogg/Opus, NIST SPHERE and others. Channels are
    averaged; other rates are resampled (soxr, high quality).

    Raises:
        AudioError: no audio in it, over ``MAX_CHANNELS`` channels, a rate outside ``MIN_RATE`` to
            ``MAX_RATE`` Hz, longer than ``max_seconds``, or a sample that is not finite.
    """
    name = source_name(source)
    with _open(source, name) as file:
        _check_header(file, name)
        blocks = list(_decode(file, name, max_seconds))
        rate, channels = file.samplerate, file.channels
    samples = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)
    return Audio(resample(samples, rate, sample_rate), sample_rate, rate, channels)


def stream_audio(
    source: str | Path | bytes | BinaryIO,
    sample_rate: int,
    max_seconds: float = MAX_STREAMED_SECONDS,
) -> Iterator[Samples]:
    """The samples of :func:`read_audio` in blocks (n,), for recordings that do not fit in memory.

    Raises:
        AudioError: as :func:`read_audio`, once the fault is reached.
    """
    name = source_name(source)
    with _open(source, name) as file:
        _check_header(file, name)
        blocks = _decode(file, name, max_seconds)
        if file.samplerate == sample_rate:
            yield from blocks
            return
        resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
        for block in blocks:
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def resample(samples: Samples, source_rate: float, sample_rate: float) -> Samples:
    """``samples`` (n,) at ``source_rate`` Hz as they are at ``sample_rate`` Hz."""
    if source_rate == sample_rate or not len(samples):
        return samples
    resampled: Samples = soxr.resample(samples, source_rate, sample_rate)
    return resampled


def source_name(source: object) -> str:
    """How messages and outputs call a source."""
    if isinstance(source, str | Path):
        return "<stdin>" if str(source) == "-" else str(source)
    return "<audio bytes>"


def _open(source: str | Path | bytes | BinaryIO, name: str) -> soundfile.SoundFile:
    if isinstance(source, str | Path) and str(source) == "-":
        source = sys.stdin.buffer.read()
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists():
            raise AudioError(f"{name}: no such file")
        if path.is_dir():
            raise AudioError(f"{name}: is a folder; name the audio files in it")
        if path.stat().st_size == 0:
            raise AudioError(f"{name}: the file is empty (0 bytes)")
    elif isinstance(source, bytes):
        if not source:
            raise AudioError(f"{name}: got no bytes")
        source = io.BytesIO(source)
    try:
        return soundfile.SoundFile(source)
    except (soundfile.SoundFileError, TypeError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(
            f"{name}: not readable as audio ({reason}); needs WAV, FLAC, MP3, Ogg/Opus or SPHERE"
        ) from error
    except OSError as error:
        raise AudioError(f"{name}: cannot be opened ({error.strerror or error})") from error


def _check_header(file: soundfile.SoundFile, name: str) -> None:
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        raise AudioError(
            f"{name}: sample rate {file.samplerate} Hz; needs {MIN_RATE} to {MAX_RATE} Hz"
        )
    if file.channels > MAX_CHANNELS:
        raise AudioError(f"{name}: {file.channels} channels; at most {MAX_CHANNELS} are read")


def _decode(file: soundfile.SoundFile, name: str, max_seconds: float) -> Iterator[Samples]:
    # Counted while decoding: a header's length is a claim, not a fact.
    limit = max_seconds * file.samplerate
    count = 0
    try:
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            mono = block.mean(axis=1, dtype=np.float32)
            finite = np.isfinite(mono)
            if not finite.all():
                index = int(np.argmin(finite))
                raise AudioError(
                    f"{name}: sample {count + index} is {mono[index]}; samples must be finite"
                )
            count += len(block)
            if count > limit:
                raise AudioError(
                    f"{name}: longer than {max_seconds / 60:g} minutes; split it into shorter files"
                )
            yield mono
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError(f"{name}: decoding failed after {count} frames ({error})") from error
