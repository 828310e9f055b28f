"""Inputs: the bytes of a recording from a file, standard input, another pipe, or memory."""

import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from asr.audio.members import open_member
from asr.audio.sound import Sound
from asr.errors import AudioError, OutputError


@dataclass(frozen=True)
class Piece:
    """A piece of the recording file ``path`` that begins at ``start`` (s); without a ``duration``
    (s) it goes on to the end. ``shared`` are recordings that other pieces are read from too.

    >>> Piece(Path("talk.wav"), 1.0, 2.5).samples(8000)
    (8000, 28000)
    """

    path: Path
    start: float
    duration: float | None = None
    shared: "Shared | None" = field(default=None, compare=False, repr=False)

    def samples(self, rate: int) -> tuple[int, int | None]:
        """Return the first sample of the piece and the one behind its last (None: all samples that
        follow), at ``rate`` Hz."""
        last = None if self.duration is None else round((self.start + self.duration) * rate)
        return round(self.start * rate), last

    def __str__(self) -> str:
        last = "the end" if self.duration is None else f"{self.start + self.duration:.3f} s"
        return f"{self.path} ({self.start:.3f} s to {last})"


class Shared(Protocol):
    """Recordings from which several pieces are read (:mod:`asr.audio.shared`)."""

    def open(self, piece: Piece, resources: ExitStack, /) -> Sound | None:
        """Return the sound of a piece; None if it has to be read in another way."""
        ...


Source = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A recording: the path of a file, ``"-"`` for standard input, or the bytes of a file."""

AudioInput = Source | Piece
"""A recording, or a piece of a file."""

AUDIO_SUFFIXES = frozenset(
    ".wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .au .snd .sph .nist .caf .voc "
    ".adx .avr .c2 .dsf .dss .fap .gsm .8svx .iff .ilbc .ircam .paf .pvf .sds .sf .sox .wsd .wve "
    ".flac .mp3 .mp2 .mp1 .mpa .mpga .m2a .ogg .oga .ogv .ogx .opus .spx .ac3 .eac3 .ec3 .dts "
    ".dtshd .dtsma .aac .adts .loas .latm .thd .mlp .amr .awb .ape .apl .mac .mpc .mp+ .tak .tta "
    ".wv .shn .oma .aa3 .omg .qcp .xwma .m4a .m4b .m4p .m4r .m4v .mp4 .mov .qt .3gp .3gpp .3g2 "
    ".f4a .f4v .mj2 .psp .ism .ismv .isma .mkv .mka .mks .mk3d .webm .weba .wma .wmv .asf .avi "
    ".flv .nut .wtv .ra .rm .rmvb .mpg .mpeg .m2p .ps .vob .ts .m2ts .mts .m2t .mpegts .mxf".split()
)
"""The suffixes by which files of a folder are taken for audio."""

MAX_STORED = 1 << 32
"""The most bytes of a pipe that are stored before they are decoded."""
MAX_KEPT = 1 << 26
"""The most bytes of a pipe that may come before its first sample."""
_PIECE = 1 << 16
_AHEAD = 1 << 14  # bytes that are asked for at once, because decoders ask for a few
_ENDLESS, _FAR = 1 << 62, 1 << 61

Read = Callable[[int], bytes]
"""A function that returns up to n bytes, as soon as there are any; none at the end."""


class Pipe:
    """A stream of bytes that is read forwards, each byte as soon as it has come from ``read``.

    Until :meth:`commit` is called, all bytes are kept, and :meth:`seek` may go back to them.
    libsndfile takes the stream for a very large file, which it decodes as the bytes come.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept = bytearray()
        self._begin = 0  # the position of the first byte that is kept
        self._at = 0
        self._committed = False
        self._failure: BaseException | None = None

    @property
    def ahead(self) -> bool:
        """True if the next bytes have already come."""
        return self._begin <= self._at < self._begin + len(self._kept)

    def some(self, count: int) -> bytes:
        """Return up to ``count`` bytes, as soon as there are any; none at the end.

        Raises:
            AudioError: over ``MAX_KEPT`` bytes have come, and :meth:`commit` was not called.
        """
        while not self.ahead and self._begin <= self._at < _FAR:
            if self._committed:
                self._begin, self._kept = self._begin + len(self._kept), bytearray()
            elif len(self._kept) > MAX_KEPT:
                raise AudioError(f"no samples within the first {MAX_KEPT >> 20} MiB")
            came = self._read(max(count, _AHEAD))
            if not came:
                break
            self._kept += came
        if not self.ahead:
            return b""
        first = self._at - self._begin
        data = bytes(self._kept[first : first + count])
        self._at += len(data)
        return data

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes; fewer at the end."""
        parts = []
        while count and (part := self.some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def begin(self) -> None:
        """Count positions from the next byte on, and keep all bytes from there, as at first."""
        del self._kept[: self._at - self._begin]
        self._begin = self._at = 0
        self._committed = False

    def commit(self) -> None:
        """Keep no bytes that are read from now on, so that :meth:`seek` can no longer go back."""
        self._committed = True

    def readinto(self, buffer: memoryview) -> int:
        """Fill the beginning of ``buffer`` and return the number of its bytes, 0 after a failure,
        which :meth:`check` then raises."""
        try:
            # libsndfile looks at the end for tags and the like; it gets zeros there.
            data = bytes(len(buffer)) if self._at >= _FAR else self.some(len(buffer))
        except BaseException as failure:  # it would be lost in libsndfile
            self._failure = failure
            return 0
        buffer[: len(data)] = data
        return len(data)

    def check(self) -> None:
        """Raise what :meth:`readinto` could not raise."""
        if self._failure is not None:
            raise self._failure

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte that is kept, or to the end, where nothing can be read."""
        self._at = offset + (0, self._at, _ENDLESS)[whence]
        return self._at

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def write(self, _: bytes) -> int:
        """Write nothing: libsndfile wants a file to have this method."""
        return 0


class Patched:
    """The bytes of ``pipe``, in which ``first`` takes the place of as many bytes at its beginning,
    for decoders that would believe what stands there."""

    def __init__(self, pipe: Pipe, first: bytes) -> None:
        self._pipe, self._first = pipe, first
        pipe.seek(len(first))

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes as soon as there are any; none at the end."""
        data, self._first = self._first[:count], self._first[count:]
        return data or self._pipe.some(count)


@dataclass
class Input:
    """An open recording: ``pipe`` gives its bytes in order; ``file`` gives them with seeking, and
    is None while they come from a pipe. ``resources`` closes what was opened; ``stored`` is True if
    the bytes are there already, so that reading never waits for them."""

    pipe: Pipe
    resources: ExitStack
    file: BinaryIO | None = None
    stored: bool = False

    def seekable_file(self) -> BinaryIO:
        """Return a file with the bytes, at its beginning; those of a pipe are stored in a temporary
        one first.

        Raises:
            OutputError: there is no room for temporary files.
            AudioError: over ``MAX_STORED`` bytes came from a pipe.
        """
        if self.file is None:
            self.file = self._stored()
        self.file.seek(0)
        return self.file

    def _stored(self) -> BinaryIO:
        self.pipe.seek(0)
        self.pipe.commit()
        try:
            with ExitStack() as stack:
                file = stack.enter_context(tempfile.TemporaryFile())
                while data := self.pipe.some(_PIECE):
                    file.write(data)
                    if file.tell() > MAX_STORED:
                        raise AudioError(
                            f"the pipe gives over {MAX_STORED >> 30} GiB; store it in a file first"
                        )
                file.flush()
                self.resources.push(stack.pop_all())
                return cast(BinaryIO, file)
        except OSError as error:
            raise OutputError(
                f"cannot write to the folder of temporary files {tempfile.gettempdir()} "
                f"({error.strerror or error}); make room, or name another in TMPDIR"
            ) from error


def open_input(source: Source | BinaryIO, resources: ExitStack) -> Input:
    """Open a path, ``"-"`` for standard input, bytes or a binary stream.

    Raises:
        AudioError: there is no such file, or nothing in it.
    """
    stream = _stream(source, resources)
    if stream.seekable() and not is_standard_input(source):
        return Input(Pipe(stream.read), resources, stream, stored=True)
    read = getattr(stream, "read1", stream.read)
    return Input(Pipe(read), resources)


def is_standard_input(source: object) -> bool:
    """Return True if ``source`` is ``"-"``, which stands for standard input."""
    return isinstance(source, str | os.PathLike) and str(source) == "-"


def standard_input() -> BinaryIO:
    """Return the bytes of standard input.

    Raises:
        AudioError: it is closed, or something that holds no bytes has been put in its place.
    """
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        raise AudioError("it is closed, or gives no bytes; name a file, or pipe one in")
    return stream


def is_audio(path: Path) -> bool:
    """Return True if a file of a folder is taken for audio, by its name relative to that folder.

    >>> is_audio(Path("speaker/one.FLAC")), is_audio(Path(".cache/one.flac"))
    (True, False)
    """
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden


def _stream(source: Source | BinaryIO, resources: ExitStack) -> BinaryIO:
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        return _binary(source)
    if is_standard_input(source):
        return standard_input()
    path = Path(source)
    try:
        if path.is_dir():
            raise AudioError("is a folder; name the audio files in it")
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            raise AudioError("the file is empty (0 bytes)")
        return resources.enter_context(path.open("rb"))
    except NotADirectoryError:
        return resources.enter_context(open_member(path))
    except FileNotFoundError as error:
        raise AudioError("no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"cannot be opened ({reason})") from error


def _binary(source: Any) -> BinaryIO:
    """Return ``source`` if it is a binary stream, or one of whatever else holds bytes."""
    if isinstance(source, io.TextIOBase):
        raise AudioError('gives text, needs bytes: open the file with the mode "rb"')
    if all(hasattr(source, name) for name in ("read", "seekable")):
        stream: BinaryIO = source
        return stream
    raise AudioError(
        f"needs a path, the bytes of a file, or a binary stream, got {type(source).__name__}"
    )
