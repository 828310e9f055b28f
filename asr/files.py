"""Reading text files and JSON, writing files and folders whole or not at all, digests of files.

What can stand in JSON but not be used as text is refused when it is read: halves of surrogate pairs
(``"\\ud83d"``), which no file can hold as UTF-8, very long numbers, and nesting that the parser
cannot follow. Names of files are an exception: for bytes of a name that are not UTF-8, Python has
such halves; in JSON they are written as escapes, and read back as the same name.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from asr.errors import DataError, OutputError

MOST_DIGITS = 300
"""The most digits of a whole number, which float64 can then hold."""

_LONE = re.compile("[\ud800-\udfff]")
_NOT_A_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


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


def parse_json(text: str, names: Collection[str] | None = ()) -> Any:
    """Return the value that ``text`` holds.

    ``names`` are the keys whose values are names of files, at any depth; None if any string may be
    one.

    >>> parse_json('{"text": "caf\\\\u00e9"}')
    {'text': 'café'}
    >>> parse_json('{"text": "four \\\\ud83d"}')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    asr.errors.DataError: 'four \\ud83d' holds half of a character (\\ud83d, a lone surrogate); ...

    Raises:
        DataError: this is not JSON, or it holds what cannot be used as text or number.
    """
    try:
        values = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}"
        if error.lineno > 1:
            place = f"line {error.lineno}, {place}"
        raise DataError(f"not JSON ({error.msg} at {place})") from error
    except RecursionError as error:
        raise DataError("not usable as JSON: objects or lists are nested too deeply") from error
    if _ESCAPED_HALF.search(text):
        _check(values, names)
    return values


def to_json(values: Any, indent: int | None = None, allow_nan: bool = True) -> str:
    """Return ``values`` as JSON, in which halves of surrogate pairs are escaped.

    >>> to_json({"audio": "caf\\udce9.wav", "text": "né"})
    '{"audio": "caf\\\\udce9.wav", "text": "né"}'
    """
    text = json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=allow_nan)
    return text if text.isascii() else _LONE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def name_as_text(name: str) -> str:
    r"""Return a name of a file as text that UTF-8 can hold: other bytes of it are escaped.

    >>> name_as_text("caf\udce9")
    'caf\\xe9'
    """
    return _LONE.sub(_escaped, name)


def _escaped(half: re.Match[str]) -> str:
    number = ord(half[0])
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"\\u{number:04x}"


def check_text(text: str) -> None:
    """Raise a DataError if ``text`` holds half of a surrogate pair, which no file can hold."""
    if half := _LONE.search(text):
        raise DataError(
            f"{text[:80]!r} holds half of a character (\\u{ord(half[0]):04x}, a lone surrogate); "
            "write the whole character, or take it out"
        )


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise DataError(
            f"a number has {len(digits)} digits, but {MOST_DIGITS} are the most that are read"
        )
    return int(digits)


_DECODER = json.JSONDecoder(parse_int=_integer)


def _check(values: Any, names: Collection[str] | None) -> None:
    """Raise a DataError if a string holds half of a surrogate pair; for a name of a file, only if
    the half does not stand for a byte."""
    left = [(values, names is None)]
    while left:
        value, is_name = left.pop()
        if isinstance(value, str):
            if not is_name or _NOT_A_BYTE.search(value):
                check_text(value)
        elif isinstance(value, list):
            left += [(item, is_name) for item in value]
        elif isinstance(value, dict):
            for key, item in value.items():
                check_text(key)
                left.append((item, names is None or key in names))


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write ``content`` to a temporary file beside ``path``, flush it to disk and rename it.

    Raises:
        OutputError: the folder cannot be written, the disk is full, and the like; whatever stood
            at ``path`` before is intact.
    """
    path = Path(path)
    try:
        data = content.encode("utf-8") if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        part = content[max(0, error.start - 20) : error.end]
        raise OutputError(f"cannot write {path}: {part!r} is no text that UTF-8 holds") from error
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
