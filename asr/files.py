"""Reading text files, writing files and folders whole or not at all, and digests of files."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from asr.errors import DataError, OutputError


def read_text(path: str | Path, what: str) -> str:
    """Return the text of a UTF-8 file, which messages call ``what`` ("manifest").

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read the {what} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: a {what} is UTF-8 text, this is not ({error.reason})") from error


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write ``content`` to a temporary file beside ``path``, flush it to disk and rename it.

    Raises:
        OutputError: the folder cannot be written, the disk is full, and the like; whatever stood
            at ``path`` before is intact.
    """
    path = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def write_folder(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Make ``folder`` hold ``files`` (relative name to content) and nothing else.

    They are written to a hidden folder beside it, which then takes its place. At any moment the old
    or the new folder is whole: under its name, or, between two renames, the old one under the name
    ``.NAME.old``, from which the next call restores it.

    Raises:
        OutputError: the place cannot be written, the disk is full, and the like.
    """
    folder = Path(folder).absolute()
    old, new = (folder.with_name(f".{folder.name}.{state}") for state in ("old", "new"))
    try:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        for left_over in (old, new):
            shutil.rmtree(left_over, ignore_errors=True)
        for name, content in files.items():
            write_atomically(new / name, content)
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
