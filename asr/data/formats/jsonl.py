"""JSON Lines with line numbers, plain or compressed by gzip."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.files import read_text, write_atomically


def read_json_lines(path: Path, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """file:line and object of each line that is not empty.

    Raises:
        DataError: a file that cannot be read, a line that is no JSON object.
    """
    for number, line in enumerate(_read(path, what).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: not JSON ({error.msg} at column {error.colno})") from error
        if not isinstance(values, dict):
            raise DataError(f"{where}: needs a JSON object, got {type(values).__name__}")
        yield where, values


def _read(path: Path, what: str) -> str:
    if path.suffix != ".gz":
        return read_text(path, what)
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read the {what} {path}: {reason}") from error


def write_json_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    """Write one object a line, compressed if the name ends in ``.gz``, whole or not at all.

    Raises:
        DataError: a number that is not finite, for which JSON has no word.
        OutputError: it cannot be written.
    """
    write_atomically(path, json_lines(path.name, values))


def json_lines(name: str, values: Iterable[dict[str, Any]]) -> bytes:
    """The content of such a file."""
    try:
        lines = [json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n" for item in values]
    except ValueError as error:
        raise DataError(f"{name}: {error}; JSON has finite numbers only") from error
    content = "".join(lines).encode("utf-8")
    return gzip.compress(content, mtime=0) if name.endswith(".gz") else content
