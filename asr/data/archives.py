"""Archives of corpora: fetched, going on where that was stopped, checked, unpacked."""

import shutil
import tarfile
import urllib.request
from pathlib import Path

from asr.errors import DataError
from asr.files import sha256, write_atomically

PARTIAL = 206
"""The status of a server that goes on where it is told to."""


def download(url: str, archive: Path) -> Path:
    """Fetch ``url`` to ``archive`` unless it is there; what was fetched before it was stopped, kept
    beside it as ``.part``, is not fetched again where the server can go on.

    Raises:
        DataError: it cannot be fetched, or its place not be written.
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
    """See to it that ``source``, an archive or the URL of one, lies unpacked in ``folder``.

    It is fetched to ``folder``, checked and unpacked as :func:`download` and :func:`unpack` do, but
    once: a hidden file ``.NAME.unpacked``, written last, says of which archive. So the archive may
    be removed afterwards.

    Raises:
        DataError: as those.
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
    """Another one for an archive that has changed."""
    state = Path(archive).stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def unpack(archive: Path, folder: Path, digest: str | None = None) -> None:
    """Unpack a tar archive into ``folder``; with ``digest``, only if that is its SHA-256.

    Raises:
        DataError: no such archive, another one, or one that is damaged.
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
