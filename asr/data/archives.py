"""Downloading, checking and unpacking of the archives of corpora."""

import shutil
import tarfile
import urllib.request
from pathlib import Path

from asr.errors import DataError
from asr.files import sha256, write_atomically

PARTIAL = 206
"""The HTTP status of a server that sends the rest of a file, as it was asked to."""


def download(url: str, archive: Path) -> Path:
    """Download ``url`` to the file ``archive`` unless it exists, and return its path.

    A download that was interrupted leaves a ``.part`` file. The next call goes on from there if the
    server can do that.

    Raises:
        DataError: the download fails, or the file cannot be written.
    """
    if archive.exists():
        return archive
    part = archive.with_name(archive.name + ".part")
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        done = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
        with urllib.request.urlopen(request) as response:
            goes_on = response.status == PARTIAL
            with open(part, "ab" if goes_on else "wb") as file:
                before = file.tell()
                shutil.copyfileobj(response, file)
                received = file.tell() - before
        promised = response.headers.get("Content-Length")
        if promised is not None and received != int(promised):
            raise OSError("the connection ended early")
        part.rename(archive)
    except OSError as error:
        raise DataError(
            f"cannot download {url} ({error}); run it again, or get it elsewhere and put it to "
            f"{archive}"
        ) from error
    return archive


def have_unpacked(source: Path | str, folder: Path, digest: str | None = None) -> None:
    """Make sure that ``source``, an archive or the URL of one, lies unpacked in ``folder``.

    The archive is downloaded to ``folder``, checked and unpacked (:func:`download`,
    :func:`unpack`), but only once: a hidden file ``.NAME.unpacked``, which is written last, says
    which archive was unpacked. So the archive may be removed afterwards.

    Raises:
        DataError: the archive cannot be downloaded or unpacked, or is another one.
    """
    name = source.name if isinstance(source, Path) else source.rpartition("/")[2]
    mark = folder / f".{name}.unpacked"
    if mark.exists():
        known = mark.read_text(encoding="utf-8")
        there = isinstance(source, Path) and source.is_file()
        if known == (digest or (_state(source) if there else known)):
            return
    archive = source if isinstance(source, Path) else download(source, folder / name)
    unpack(archive, folder, digest)
    write_atomically(mark, digest or _state(archive))


def _state(archive: Path | str) -> str:
    """Return a text that is another one if the archive has changed: its size and time."""
    state = Path(archive).stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def unpack(archive: Path, folder: Path, digest: str | None = None) -> None:
    """Unpack a tar archive into ``folder``; if a ``digest`` is given, only if it is the archive's
    SHA-256.

    Raises:
        DataError: there is no such archive, it has another digest, or it is damaged.
    """
    if not archive.is_file():
        raise DataError(f"{archive}: no such archive")
    if digest is not None and (found := sha256(archive)) != digest:
        raise DataError(
            f"{archive}: SHA-256 is {found}, the official archive has {digest}; remove it and get "
            "it again"
        )
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive}: cannot be unpacked to {folder} ({error})") from error
