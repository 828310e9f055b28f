"""Files at local paths and at URLs, which fsspec opens: listed, read, written whole or not at all.

A file of an object store is there once it has been uploaded, and not before; elsewhere it is
written beside its place and renamed.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from asr.errors import ConfigError, DataError, OutputError
from asr.files import write_atomically

T = TypeVar("T")
AT_ONCE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oci", "memory"))
"""The protocols under which an upload is there as a whole or not at all."""
ATTEMPTS = 4
"""How often a request is made that a store refuses or does not answer."""
_FIRST_WAIT = 0.5  # seconds before the second attempt; each further wait is twice as long
_PART = 1 << 22


def is_url(place: str) -> bool:
    """Return True if ``place`` is a URL, not a path of this machine.

    >>> is_url("s3://bucket/talks"), is_url("talks/one.wav")
    (True, False)
    """
    protocol, colon, _ = place.partition("://")
    return bool(colon) and protocol.replace("+", "").isalnum()


def join(folder: str, name: str) -> str:
    """Return the place of ``name`` in a folder, unless it is a place of its own already.

    >>> join("s3://bucket/talks/", "one.wav"), join("/data", "https://host/two.wav")
    ('s3://bucket/talks/one.wav', 'https://host/two.wav')
    """
    if is_url(name) or name.startswith("/"):
        return name
    if is_url(folder):
        return f"{folder.rstrip('/')}/{name}"
    return os.path.normpath(os.path.join(folder, name))


def parent(place: str) -> str:
    """Return the folder that a place lies in, as a place.

    >>> parent("s3://bucket/talks/one.wav")
    's3://bucket/talks'
    """
    return place.rpartition("/")[0] if is_url(place) else os.path.dirname(os.path.abspath(place))


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it.

    Raises:
        ConfigError: what the protocol needs is not installed, or nobody knows the protocol.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {error}") from error
    return system, path


def retried(function: Callable[..., T]) -> Callable[..., T]:
    """Make ``function`` try several times, unless what it wants is missing or forbidden."""

    @wraps(function)
    def attempt(*arguments: Any) -> T:
        wait = _FIRST_WAIT
        for _ in range(ATTEMPTS - 1):
            try:
                return function(*arguments)
            except (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError):
                raise
            except Exception:  # the clients of stores share no base class of their errors
                time.sleep(wait)
                wait *= 2
        return function(*arguments)

    return attempt


def fetch(url: str, target: Path, heard: Callable[[], None]) -> None:
    """Copy the file at a URL to the file ``target``; ``heard`` is called for each part of it.

    Raises:
        OSError: it cannot be read, or the copy cannot be written.
    """
    system, path = file_system(url)

    @retried
    def copy() -> None:
        with system.open(path, "rb", cache_type="none") as source, target.open("wb") as file:
            while data := source.read(_PART):
                file.write(data)
                heard()

    copy()


@retried
def read_range(place: str, begin: int, size: int) -> bytes:
    """Return ``size`` bytes of a file from ``begin`` on.

    Raises:
        OSError: it cannot be read.
    """
    if not is_url(place):
        with open(place, "rb") as file:
            file.seek(begin)
            return file.read(size)
    system, path = file_system(place)
    data: bytes = system.cat_file(path, begin, begin + size)
    return data


class Folder:
    """A folder, local or at a URL, in which files are listed, read, written and removed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Folder(place)
    ...     folder.write("errors/one.txt", b"no such file")
    ...     list(folder.names("errors")), folder.read("errors/one.txt"), folder.read("two.txt")
    (['errors/one.txt'], b'no such file', None)
    """

    def __init__(self, place: str) -> None:
        self.place = place if is_url(place) else os.path.abspath(place)

    def names(self, below: str = "") -> Iterator[str]:
        """Yield the names of the files in the folder, or in the one ``below`` it, sorted.

        Raises:
            DataError: it cannot be read.
        """
        prefix = f"{below}/" if below else ""
        try:
            found = self._list(below)
        except Exception as error:
            raise DataError(f"cannot list {self._at(below)}: {_reason(error)}") from error
        yield from (prefix + name for name in sorted(found) if not name.startswith("."))

    def _list(self, below: str) -> list[str]:
        place = self._at(below)
        if not is_url(place):
            if not os.path.isdir(place):
                return []
            with os.scandir(place) as entries:
                return [entry.name for entry in entries if entry.is_file()]
        system, path = file_system(place)

        @retried
        def listed() -> list[str]:
            system.invalidate_cache()
            with suppress(FileNotFoundError):
                return [
                    item["name"].rpartition("/")[2]
                    for item in system.ls(path, detail=True)
                    if item["type"] == "file"
                ]
            return []

        return listed()

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None if there is none.

        Raises:
            DataError: it cannot be read.
        """
        place = self._at(name)
        try:
            if not is_url(place):
                return Path(place).read_bytes()
            system, path = file_system(place)
            data: bytes = retried(system.cat_file)(path)
            return data
        except FileNotFoundError:
            return None
        except Exception as error:
            raise DataError(f"cannot read {place}: {_reason(error)}") from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        place = self._at(name)
        if not is_url(place):
            write_atomically(place, content)
            return
        system, path = file_system(place)
        try:
            if place.partition("://")[0] in AT_ONCE:
                retried(system.pipe_file)(path, content)
                return
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
            folder, _, last = path.rpartition("/")
            beside = f"{folder}/.{last}.{uuid4().hex}"
            retried(system.pipe_file)(beside, content)
            system.mv(beside, path)
        except Exception as error:
            raise OutputError(f"cannot write {place}: {_reason(error)}") from error

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OutputError: it cannot be removed.
        """
        place = self._at(name)
        try:
            if is_url(place):
                system, path = file_system(place)
                retried(system.rm_file)(path)
            else:
                os.unlink(place)
        except FileNotFoundError:
            return
        except Exception as error:
            raise OutputError(f"cannot remove {place}: {_reason(error)}") from error

    def _at(self, name: str) -> str:
        return join(self.place, name) if name else self.place


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
