"""Sound out of videos and whatever else ffmpeg reads, where it is installed.

ffmpeg gives the first audio stream as AU, which is read like any other pipe. It is told the
container, can open nothing but the one file, and its memory is bounded.
"""

import contextlib
import os
import re
import selectors
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from asr.audio.headers import Layout, read_layout
from asr.audio.inputs import Input
from asr.audio.pipes import Pipe
from asr.audio.samples import Block, Sound, plain
from asr.errors import AudioError

MAX_MEMORY = 1 << 30
"""Bytes of address space, where the system can limit it."""
STALLED_SECONDS = 60.0
LIVE = {"ogg", "mp3", "matroska", "mpegts", "aac", "flv", "ac3", "amr"}
"""Containers that ffmpeg reads from a pipe; in others it goes back and forth."""
_PIECE = 1 << 16


def find_ffmpeg() -> str | None:
    """The program, if it is installed."""
    return shutil.which("ffmpeg")


def is_live(container: str, given: Input) -> bool:
    """ffmpeg can read it as it comes."""
    return container in LIVE and given.descriptor is not None


def converted(program: str, container: str, given: Input) -> Sound:
    """The first audio stream, from a pipe with a descriptor as it comes.

    Raises:
        AudioError: no audio in it, or not readable.
    """
    given.pipe.seek(0)
    source = given if is_live(container, given) else given.store()
    process = _Ffmpeg(program, container, source)
    given.resources.callback(process.close)
    pipe = Pipe(process.read)
    if not pipe.read(1):
        if "matches no streams" in process.message:
            raise AudioError("no audio in it, only pictures or other data")
        reason = process.message or "ffmpeg finds nothing in it"
        raise AudioError(f"not readable as audio ({reason})")
    pipe.seek(0)
    layout = read_layout("au", pipe.read)
    assert isinstance(layout, Layout)  # what was asked for
    sound = plain(pipe, layout)
    sound.blocks = _with_message(sound.blocks, process, sound.warnings)
    return sound


def _with_message(
    blocks: Iterator[Block], process: "_Ffmpeg", warnings: list[str]
) -> Iterator[Block]:
    yield from blocks
    if process.message:
        warnings.append(f"damaged or truncated? ffmpeg says: {process.message}")


class _Ffmpeg:
    def __init__(self, program: str, container: str, source: Path | Input) -> None:
        self._source = source if isinstance(source, Input) else None
        self._pending = b""  # bytes of the source that ffmpeg has not taken yet
        self._said = b""
        self._given = given = "pipe:0" if isinstance(source, Input) else f"file:{source.absolute()}"
        try:
            self._process = subprocess.Popen(
                [program, "-nostdin", "-hide_banner", "-loglevel", "error",
                 "-protocol_whitelist", "file,pipe", "-threads", "1",
                 *(["-analyzeduration", "1000000"] if self._source else []),
                 "-f", container, "-i", given, "-map", "0:a:0", "-vn", "-sn", "-dn",
                 "-c:a", "pcm_f32be", "-flush_packets", "1", "-f", "au", "pipe:1"],
                stdin=subprocess.PIPE if self._source else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )  # fmt: skip
        except OSError as error:
            raise AudioError(f"{program} cannot be started ({error.strerror})") from error
        if sys.platform == "linux":
            import resource

            with contextlib.suppress(OSError):  # it may have ended already
                limits = (MAX_MEMORY, MAX_MEMORY)
                resource.prlimit(self._process.pid, resource.RLIMIT_AS, limits)
        if self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)

    @property
    def message(self) -> str:
        """The first thing that ffmpeg had to say."""
        lines = self._said.decode("utf-8", "replace").splitlines() or [""]
        return re.sub(r"^\[[^]]*\] ", "", lines[0]).removeprefix(f"{self._given}: ").rstrip(".")

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes of its output, as soon as there are any; none at the end.

        Raises:
            AudioError: it does nothing for ``STALLED_SECONDS``.
        """
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdout and stderr
        while True:
            with selectors.PollSelector() as selector:
                for stream in (stdout, stderr):
                    if not stream.closed:
                        selector.register(stream, selectors.EVENT_READ)
                seconds: float | None = STALLED_SECONDS
                if self._source and stdin:
                    assert self._source.descriptor is not None
                    if not self._pending and self._source.pipe.ahead:
                        self._pending = self._source.pipe.some(_PIECE)
                    if self._pending:
                        selector.register(stdin, selectors.EVENT_WRITE)
                    else:
                        selector.register(self._source.descriptor, selectors.EVENT_READ)
                        seconds = None  # it is not ffmpeg that is waited for
                ready = {key.fileobj for key, _ in selector.select(seconds)}
            if not ready:
                raise AudioError(f"ffmpeg has done nothing for {STALLED_SECONDS:g} s")
            if stderr in ready:
                said = os.read(stderr.fileno(), _PIECE)
                self._said = (self._said + said)[:_PIECE]
                if not said:
                    stderr.close()
            if self._source and self._source.descriptor in ready:
                self._pending = self._source.pipe.some(_PIECE)
                if not self._pending:
                    self._end_of_source()
            if stdin and stdin in ready:
                try:
                    self._pending = self._pending[os.write(stdin.fileno(), self._pending) :]
                except OSError:
                    self._end_of_source()  # ffmpeg has heard enough
            if stdout in ready:
                data = os.read(stdout.fileno(), count)
                if not data:
                    self._end_of_output()
                return data

    def _end_of_source(self) -> None:
        self._source = None
        if self._process.stdin:
            self._process.stdin.close()
            self._process.stdin = None

    def _end_of_output(self) -> None:
        try:
            _, said = self._process.communicate(timeout=STALLED_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise AudioError(f"ffmpeg does not end within {STALLED_SECONDS:g} s") from error
        self._said = (self._said + (said or b""))[:_PIECE]

    def close(self) -> None:
        """End it, whether or not it is done."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        self._process.wait()
