"""Recordings on their way into the network: short ones whole, long ones block by block."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from asr.audio.inputs import AudioInput, is_standard_input
from asr.audio.meter import AudioMeter
from asr.audio.read import MAX_RATE, MIN_RATE, Samples, check_samples, open_audio
from asr.audio.resample import resample
from asr.errors import AudioError
from asr.model.directory import ModelInfo

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


def is_live(source: object) -> bool:
    """Return True if ``source`` is ``"-"``, which stands for standard input, or a named pipe."""
    if is_standard_input(source):
        return True
    try:
        return isinstance(source, str | os.PathLike) and Path(source).is_fifo()
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
    if is_live(source):
        return _live(source, info, raw_rate if is_standard_input(source) else None)
    warnings: list[str] = []
    start = partial(decode, source, info.sample_rate, None, warnings)
    return take_blocks(start, warnings, info, max_seconds)


def take_blocks(
    start: Callable[[], Iterator[Samples]],
    warnings: list[str],
    info: ModelInfo,
    max_seconds: float,
) -> Recording:
    """Take a recording that ``start`` decodes to blocks (n,) at the model's rate, anew each time it
    is called; at their end ``warnings`` are what is wrong with it.

    Raises:
        AudioError: it is not usable as audio, as far as it was read.
    """
    decoded = start()
    meter = AudioMeter(info.sample_rate, info.min_samples)
    blocks = [np.zeros(0, np.float32)]
    for block in decoded:
        meter.add(block)
        blocks.append(block)
        if meter.duration > max_seconds:
            passes = chain([chain(blocks, decoded)], iter(start, None))  # the first goes on here
            return LongRecording(partial(_measured, partial(next, passes), warnings))
    meter.warnings += warnings
    return ShortRecording(np.concatenate(blocks), meter)


def long_recording(start: Callable[[], Iterator[Samples]], warnings: list[str]) -> LongRecording:
    """Return a recording that is known to be long, of which ``start`` begins each pass; its
    arguments are those of :func:`take_blocks`."""
    return LongRecording(partial(_measured, start, warnings))


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


def decode(
    source: AudioInput | BinaryIO, sample_rate: int, raw_rate: int | None, warnings: list[str]
) -> Iterator[Samples]:
    """Yield the samples of ``source`` at ``sample_rate`` Hz in blocks (n,); at their end
    ``warnings`` are what is wrong with it.

    Raises:
        AudioError: it is not usable as audio, once the fault is reached.
    """
    with open_audio(source, sample_rate, raw_rate=raw_rate) as audio:
        yield from audio
        warnings[:] = audio.warnings


def _live(source: AudioInput, info: ModelInfo, raw_rate: int | None = None) -> LiveRecording:
    warnings: list[str] = []
    start = partial(decode, source, info.sample_rate, raw_rate, warnings)
    return LiveRecording(partial(_measured, start, warnings))


def _measured(
    start: Callable[[], Iterable[Samples]], warnings: list[str], meter: AudioMeter | None
) -> Iterator[Samples]:
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
