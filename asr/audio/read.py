"""Reading of audio: files, bytes and standard input become mono float32 at the wanted rate.

The decoder is chosen in :mod:`asr.audio.decoders`.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from asr.audio.channels import Mixer
from asr.audio.decoders import open_samples, open_sound
from asr.audio.inputs import AudioInput, Piece, is_standard_input, open_input
from asr.audio.pieces import open_piece
from asr.audio.resample import resample_blocks
from asr.audio.sound import MAX_CHANNELS, MAX_RATE, MIN_RATE, Samples, Sound
from asr.errors import AudioError

__all__ = [
    "MAX_CHANNELS", "MAX_RATE", "MAX_READ_SECONDS", "MAX_STREAMED_SECONDS", "MIN_RATE", "Audio",
    "AudioStream", "Samples", "open_audio", "read_audio", "source_name", "stream_audio",
]  # fmt: skip

MAX_READ_SECONDS = 1800.0
MAX_STREAMED_SECONDS = 86_400.0
MAX_LEVEL = 1e9
"""The largest sample that is read. Full scale is 1; the square has to fit in float32."""


@dataclass(frozen=True)
class Audio:
    """A recording that was read: mono ``samples`` (n,) float32 at ``sample_rate`` Hz.

    ``source_rate`` (Hz) and ``channels`` are those of the source; ``warnings`` say what is wrong
    with it as a file.
    """

    samples: Samples
    sample_rate: int
    source_rate: int
    channels: int
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """The length of the recording in seconds."""
        return len(self.samples) / self.sample_rate


class AudioStream:
    """An iterator over the blocks (n,) of mono float32 samples at ``sample_rate`` Hz that
    :func:`open_audio` reads from a source.

    ``claimed_seconds`` is the duration that the header promises, None where it promises nothing;
    ``warnings`` are complete when there are no more blocks. The source is closed at the end of a
    ``with`` or of the blocks.
    """

    def __init__(
        self,
        name: str,
        sound: Sound,
        sample_rate: int,
        max_seconds: float,
        resources: ExitStack,
    ) -> None:
        self.name = name
        self.sample_rate = sample_rate
        self.source_rate = sound.rate
        self.channels = sound.channels
        promised = sound.frames
        self.claimed_seconds = None if promised is None else promised / sound.rate
        self.warnings = sound.warnings
        self._sound = sound
        self._max_seconds = max_seconds
        self._resources = resources
        self._blocks = self._resampled()

    def __enter__(self) -> "AudioStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "AudioStream":
        return self

    def __next__(self) -> Samples:
        """Return the next block.

        Raises:
            AudioError: the recording is longer than allowed, a sample is not finite or absurdly
                large, or nothing can be decoded.
        """
        return next(self._blocks)

    def close(self) -> None:
        """Close the source; there are no more blocks."""
        self._blocks.close()
        self._resources.close()

    def _resampled(self) -> Generator[Samples, None, None]:
        with self._resources, named(self.name):
            yield from resample_blocks(self._mono(), self.source_rate, self.sample_rate)

    def _mono(self) -> Iterator[Samples]:
        # The samples are counted, because the length in a header need not be true.
        limit = self._max_seconds * self.source_rate
        count, mixer = 0, Mixer()
        for block in self._sound.blocks:
            mono = mixer.mix(block)
            check_samples(mono, count)
            count += len(mono)
            if count > limit:
                raise AudioError(
                    f"longer than {self._max_seconds / 60:g} minutes; split it into shorter files"
                )
            yield mono
        if mixer.warning:
            self.warnings.append(mixer.warning)


def open_audio(
    source: AudioInput | BinaryIO,
    sample_rate: int,
    *,
    raw_rate: int | None = None,
    max_seconds: float = MAX_STREAMED_SECONDS,
) -> AudioStream:
    """Open ``source``, a path, ``"-"`` for standard input, bytes, a binary stream or a piece of a
    file, for decoding.

    WAV, AIFF, AU, NIST SPHERE, FLAC, MP3, Ogg and everything else that FFmpeg reads are read, M4A,
    WebM and the sound of videos among them; of a file in which one recording follows another, all
    are. Channels are averaged; of those that cancel each other one is taken. Other rates are
    resampled (soxr, high quality). From a pipe, samples come out as their bytes arrive, except of a
    few containers, such as MP4, in which a decoder has to go back and forth: these are stored
    first. With
    ``raw_rate`` (Hz) the source is samples without a header: mono, 16 bits, little-endian.

    >>> with open_audio(bytes(3200), 8000, raw_rate=16000) as stream:
    ...     print(stream.source_rate, sum(len(block) for block in stream))
    16000 800

    Raises:
        AudioError: there is no audio in it, its header contradicts itself, or it has over
            ``MAX_CHANNELS`` channels or a rate outside ``MIN_RATE`` to ``MAX_RATE`` Hz.
        OutputError: there is no room for a pipe's bytes, which have to be stored.
    """
    name = source_name(source)
    # Not closed by a "with", since recordings behind the first add to it while blocks are read.
    resources = ExitStack()
    try:
        with named(name):
            if isinstance(source, Piece):
                sound = open_piece(source, resources)
            elif raw_rate is None:
                sound = open_sound(open_input(source, resources))
            else:
                sound = open_samples(open_input(source, resources), raw_rate)
    except BaseException:
        resources.close()
        raise
    return AudioStream(name, sound, sample_rate, max_seconds, resources)


def read_audio(
    source: AudioInput | BinaryIO, sample_rate: int, max_seconds: float = MAX_READ_SECONDS
) -> Audio:
    """Read all of ``source``, which is anything that :func:`open_audio` takes.

    A file that holds less than its header promises gives what is there, and a warning.

    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros((44100, 2)), 44100, format="FLAC")
    >>> audio = read_audio(file.getvalue(), 16000)
    >>> audio.samples.shape, audio.source_rate, audio.channels, audio.duration
    ((16000,), 44100, 2, 1.0)

    Raises:
        AudioError: as :func:`open_audio`; it is longer than ``max_seconds``; a sample is not finite
            or over ``MAX_LEVEL``.
    """
    with open_audio(source, sample_rate, max_seconds=max_seconds) as stream:
        samples = np.concatenate([np.zeros(0, np.float32), *stream])
        warnings = tuple(stream.warnings)
        return Audio(samples, sample_rate, stream.source_rate, stream.channels, warnings)


def stream_audio(
    source: AudioInput | BinaryIO, sample_rate: int, max_seconds: float = MAX_STREAMED_SECONDS
) -> Iterator[Samples]:
    """Yield the samples of :func:`read_audio` in blocks (n,), for recordings that do not fit in
    memory.

    Raises:
        AudioError: as :func:`read_audio`, once the fault is reached.
    """
    with open_audio(source, sample_rate, max_seconds=max_seconds) as stream:
        yield from stream


def check_samples(samples: Samples, first: int = 0) -> None:
    """Raise an AudioError unless ``samples`` (n,), those of a recording from the sample ``first``
    on, are finite and at most ``MAX_LEVEL``."""
    # A comparison with NaN is false, so that NaN is refused too.
    if len(samples) and not (samples.min() >= -MAX_LEVEL and samples.max() <= MAX_LEVEL):
        index = int(np.argmin(np.abs(samples) <= MAX_LEVEL))
        raise AudioError(
            f"sample {first + index} is {samples[index]}; samples must be finite and should lie "
            "within -1 and 1"
        )


def source_name(source: object) -> str:
    """Return the name of a source in messages and outputs.

    >>> source_name("-"), source_name(b"RIFF")
    ('<stdin>', '<audio bytes>')
    """
    if isinstance(source, Piece):
        return str(source)
    if isinstance(source, str | os.PathLike):
        return "<stdin>" if is_standard_input(source) else os.fsdecode(source)
    return "<audio bytes>"


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put the name of a source in front of the message of an error that it gives."""
    try:
        yield
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from error
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({error.strerror or error})") from error
