"""Decoding by FFmpeg's libraries (PyAV): videos, and every other container that FFmpeg reads.

FFmpeg sees nothing but the bytes of the recording. It opens no file and no connection, and knows
neither playlists nor demuxers that name other sources; of the decoders it may use those of audio.
"""

import errno
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import soxr

from asr.audio.chunks import missing_bytes
from asr.audio.inputs import Input, Pipe
from asr.audio.libsndfile import OGG_PAGE, is_complete_ogg
from asr.audio.sound import Block, Sound, check_limits
from asr.counts import counted
from asr.errors import AudioError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

LIVE = {"ogg", "mp3", "matroska", "mpegts", "aac", "flv", "ac3", "amr"}
"""Containers that FFmpeg decodes from a pipe as their bytes come; in others it goes back and
forth."""
DEMUXERS = (
    "aac,ac3,act,adx,aiff,amr,ape,asf,au,avi,avr,caf,codec2,dsf,dss,dts,dtshd,eac3,epaf,flac,flv,"
    "gsm,iff,ilbc,ircam,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,"
    "pvf,qcp,rm,sds,shn,sox,spdif,tak,truehd,tta,voc,w64,wav,wsd,wtv,wv,wve,xwma"
)
"""The containers that are read, as FFmpeg calls them; none of them refers to other files."""
_PROMISING = {
    "ape", "asf", "avi", "caf", "flv", "matroska", "mov", "mpc8", "tak", "tta", "w64", "wv",
}  # fmt: skip
"""Containers whose header tells the duration; of others, FFmpeg estimates it from their size."""
_DEFAULT = 1
"""The bit of a stream's disposition that says that it is to be played unless another is wanted."""
_WIDE = {"s64", "s64p"}
"""The layouts of samples that PyAV does not convert to arrays."""
_LONGEST_PROMISE = 1e6  # seconds; beyond it the duration is a placeholder
_HALF = 1 << 31
_BLOCK = 1 << 16  # the samples of a block; a block of a pipe may hold fewer


class NoAudioError(AudioError):
    """An error about a video or another container that has no audio stream."""


def decode(given: Input, container: str | None) -> Sound:
    """Decode a recording in a ``container`` (None: an unknown one): its first audio stream that is
    marked as the default, or the first if none is.

    A pipe is decoded as its bytes come if the container is in ``LIVE``; otherwise it is stored
    first.

    Raises:
        NoAudioError: there is no audio in it.
        AudioError: it cannot be decoded, or is beyond the limits.
        OutputError: there is no room for a pipe's bytes, which have to be stored.
    """
    av = _pyav()
    live = given.file is None and container in LIVE
    source = _LiveSource(given) if live else _FileSource(given)
    try:
        opened = av.open(
            source,
            container_options={
                "format_whitelist": DEMUXERS,
                "codec_whitelist": _audio_decoders(),
                "protocol_whitelist": "",
                **({"analyzeduration": "1000000"} if live else {}),  # microseconds
            },
            metadata_errors="replace",
            io_open=_refuse,
        )
    except (av.FFmpegError, ValueError) as error:
        source.check()
        raise AudioError(f"FFmpeg cannot read it: {_reason(error)}") from error
    given.resources.callback(opened.close)
    source.check()
    if not opened.streams.audio:
        raise NoAudioError("there is no audio in it, only pictures or other data")
    sound = _Decoder(opened, source, given.pipe if live else None).sound()
    check_limits(sound.rate, sound.channels)
    given.pipe.commit()
    return sound


class _FileSource:
    """A file for PyAV; it keeps the exceptions of reading, which would be lost in FFmpeg."""

    def __init__(self, given: Input) -> None:
        self._file = given.seekable_file()
        self._failure: BaseException | None = None

    def read(self, count: int) -> bytes:
        try:
            return self._read(count)
        except BaseException as failure:
            self._failure = failure
            return b""

    def check(self) -> None:
        """Raise what :meth:`read` could not raise."""
        if self._failure is not None:
            raise self._failure

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -errno.EINVAL  # FFmpeg tries places before the beginning, and goes on then

    def tell(self) -> int:
        return self._file.tell()

    def missing_bytes(self, container: str) -> int:
        """Return how many bytes are missing by the sizes in the file."""
        return missing_bytes(self._file, container)

    def _read(self, count: int) -> bytes:
        return self._file.read(count)


class _LiveSource(_FileSource):
    """A pipe for PyAV; its last bytes are kept in ``tail``."""

    def __init__(self, given: Input) -> None:
        self._pipe = given.pipe
        self._pipe.seek(0)
        self._failure = None
        self.tail = b""

    def seekable(self) -> bool:
        return False

    def missing_bytes(self, container: str) -> int:
        return 0  # the bytes are gone

    def _read(self, count: int) -> bytes:
        data = self._pipe.some(count)
        self.tail = (self.tail + data)[-2 * OGG_PAGE :]
        return data


class _Decoder:
    """A decoder of an audio stream of an open container; ``pipe`` gives its bytes if they
    are still coming."""

    def __init__(self, opened: "InputContainer", source: "_FileSource", pipe: Pipe | None) -> None:
        self._opened, self._source, self._pipe = opened, source, pipe
        streams = opened.streams.audio
        preferred = [stream for stream in streams if stream.disposition.value & _DEFAULT]
        self._stream = (preferred or streams)[0]
        self._name = opened.format.name.partition(",")[0]
        self._reached = 0.0  # the seconds at which the last packet of any stream ends
        self._lost = 0  # the number of packets that cannot be decoded
        self._failure: Exception | None = None

    def sound(self) -> Sound:
        """Return the decoded sound; the first samples, which tell its rate and channels, are
        decoded at once.

        Raises:
            AudioError: nothing can be decoded.
        """
        frames = self._frames()
        first = next(frames, None)
        if first is None:
            context = self._stream.codec_context
            if self._lost or self._failure or not context.sample_rate:
                raise AudioError(f"FFmpeg cannot decode it: {_reason(self._failure)}")
            sound = Sound(context.sample_rate, context.channels, None, iter(()))
            self._warn(sound, 0.0)
            return sound
        sound = Sound(first.sample_rate, first.layout.nb_channels, None, iter(()))
        sound.blocks = self._blocks(first, frames, sound)
        return sound

    def _frames(self) -> Iterator["av.AudioFrame"]:
        """Yield the frames of one packet after another; a damaged packet is left out."""
        av = _pyav()
        packets = self._opened.demux()
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError) as error:
                self._source.check()
                self._failure = error
                return
            except IndexError:
                # PyAV raises this at the end, once it has given all packets, if streams have
                # appeared on the way.
                packet = None
            self._source.check()
            if packet is None:
                return
            if packet.pts is not None and packet.time_base:
                # A last packet of Vorbis that is cut off by its page may have a negative duration,
                # which FFmpeg gives as an unsigned number.
                duration = ((packet.duration or 0) + _HALF) % (2 * _HALF) - _HALF
                end = (packet.pts + duration) * packet.time_base
                self._reached = max(self._reached, float(end))
            if packet.stream is not self._stream:
                continue
            try:
                yield from self._stream.decode(packet)
            except (av.FFmpegError, ValueError) as error:
                self._lost += 1
                self._failure = self._failure or error

    def _blocks(
        self, first: "av.AudioFrame", frames: Iterator["av.AudioFrame"], sound: Sound
    ) -> Iterator[Block]:
        parts, size, count = list[Block](), 0, 0
        form, resampler = (sound.rate, sound.channels), None
        for frame in chain([first], frames):
            if form != (found := (frame.sample_rate, frame.layout.nb_channels)):
                # The rate or the channels change, as in a broadcast between two programmes.
                check_limits(*found)
                if parts:
                    yield np.concatenate(parts)
                    parts, size = [], 0
                form = found
                resampler = None
                if found[0] != sound.rate:
                    resampler = soxr.ResampleStream(found[0], sound.rate, found[1], "float32")
            block = _convert(frame)
            parts.append(resampler.resample_chunk(block) if resampler else block)
            size += len(parts[-1])
            count += len(parts[-1])
            if size >= _BLOCK or (self._pipe and not self._pipe.ahead):
                yield np.concatenate(parts)
                parts, size = [], 0
        if parts:
            yield np.concatenate(parts)
        self._warn(sound, count / sound.rate)

    def _warn(self, sound: Sound, seconds: float) -> None:
        """Say what is missing, once everything has been decoded."""
        if self._lost:
            sound.warnings.append(
                f"damaged or truncated? FFmpeg cannot decode {self._lost} of its packets"
            )
        elif self._failure:
            sound.warnings.append(f"damaged or truncated after {seconds:.1f} s")
        others = len(self._opened.streams.audio) - 1
        if others:
            sound.warnings.append(
                f"{counted(others, 'other audio stream')} of the file "
                f"{'is' if others == 1 else 'are'} left out"
            )
        if self._name == "ogg" and isinstance(self._source, _LiveSource):
            if not is_complete_ogg(self._source.tail):
                sound.warnings.append("the last page is missing: truncated?")
        promised = (self._opened.duration or 0) / 1e6 if self._name in _PROMISING else 0.0
        held = self._reached - (self._opened.start_time or 0) / 1e6
        # A stream of pictures may end with one that is shown for a while.
        tolerance = 0.1 if len(self._opened.streams) == 1 else 1.0
        if self._name == "ogg" and seconds + tolerance < held:
            sound.warnings.append(
                f"damaged? its pages count {held:.1f} s, {seconds:.1f} s of them are there"
            )
        if held + tolerance < promised < _LONGEST_PROMISE:
            sound.warnings.append(
                f"the header promises {promised:.1f} s, the file holds {held:.1f} s: truncated?"
            )
        elif missing := self._source.missing_bytes(self._name):
            sound.warnings.append(f"its last part should be {missing} bytes longer: truncated?")


def _convert(frame: "av.AudioFrame") -> Block:
    """Return the samples (n, channels) of a frame as float32, full scale being 1."""
    if frame.format.name in _WIDE:  # numpy does not get these
        (frame,) = _pyav().AudioResampler(format="fltp").resample(frame)
    data = frame.to_ndarray()  # (channels, n) if planar, else (1, n * channels)
    data = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
    block: Block = data.astype(np.float32)
    if data.dtype.kind in "iu":
        half = 2.0 ** (8 * data.dtype.itemsize - 1)
        block = (block - half if data.dtype.kind == "u" else block) / np.float32(half)
    return block


def _pyav() -> Any:
    # It is loaded here because loading it takes longer than reading a short WAV file.
    try:
        import av
    except ImportError as error:
        raise AudioError(
            "only FFmpeg may be able to read it, and PyAV, which holds FFmpeg, cannot be loaded "
            f"({error}); pip install av"
        ) from error
    return av


@cache
def _audio_decoders() -> str:
    """Return the names of FFmpeg's decoders of audio; those of pictures are never opened."""
    av = _pyav()
    names = []
    for name in av.codecs_available:
        try:
            if av.Codec(name, "r").type == "audio":
                names.append(name)
        except ValueError:
            pass  # this codec only encodes
    return ",".join(sorted(names))


def _refuse(*_: object) -> NoReturn:
    raise PermissionError("a recording may not name other files")


def _reason(error: Exception | None) -> str:
    return getattr(error, "strerror", None) or str(error or "no samples in it")
