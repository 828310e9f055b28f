"""Recordings in tar files: a path that leads through a tar file names a member of it.

``shards/000.tar/a.flac`` is the member ``a.flac`` of ``shards/000.tar``. Where its members lie is
read from the headers of a tar file once, or from the file ``000.tar.index`` beside it, if that was
made for a file of this size: on storage that is slow to answer, headers take as many answers as
there are members. A tar file is opened once, and a member is then read in one go.
"""

import io
import os
import tarfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from asr.errors import AudioError

SUFFIX, INDEX = ".tar", ".index"
MAX_OPEN = 32
"""The most tar files that a process keeps open, with the places of their members."""


class Place(NamedTuple):
    """The first byte of a member in its tar file, and the number of its bytes."""

    begin: int
    size: int


def tar_of(path: str | os.PathLike[str]) -> Path | None:
    """Return the tar file through which a path leads, None if there is none in it.

    >>> tar_of("shards/000.tar/a/b.flac"), tar_of("shards/000.tar"), tar_of("a.flac")
    (PosixPath('shards/000.tar'), None, None)
    """
    text = os.fspath(path)
    head, mark, _ = text.partition(f"{SUFFIX}{os.sep}")
    return Path(head + SUFFIX) if mark else None


def open_member(path: Path) -> io.BytesIO:
    """Open the member that a path names.

    Raises:
        AudioError: there is no such tar file or no such member, or it cannot be read.
    """
    with _find(path) as (file, place):
        # Descriptors of a file that threads share have one position, so it is not moved.
        return io.BytesIO(os.pread(file, place.size, place.begin))


def open_stored(path: Path) -> io.BufferedIOBase:
    """Open a file, or the member of a tar file, that a path names.

    Raises:
        AudioError: there is no such tar file or no such member, or it cannot be read.
        OSError: there is no such file, or it cannot be read.
    """
    return open_member(path) if tar_of(path) else path.open("rb")


def stored_size(path: Path) -> int:
    """Return the number of bytes of a file, or of the member of a tar file, that a path names.

    Raises:
        AudioError: there is no such tar file or no such member.
        OSError: there is no such file.
    """
    if tar_of(path) is None:
        return path.stat().st_size
    with _find(path) as (_, place):
        return place.size


@contextmanager
def _find(path: Path) -> Iterator[tuple[int, Place]]:
    """Give the descriptor of the tar file through which a path leads, and the member's place."""
    tar = tar_of(path)
    if tar is None:
        raise AudioError("no such file")
    file, places = _TARS.open(tar)
    try:
        name = path.relative_to(tar).as_posix()
        if name not in places:
            raise AudioError(f"{tar} has no member {name}")
        yield file, places[name]
    finally:
        os.close(file)


def read_ahead(tar: Path) -> None:
    """Ask the system to read a tar file from its beginning to its end, for members that will be
    read in any order."""
    try:
        file, _ = _TARS.open(tar)
    except AudioError:
        return  # reading its members says what is wrong
    try:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(file)


def write_index(tar: Path) -> None:
    """Write the file that says where the members of a tar file lie."""
    lines = [f"{tar.stat().st_size}\n"]
    lines += [f"{begin} {size} {name}\n" for name, (begin, size) in _read_headers(tar).items()]
    tar.with_name(tar.name + INDEX).write_text("".join(lines), encoding="utf-8")


class _Tars:
    """The tar files that are open, the one that was used last at the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: OrderedDict[Path, tuple[int, Mapping[str, Place]]] = OrderedDict()

    def open(self, tar: Path) -> tuple[int, Mapping[str, Place]]:
        """Return a file descriptor of a tar file, to be closed by the caller, and its members."""
        with self._lock:
            if tar not in self._open:
                try:
                    file = os.open(tar, os.O_RDONLY)
                except OSError as error:
                    raise AudioError(f"{tar} cannot be opened ({error.strerror})") from error
                self._open[tar] = (file, _members(tar))
                if len(self._open) > MAX_OPEN:
                    os.close(self._open.popitem(last=False)[1][0])
            self._open.move_to_end(tar)
            opened, places = self._open[tar]
            return os.dup(opened), places


_TARS = _Tars()


def _members(tar: Path) -> Mapping[str, Place]:
    try:
        first, *lines = tar.with_name(tar.name + INDEX).read_text(encoding="utf-8").splitlines()
        if int(first) == tar.stat().st_size:
            parts = (line.split(" ", 2) for line in lines)
            return {name: Place(int(begin), int(size)) for begin, size, name in parts}
    except (OSError, ValueError):
        pass
    return _read_headers(tar)


def _read_headers(tar: Path) -> Mapping[str, Place]:
    try:
        with tarfile.open(tar, "r:") as archive:
            return {
                member.name.removeprefix("./"): Place(member.offset_data, member.size)
                for member in archive
                if member.isreg()
            }
    except (tarfile.TarError, OSError) as error:
        raise AudioError(f"{tar} is no tar file without compression ({error})") from error
