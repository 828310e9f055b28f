"""Reading and writing of JSON Lines, which gzip may have compressed."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from asr.data.formats.item import Refuse, leaving_out
from asr.errors import DataError
from asr.files import check_row, decode_text, parse_json, read_text, to_json, write_atomically

NAMES = ("audio_filepath", "source", "path")
"""The fields of manifests that hold names of files."""


def read_json_lines(
    path: Path, what: str, refuse: Refuse | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield file:line and the object of each line that is not empty; messages call the file
    ``what`` ("manifest").

    ``refuse`` is called for lines that are not UTF-8 or not JSON objects, which are then left out.

    Raises:
        DataError: the file cannot be read, or there is no ``refuse`` and a line is not an object.
    """
    for number, line in enumerate(_read(path, what).split("\n"), start=1):
        if not line.strip():
            continue
        where, values = f"{path}:{number}", None
        with leaving_out(refuse, where):
            values = _object(where, line)
        if values is not None:
            yield where, values


def _object(where: str, line: str) -> dict[str, Any]:
    check_row(line, where)
    try:
        values = parse_json(line, NAMES)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"{where}: needs a JSON object, got {type(values).__name__}")
    return values


def _read(path: Path, what: str) -> str:
    if path.suffix != ".gz":
        return read_text(path, what, "surrogateescape")
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read the {what} {path}: {reason}") from error
    return decode_text(data, path, what, "surrogateescape")


def write_json_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    """Write an object in each line, whole or not at all; compress if the name ends in ``.gz``.

    Raises:
        DataError: an object holds a number that is not finite, which JSON cannot express.
        OutputError: the file cannot be written.
    """
    write_atomically(path, json_lines(path.name, values))


def json_lines(name: str, values: Iterable[dict[str, Any]]) -> bytes:
    """Return the content of such a file.

    >>> json_lines("a.jsonl", [{"text": "yes"}])
    b'{"text": "yes"}\\n'
    """
    try:
        lines = [to_json(item, allow_nan=False) + "\n" for item in values]
    except ValueError as error:
        raise DataError(f"{name}: {error}; JSON has finite numbers only") from error
    content = "".join(lines).encode("utf-8")
    return gzip.compress(content, mtime=0) if name.endswith(".gz") else content
