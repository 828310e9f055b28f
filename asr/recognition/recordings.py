"""Recordings on their way into the network: short ones whole, long ones block by block."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.audio.meter import AudioMeter
from asr.audio.read import MAX_RATE, MIN_RATE, Samples, check_samples, open_audio, resample
from asr.errors import AudioError
from asr.model.directory import ModelInfo

AudioInput = str | Path | bytes
_BLOCK = 1 << 16


@dataclass(frozen=True)
class ShortRecording:
    """``samples`` (n,) at the model's rate, and what was noticed of them."""

    samples: Samples
    meter: AudioMeter


@dataclass(frozen=True)
class LongRecording:
    """``open`` starts a pass through it: blocks (n,) at the model's rate. What is noticed on the
    way goes into the meter, if there is one."""

    open: Callable[[AudioMeter | None], Iterator[Samples]]


@dataclass(frozen=True)
class LiveRecording(LongRecording):
    """One that can be gone through only once, while it goes on."""


Recording = ShortRecording | LongRecording


def read_recording(
    source: AudioInput, info: ModelInfo, max_seconds: float, raw_rate: int | None = None
) -> Recording:
    """The file or bytes ``source``, a long recording if it is longer than ``max_seconds``; ``"-"``,
    of headerless samples at ``raw_rate`` (Hz) if that is given, and a named pipe are live.

    Raises:
        AudioError: not usable as audio, as far as it was read.
    """
    if str(source) == "-":
        return LiveRecording(partial(_read_blocks, source, info, raw_rate=raw_rate))
    if isinstance(source, str | Path) and Path(source).is_fifo():
        return LiveRecording(partial(_read_blocks, source, info))
    meter = AudioMeter(info.sample_rate, info.min_samples)
    blocks = [np.zeros(0, np.float32)]
    for block in (rest := _read_blocks(source, info, meter)):
        blocks.append(block)
        if meter.duration > max_seconds:
            rest.close()
            return LongRecording(partial(_read_blocks, source, info))
    return ShortRecording(np.concatenate(blocks), meter)


def take_samples(
    samples: npt.NDArray[np.floating], sample_rate: int | None, info: ModelInfo, max_seconds: float
) -> Recording:
    """Mono ``samples`` (n,) of ``sample_rate`` (Hz; None: the model's).

    Raises:
        AudioError: another shape or type, a rate out of range, a sample that is not finite.
    """
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise AudioError(
            f"samples need shape (n,) and floats within -1 and 1, got {samples.shape} of "
            f"{samples.dtype}"
        )
    if sample_rate is not None and not MIN_RATE <= sample_rate <= MAX_RATE:
        raise AudioError(f"sample_rate is {sample_rate}, needs {MIN_RATE} to {MAX_RATE} Hz")
    samples = samples.astype(np.float32)
    check_samples(samples)
    samples = resample(samples, sample_rate or info.sample_rate, info.sample_rate)
    if len(samples) > max_seconds * info.sample_rate:
        return LongRecording(partial(_in_blocks, samples))
    meter = AudioMeter(info.sample_rate, info.min_samples)
    meter.add(samples)
    return ShortRecording(samples, meter)


def _read_blocks(
    source: AudioInput,
    info: ModelInfo,
    meter: AudioMeter | None = None,
    raw_rate: int | None = None,
) -> Generator[Samples, None, None]:
    with open_audio(source, info.sample_rate, raw_rate=raw_rate) as audio:
        for block in audio:
            if meter:
                meter.add(block)
            yield block
        if meter:
            meter.warnings += audio.warnings


def _in_blocks(samples: Samples, meter: AudioMeter | None) -> Iterator[Samples]:
    for begin in range(0, len(samples), _BLOCK):
        block = samples[begin : begin + _BLOCK]
        if meter:
            meter.add(block)
        yield block
