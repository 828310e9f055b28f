"""Rows: one recording each, with the columns that its source has for it.

What this package knows of a recording stands in columns of its own, whose names begin with
``asr:``; all others are the source's, and come out beside the transcript.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asr.errors import DataError
from asr.files import name_as_text
from asr.recognition.names import default_name

OWN = "asr:"
AUDIO, PLACE, ID, OFFSET, DURATION, SECONDS, BEGIN, SIZE, BYTES, STEM = (
    f"{OWN}{name}"
    for name in (
        "audio", "place", "id", "offset", "duration", "seconds", "begin", "size", "bytes", "stem",
    )
)  # fmt: skip
"""The name in outputs; the path or URL; the id; the piece of it that is meant; the seconds that it
may last; the bytes of an archive where it lies; its content; the name of its own files."""

PATHS = ("audio_filepath", "path", "audio", "file", "url", "wav", "filename")
"""The names of a column of paths, of which the first one that a table has is taken."""
CONTENT = "bytes"
"""The name of a column with the content of recordings."""

Keys = npt.NDArray[np.bytes_]
"""Digests (n,) of the names by which recordings are known."""


def key_of(id: str | None, audio: str) -> bytes:
    """Return the digest by which a recording is known: that of its id, or of its name without
    one."""
    return hashlib.blake2b(name_as_text(id or audio).encode(), digest_size=16).digest()


def digests(keys: Sequence[bytes]) -> Keys:
    """Return digests as an array (n,)."""
    return np.array(keys, dtype="S16").reshape(-1)


def keys_of(parts: Iterable[Keys]) -> Keys:
    """Return the keys of several parts as one array, sorted."""
    return np.sort(np.concatenate([digests([]), *parts]))


def among(wanted: Keys, keys: Keys) -> npt.NDArray[np.bool_]:
    """Return for each of the ``wanted`` keys whether it is one of the sorted ``keys``.

    >>> among(digests([b"a", b"c"]), digests([b"b", b"c"])).tolist()
    [False, True]
    """
    if not len(keys):
        return np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: npt.NDArray[np.bool_] = keys[places] == wanted
    return found


def make_row(
    audio: str,
    place: str,
    *,
    id: str | None = None,
    offset: float | None = None,
    duration: float | None = None,
    seconds: float | None = None,
    begin: int | None = None,
    size: int | None = None,
    content: bytes | None = None,
    stem: str | None = None,
) -> dict[str, Any]:
    """Return the columns that this package has for a recording, which is called ``audio`` and lies
    at ``place``; a piece without an id gets one."""
    if offset is not None and id is None:
        id = default_name(audio, offset, duration)
    return {
        AUDIO: os.fsencode(audio),
        PLACE: os.fsencode(place),
        ID: id,
        OFFSET: offset,
        DURATION: duration,
        SECONDS: seconds,
        BEGIN: begin,
        SIZE: size,
        BYTES: content,
        STEM: None if stem is None else os.fsencode(stem),
    }


def path_column(names: Iterable[str], wanted: str | None) -> str:
    """Return the name of the column of paths, or of contents, among those of a table.

    >>> path_column(["speaker", "path"], None)
    'path'

    Raises:
        DataError: there is none.
    """
    names = list(names)
    for name in [wanted] if wanted else [*PATHS, CONTENT]:
        if name in names:
            return name
    needed = wanted or ", ".join([*PATHS, CONTENT])
    raise DataError(
        f"the table has the columns {', '.join(names)}, none of which is {needed}; name the column "
        "of paths with --path-column"
    )


def to_bytes(table: pa.Table) -> bytes:
    """Return a table as one value.

    >>> from_bytes(to_bytes(pa.table({"a": [1]}))).to_pylist()
    [{'a': 1}]
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def from_bytes(data: bytes) -> pa.Table:
    """Return the table that :func:`to_bytes` was given."""
    return pa.ipc.open_stream(data).read_all()
