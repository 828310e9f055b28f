"""Where the bytes of a recording come from: a file, standard input, another pipe, or memory."""

import io
import stat
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from asr.audio.pipes import Pipe
from asr.errors import AudioError, OutputError

AudioInput = str | Path | bytes | BinaryIO

AUDIO_SUFFIXES = frozenset(
    ".wav .flac .mp3 .ogg .oga .opus .sph .aif .aiff .aifc .au .snd .rf64 .caf .w64 "
    ".m4a .m4b .mp4 .mov .mkv .mka .webm .aac .wma .wmv .avi .amr .3gp .ac3 .ts".split()
)
"""Which files of a folder are taken for audio."""

MAX_STORED = 1 << 32
"""Bytes of a pipe that has to be stored before it is decoded."""
_PIECE = 1 << 16


@dataclass
class Input:
    """``pipe`` gives the bytes; ``file`` too, with seeking, unless they come from a pipe; then
    ``descriptor`` is its number, if it has one. ``path``: where they lie on disk, if they do.
    ``resources`` closes what is opened."""

    pipe: Pipe
    resources: ExitStack
    file: BinaryIO | None = None
    path: Path | None = None
    descriptor: int | None = None

    def store(self) -> Path:
        """Make sure that the bytes lie on disk, where they then are ``file``, too.

        Raises:
            OutputError: no room for temporary files.
            AudioError: over ``MAX_STORED`` bytes came from a pipe.
        """
        if self.path:
            return self.path
        if self.file:
            self.file.seek(0)
            self.pipe = Pipe(self.file.read)
        self.pipe.seek(0)
        self.pipe.commit()
        try:
            with ExitStack() as stack:
                file = stack.enter_context(tempfile.NamedTemporaryFile())
                while data := self.pipe.some(_PIECE):
                    file.write(data)
                    if file.tell() > MAX_STORED:
                        raise AudioError(f"a pipe gives over {MAX_STORED >> 30} GiB; give a file")
                file.flush()
                self.resources.push(stack.pop_all())
        except OSError as error:
            raise OutputError(
                f"cannot write to the folder of temporary files {tempfile.gettempdir()} "
                f"({error.strerror or error}); make room, or name another in TMPDIR"
            ) from error
        self.file, self.path = cast(BinaryIO, file.file), Path(file.name)
        return self.path


def open_input(source: AudioInput, resources: ExitStack) -> Input:
    """Open a path, ``"-"`` for standard input, bytes or a binary stream.

    Raises:
        AudioError: there is no such file, or nothing in it.
    """
    stream = _stream(source, resources)
    if stream.seekable() and stream is not sys.stdin.buffer:
        path = Path(source) if isinstance(source, str | Path) else None
        return Input(Pipe(stream.read), resources, stream, path)
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        descriptor = None
    read = getattr(stream, "read1", stream.read)
    return Input(Pipe(read), resources, descriptor=descriptor)


def _stream(source: AudioInput, resources: ExitStack) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not isinstance(source, str | Path):
        return source
    if str(source) == "-":
        return sys.stdin.buffer
    path = Path(source)
    try:
        if path.is_dir():
            raise AudioError("is a folder; name the audio files in it")
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            raise AudioError("the file is empty (0 bytes)")
        return resources.enter_context(path.open("rb"))
    except FileNotFoundError as error:
        raise AudioError("no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"cannot be opened ({reason})") from error


def is_audio(path: Path) -> bool:
    """Whether a file of a folder is taken for audio, by its name relative to that folder."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden
