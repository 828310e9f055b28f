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
from collections.abc import Callable, Collection, Iterator, Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from asr.errors import DataError, OutputError

MOST_DIGITS = 300
"""The most digits of a whole number, which float64 can then hold."""

_LONE = re.compile("[\ud800-\udfff]")
_NOT_A_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")

_MARK = "\ufeff"
_MARKED_LINE = re.compile(f"^{_MARK}+", re.MULTILINE)
"""Marks before a line, as they stand where files have been joined."""
_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""The byte-order marks of other encodings; those that begin like another come first."""
_HEAD = 4096
"""The number of bytes at the beginning that show UTF-16 without a mark."""
_BLOCK = 1 << 22
"""The bytes of a file that are read at a time where all of it would take too much memory."""
_WINDOW = 1 << 26
"""The bytes of a file that are mapped at a time for its digest."""


def read_text(path: str | Path, what: str, errors: str = "strict") -> str:
    """Return the text of a UTF-8 file, which messages call ``what`` ("manifest").

    All text files are read by this function, or by :func:`read_lines`: they may begin with a
    byte-order mark, and end their lines with LF or CRLF; the text has neither the mark nor CRLF.
    With the ``errors`` "surrogateescape", bytes that are not UTF-8 are no error here but one of
    their row, for which :func:`check_row` looks.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    return decode_text(read_content(path, what), path, what, errors)


def read_content(path: str | Path, what: str) -> bytes:
    """Return the bytes of a file, which messages call ``what``.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the {what} {path}: {error.strerror}") from error
    except ValueError as error:  # a name with a NUL
        raise DataError(f"cannot read the {what} {str(path)!r}: {error}") from error


def read_lines(path: str | Path, what: str) -> list[str]:
    """Return the lines of a UTF-8 file as :func:`read_text` reads it, without their ends.

    A line ends at LF and nowhere else: form feeds and what else Unicode calls a line end stay in
    it.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    return split_lines(read_text(path, what))


def stream_lines(
    path: str | Path, what: str, see: Callable[[bytes], None] = lambda data: None
) -> Iterator[str]:
    """Yield the lines that :func:`read_lines` returns, for files that do not fit in memory.

    ``see`` gets the bytes of the file, part by part.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    try:
        with open(path, "rb") as file:
            while rows := file.readlines(_BLOCK):
                data = b"".join(rows)
                see(data)
                yield from split_lines(decode_text(data, path, what))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot read the {what} {path}: {reason}") from error


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text, without their ends; each ends at LF and nowhere else.

    >>> split_lines("yes\fno\nstop\n")
    ['yes\x0cno', 'stop']
    """
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def decode_text(data: bytes, path: str | Path, what: str, errors: str = "strict") -> str:
    r"""Return the text of the content of a file as :func:`read_text` does; ``path`` and ``what``
    are for the message.

    >>> decode_text(b"\xef\xbb\xbfyes\r\nno\n", "words.txt", "lexicon")
    'yes\nno\n'

    Raises:
        DataError: the content is not UTF-8.
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise _other_encoding(path, what, name)
    head = data[:_HEAD]
    zeros = sorted((half.count(0), len(half)) for half in (head[::2], head[1::2]))
    if zeros[0][0] == 0 and 10 * zeros[1][0] > 9 * zeros[1][1]:
        raise _other_encoding(path, what, "UTF-16 without a byte-order mark")
    try:
        text = data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: a {what} is UTF-8 text, this is not ({error.reason})") from error
    text = text.replace("\r\n", "\n") if "\r" in text else text
    return _MARKED_LINE.sub("", text) if _MARK in text else text


def check_row(row: str, where: str) -> None:
    r"""Raise a DataError if a row holds bytes that are not UTF-8; ``where`` is file:line.

    >>> check_row("caf\udce9", "text:7")
    Traceback (most recent call last):
    asr.errors.DataError: text:7: needs UTF-8 text, this is not: 'caf\udce9'
    """
    if half := _LONE.search(row):
        part = row[max(0, half.start() - 40) : half.end()]
        raise DataError(f"{where}: needs UTF-8 text, this is not: {part!r}")


def _other_encoding(path: str | Path, what: str, name: str) -> DataError:
    return DataError(
        f"{path}: a {what} is UTF-8 text, this is {name}; convert it: "
        f"iconv -f {name[:6]} -t UTF-8 FILE > NEW"
    )


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
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for begin in range(0, size, _WINDOW):
            count = min(_WINDOW, size - begin)
            # An update with so many bytes leaves the interpreter to other threads until it ends.
            digest.update(mmap(file.fileno(), count, access=ACCESS_READ, offset=begin))
    return digest.hexdigest()
