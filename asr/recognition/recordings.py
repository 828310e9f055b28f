"""Recordings on their way into the network: short ones whole, long ones block by block.

The statistics of a long recording have to be known before its first window is computed, so it is
read in two passes. It is decoded once: the samples of the first pass are kept for the second.
"""

import os
import tempfile
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from numbers import Real
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from asr.audio.inputs import AudioInput, is_standard_input
from asr.audio.meter import AudioMeter
from asr.audio.read import MAX_RATE, MIN_RATE, Samples, check_samples, open_audio
from asr.audio.resample import resample
from asr.errors import AudioError
from asr.model.directory import ModelInfo

MAX_IN_MEMORY = 1 << 25
"""The most bytes of samples that :class:`Passes` keeps in memory: 8.7 minutes at 16 kHz."""
MAX_ON_DISK = 1 << 30
"""The most bytes of samples that it keeps in a temporary file as well: 4.7 hours at 16 kHz."""
_BLOCK = 1 << 16


@dataclass(frozen=True)
class ShortRecording:
    """A recording that fits into one window: its ``samples`` (n,) at the model's rate, and the
    meter that has measured them."""

    samples: Samples
    meter: AudioMeter


@dataclass(frozen=True)
class LongRecording:
    """A recording that is read in blocks (n,) at the model's rate. ``open`` starts a pass; its
    argument is the meter that is to measure the blocks, or None."""

    open: Callable[[AudioMeter | None], Iterator[Samples]]


@dataclass(frozen=True)
class LiveRecording(LongRecording):
    """A recording that can be read only once, while it goes on."""


Recording = ShortRecording | LongRecording


class Passes:
    """Passes through a recording that is decoded once; a call starts a pass, which yields blocks
    (n,) of its samples at ``sample_rate`` Hz.

    A pass first yields what earlier ones have decoded, and then decodes on from there. The samples
    are kept until a pass has found all of them decoded: at most ``MAX_IN_MEMORY`` bytes in memory
    and ``MAX_ON_DISK`` in an unnamed temporary file. Without room for them, later passes decode
    again from the beginning. One pass has to end before the next one starts.

    ``warnings`` say what is wrong with the recording as a file, once it has been decoded.

    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros(100_000), 16000, format="FLAC")
    >>> passes = Passes(file.getvalue(), 16000)
    >>> [sum(map(len, passes())) for _ in range(2)]
    [100000, 100000]
    """

    def __init__(self, source: AudioInput, sample_rate: int, raw_rate: int | None = None) -> None:
        self.warnings: list[str] = []
        self._decode = partial(_decode, source, sample_rate, raw_rate, self.warnings)
        self._decoded = self._decode()
        self._keeps, self._complete = True, False
        self._in_memory: list[Samples] = []
        self._memory_bytes = self._disk_bytes = 0
        self._file: BinaryIO | None = None

    def __call__(self) -> Iterator[Samples]:
        """Start a pass.

        Raises:
            AudioError: the recording is not usable as audio, once the fault is reached.
        """
        if not self._keeps:
            yield from self._decode()
            return
        again = self._complete
        yield from self._kept()
        for block in self._decoded:
            self._keep(block)
            yield block
        self._complete = True
        if again:
            self._forget()

    def _kept(self) -> Iterator[Samples]:
        yield from self._in_memory
        for begin in range(0, self._disk_bytes, 4 * _BLOCK):
            assert self._file
            self._file.seek(begin)
            yield np.frombuffer(self._file.read(4 * _BLOCK), np.float32)

    def _keep(self, block: Samples) -> None:
        if not self._keeps:
            return
        if self._memory_bytes + block.nbytes <= MAX_IN_MEMORY:
            self._in_memory.append(block)
            self._memory_bytes += block.nbytes
            return
        self._memory_bytes = MAX_IN_MEMORY  # later blocks, even short ones, go into the file
        try:
            if self._file is None:
                self._file = _temporary_file()
                weakref.finalize(self, self._file.close)
            self._file.seek(self._disk_bytes)
            written = self._file.write(block.tobytes())
        except OSError:
            written = 0
        self._disk_bytes += written
        if written < block.nbytes or self._disk_bytes > MAX_ON_DISK:
            self._forget()

    def _forget(self) -> None:
        self._keeps = False
        self._in_memory.clear()
        if self._file:
            self._file.close()


def _is_named_pipe(source: str | os.PathLike[str]) -> bool:
    try:
        return Path(source).is_fifo()
    except OSError:  # a name that is too long, for example; opening it says so
        return False


def read_recording(
    source: AudioInput, info: ModelInfo, max_seconds: float, raw_rate: int | None = None
) -> Recording:
    """Read the file or bytes ``source``: all of it if it is no longer than ``max_seconds``, else
    only its beginning.

    ``"-"`` (headerless samples at ``raw_rate`` Hz, if that is given) and a named pipe are live.

    Raises:
        AudioError: it is not usable as audio, as far as it was read.
    """
    if is_standard_input(source):
        return _live(source, info, raw_rate)
    if isinstance(source, str | os.PathLike) and _is_named_pipe(source):
        return _live(source, info)
    passes = Passes(source, info.sample_rate)
    meter = AudioMeter(info.sample_rate, info.min_samples)
    blocks = [np.zeros(0, np.float32)]
    with closing(_measured(passes, passes.warnings, meter)) as first:
        for block in first:
            blocks.append(block)
            if meter.duration > max_seconds:
                return LongRecording(partial(_measured, passes, passes.warnings))
    return ShortRecording(np.concatenate(blocks), meter)


def take_samples(
    samples: npt.NDArray[np.floating], sample_rate: int | None, info: ModelInfo, max_seconds: float
) -> Recording:
    """Take mono ``samples`` (n,) at ``sample_rate`` Hz (None: the model's rate), and resample them
    to the model's rate.

    Raises:
        AudioError: another shape or type, a rate out of range, a sample that is not finite.
    """
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise AudioError(
            f"samples need shape (n,) and floats within -1 and 1, got {samples.shape} of "
            f"{samples.dtype}"
        )
    if sample_rate is not None and not isinstance(sample_rate, Real):
        raise AudioError(f"sample_rate is {sample_rate!r}, needs a number")
    if sample_rate is not None and not MIN_RATE <= sample_rate <= MAX_RATE:
        raise AudioError(f"sample_rate is {sample_rate}, needs {MIN_RATE} to {MAX_RATE} Hz")
    samples = samples.astype(np.float32)
    check_samples(samples)
    samples = resample(samples, sample_rate or info.sample_rate, info.sample_rate)
    if len(samples) > max_seconds * info.sample_rate:
        return LongRecording(partial(_measured, partial(_in_blocks, samples), []))
    meter = AudioMeter(info.sample_rate, info.min_samples)
    meter.add(samples)
    return ShortRecording(samples, meter)


def _temporary_file() -> BinaryIO:
    # Without a buffer, whose rest could fail to be written when it is closed.
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))


def _live(source: AudioInput, info: ModelInfo, raw_rate: int | None = None) -> LiveRecording:
    warnings: list[str] = []
    decode = partial(_decode, source, info.sample_rate, raw_rate, warnings)
    return LiveRecording(partial(_measured, decode, warnings))


def _decode(
    source: AudioInput, sample_rate: int, raw_rate: int | None, warnings: list[str]
) -> Iterator[Samples]:
    """Yield the blocks of ``source``; at their end ``warnings`` are what is wrong with it."""
    with open_audio(source, sample_rate, raw_rate=raw_rate) as audio:
        yield from audio
        warnings[:] = audio.warnings


def _measured(
    start: Callable[[], Iterable[Samples]], warnings: list[str], meter: AudioMeter | None
) -> Generator[Samples, None, None]:
    """Yield the blocks of a pass; the meter measures them and, at their end, takes the warnings."""
    for block in start():
        if meter:
            meter.add(block)
        yield block
    if meter:
        meter.warnings += warnings


def _in_blocks(samples: Samples) -> Iterator[Samples]:
    for begin in range(0, len(samples), _BLOCK):
        yield samples[begin : begin + _BLOCK]
