"""The choice of decoders, and the way from one recording to the next in the same file.

WAV, AIFF, AU and NIST SPHERE are read by their headers (:mod:`asr.audio.headers`), FLAC, MP3 and
Ogg by libsndfile, everything else, and what these refuse, by FFmpeg.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import soxr

from asr.audio import ffmpeg
from asr.audio.headers import (
    LAID_OUT,
    SNIFFED,
    Coded,
    HeaderError,
    Layout,
    container_of,
    id3_size,
    read_layout,
)  # fmt: skip
from asr.audio.inputs import Input, Pipe
from asr.audio.joined import JOINED, Links, aside, holds_several
from asr.audio.libsndfile import CODED, PIPED, coded
from asr.audio.plain import is_recording, plain
from asr.audio.sound import Block, Sound, check_limits
from asr.errors import AudioError

_EMPTY = 1 << 12
"""Bytes behind a recording that are left out without a word if nothing can be decoded in them."""


def open_samples(given: Input, rate: int) -> Sound:
    """Open samples without a header at ``rate`` Hz: mono, 16 bits, little-endian.

    Raises:
        AudioError: there are none, or the rate is beyond the limits.
    """
    if not given.pipe.read(1):
        raise AudioError("there are no bytes in it")
    given.pipe.seek(0)
    check_limits(rate, channels=1)
    return plain(given.pipe, Layout(rate, 1, "PCM_16", "LITTLE", None))


def open_sound(given: Input) -> Sound:
    """Open all recordings in ``given``, which follow one another; the first tells the rate, the
    channels, and the number of samples that is promised.

    Raises:
        AudioError: the first cannot be decoded, with the reason of every decoder that was tried, or
            is beyond the limits.
        OutputError: there is no room for a pipe's bytes, which have to be stored.
    """
    opened = _open(given)
    first = opened.sound
    sound = Sound(first.rate, first.channels, first.frames, iter(()), first.warnings)
    sound.blocks = _all_blocks(given, opened, sound)
    return sound


class _OnlyTagsError(AudioError):
    """An error about a recording that ends behind its tags."""


@dataclass
class _Opened:
    """An open recording. ``following`` opens the next one in the same file, once all blocks have
    been consumed, or returns None at the end. ``whole`` is the container if the decoder reads the
    file by itself, and others may follow in it. ``resources`` closes what this recording alone has
    opened."""

    sound: Sound
    following: Callable[[], "_Opened | None"]
    whole: str | None = None
    resources: ExitStack = field(default_factory=ExitStack)


def _all_blocks(given: Input, opened: _Opened, total: Sound) -> Iterator[Block]:
    if opened.whole and given.file and holds_several(given.file, opened.whole):
        # The decoder would stop at the end of the first, or not notice where the next begins.
        total.warnings.clear()
        opened = _open(
            Input(Pipe(aside(given.file)), given.resources, stored=given.stored), opened.whole
        )
    present: _Opened | None = opened
    seconds, number = 0.0, 1
    while present is not None:
        sound, count, resampler = present.sound, 0, None
        if sound.rate != total.rate:
            resampler = soxr.ResampleStream(sound.rate, total.rate, sound.channels, "float32")
        for block in sound.blocks:
            count += len(block)
            yield resampler.resample_chunk(block) if resampler else block
        if resampler:
            nothing = np.zeros((0, sound.channels), np.float32)
            yield resampler.resample_chunk(nothing, last=True)
        seconds += count / sound.rate
        where = f"recording {number} of the file: " if number > 1 else ""
        if sound.frames is not None and count < sound.frames:
            sound.warnings.append(
                f"the header promises {sound.frames / sound.rate:.1f} s, "
                f"the file holds {count / sound.rate:.1f} s: truncated?"
            )
        if sound.warnings is not total.warnings:
            total.warnings += [where + warning for warning in sound.warnings]
        present.resources.close()
        number += 1
        try:
            present = present.following()
        except AudioError as error:
            total.warnings.append(
                f"what follows behind {seconds:.1f} s is left out, because it cannot be read: "
                f"{error}"
            )
            return


def _open(given: Input, joined: str | None = None) -> _Opened:
    """Open the first recording of ``given``. If it is of the container ``joined``, others are
    looked for behind it."""
    pipe = given.pipe
    container, begin = _container(pipe)
    failures: list[str] = []
    if container in LAID_OUT:
        pipe.seek(begin)
        try:
            layout = read_layout(container, pipe)
        except HeaderError as error:
            layout = None
            failures.append(str(error))
        if isinstance(layout, Layout):
            return _Opened(plain(pipe, layout), lambda: _next_plain(given))
    else:
        layout = None
    live = given.file is None and (container in PIPED or container in ffmpeg.LIVE)
    if container in JOINED and (live or joined or container == "mp3"):
        pipe.seek(0)
        pipe.commit()
        links = Links(pipe.some, str(container))
        links.more()
        link, own = _link(links, given)
        sound = _decode(link, container, layout, failures)
        return _Opened(sound, lambda: _next_link(links, given), resources=own)
    sound = _decode(given, container, layout, failures)
    return _Opened(sound, lambda: None, container if container in JOINED else None)


def _container(pipe: Pipe) -> tuple[str | None, int]:
    """Return the container of the next recording, and the bytes of the tags before it."""
    begin = 0
    pipe.seek(0)
    first = pipe.read(SNIFFED)
    if not first:
        raise AudioError("there are no bytes in it")
    while size := id3_size(first):
        begin += size
        pipe.seek(begin)
        first = pipe.read(SNIFFED)
    if not first:
        raise _OnlyTagsError("there is nothing but tags in it")
    pipe.seek(0)
    return container_of(first) or ("mp3" if begin else None), begin


def _decode(
    given: Input, container: str | None, layout: Layout | Coded | None, failures: list[str]
) -> Sound:
    """Decode a recording by libsndfile or, if that does not do so, FFmpeg."""
    live = given.file is None and container in ffmpeg.LIVE
    if container and (container in PIPED or ((container in CODED or layout) and not live)):
        try:
            return coded(given, container, layout.frames if layout else None)
        except AudioError as error:
            failures.append(str(error))
    try:
        return ffmpeg.decode(given, container)
    except ffmpeg.NoAudioError:
        raise
    except AudioError as error:
        failures.append(str(error))
        raise AudioError(
            f"not readable as audio ({container or 'unknown format'}); {'; '.join(failures)}"
        ) from error


def _next_plain(given: Input) -> _Opened | None:
    """Open what stands behind uncompressed samples, if that is another recording."""
    first = given.pipe.read(SNIFFED)
    given.pipe.seek(0)
    behind = Input(given.pipe, given.resources, stored=given.stored)
    return _open(behind) if is_recording(first) else None


def _link(links: Links, given: Input) -> tuple[Input, ExitStack]:
    """Return the present one of several recordings, and what closes it, at the latest with
    ``given``: a file may hold more recordings than a process may open files."""
    own = given.resources.enter_context(ExitStack())
    return Input(Pipe(links.read), own, stored=given.stored), own


def _next_link(links: Links, given: Input) -> _Opened | None:
    """Open the next of several recordings, if there is another one."""
    while links.more():
        link, own = _link(links, given)
        first = link.pipe.read(_EMPTY)
        link.pipe.seek(0)
        try:
            container, _ = _container(link.pipe)
            sound = _decode(link, container, None, [])
            return _Opened(sound, lambda: _next_link(links, given), resources=own)
        except _OnlyTagsError:
            continue
        except AudioError:
            if len(first) == _EMPTY:
                raise
    return None
