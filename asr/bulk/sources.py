"""Sources of recordings: folders, manifests, tables and archives, local or at URLs.

Folders and manifests are listed at once. Tables of Parquet and archives are named alone, and read
where the cluster has time for it. What is read are tables of Arrow, a row for each recording
(:mod:`asr.bulk.rows`).
"""

import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from asr.audio.inputs import is_audio
from asr.bulk.rows import (
    AUDIO,
    BEGIN,
    BYTES,
    DURATION,
    ID,
    OFFSET,
    OWN,
    PLACE,
    SECONDS,
    SIZE,
    STEM,
    from_bytes,
    make_row,
    path_column,
    to_bytes,
)
from asr.bulk.store import Folder, file_system, is_url, join, parent
from asr.data.audio_files import find_audio_files, walk
from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.files import decode_text, parse_json
from asr.recognition.names import safe_name

TYPES = pa.schema(
    {
        AUDIO: pa.binary(),
        PLACE: pa.binary(),
        ID: pa.string(),
        OFFSET: pa.float64(),
        DURATION: pa.float64(),
        SECONDS: pa.float64(),
        BEGIN: pa.int64(),
        SIZE: pa.int64(),
        BYTES: pa.binary(),
        STEM: pa.binary(),
    }
)
"""The types of the columns that this package has for a recording."""

BLOCK = 4096
"""Recordings that are read at once."""

_PIECE = ("id", "offset", "duration")
_PARQUET = (".parquet", ".pq")
_LINES = (".jsonl", ".ndjson")
_ARCHIVE = ".tar"


@dataclass(frozen=True)
class Portion:
    """A portion of a source: some recordings, or the place of a table or an archive."""

    recordings: pa.Table | None = None
    place: str = ""
    column: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Return it as a row of a dataset."""
        rows = None if self.recordings is None else to_bytes(self.recordings)
        return {"recordings": rows, "place": self.place, "column": self.column}

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "Portion":
        """Return the portion that a row stands for."""
        rows = row["recordings"]
        return cls(None if rows is None else from_bytes(rows), row["place"], row["column"])

    def tables(self) -> Iterator[pa.Table]:
        """Yield its recordings, up to :data:`BLOCK` in a table.

        Raises:
            DataError: it cannot be read.
        """
        if self.recordings is not None:
            yield self.recordings
        elif self.place.lower().endswith(_ARCHIVE):
            rows = archive_rows(self.place)
            while block := list(islice(rows, BLOCK)):
                yield _table(block)
        else:
            yield from _parquet(self.place, self.column)


def read_source(source: str, column: str | None = None) -> tuple[list[Portion], int | None]:
    """Return the portions of a source, and the number of its recordings where it is known.

    Args:
        source: a folder of recordings, a manifest, JSON Lines or Parquet with a column of paths,
            tar archives (WebDataset), or a folder of one of these; each as a path, a pattern or a
            URL.
        column: the name of the column of paths.

    Raises:
        DataError: there is nothing there, or it cannot be read.
        ConfigError: a protocol of URLs that is not installed.
    """
    places, names, sizes = _find(source)
    suffix = Path(names[0]).suffix.lower()
    if suffix == _ARCHIVE:
        return [Portion(place=place) for place in places], None
    if suffix in _PARQUET:
        counts = [_count(place, column) for place in places]
        return [Portion(place=place, column=column) for place in places], sum(counts)
    if suffix in _LINES:
        rows = [row for place in places for row in _lines(place, column)]
    else:
        rows = _files(places, names, sizes)
    if not rows:
        raise DataError(f"{source}: there is no recording in it")
    table = _table(rows)
    return [Portion(table.slice(first, BLOCK)) for first in range(0, len(rows), BLOCK)], len(rows)


def to_recordings(table: pa.Table, column: str | None, base: str) -> pa.Table:
    """Return a table of paths or contents as one of recordings; its other columns stay.

    Relative paths are relative to ``base``. ``id``, ``offset`` and ``duration`` (s), where a table
    has them, are those of manifests.

    >>> table = pa.table({"path": ["a.wav"], "speaker": ["ann"]})
    >>> row = to_recordings(table, None, "/data").to_pylist()[0]
    >>> row[PLACE], row["speaker"]
    (b'/data/a.wav', 'ann')

    Raises:
        DataError: there is no column of paths, or a row without a path.
    """
    name = path_column(table.column_names, column)
    used = _used(table.column_names, name)
    values = [
        table[key].to_pylist() if key in table.column_names else [None] * len(table)
        for key in (name, *_PIECE)
    ]
    result = _table([_recording(name, base, *row) for row in zip(*values, strict=True)])
    own = table.select([x for x in table.column_names if x not in used and not x.startswith(OWN)])
    for field, own_values in zip(own.schema, own.columns, strict=True):
        result = result.append_column(field, own_values)
    return result


def _used(names: Collection[str], path: str) -> set[str]:
    """Return the columns of a table that say which recording is meant."""
    return {path, "id", *(("offset", "duration") if "offset" in names else ())}


def _recording(
    name: str, base: str, path: str | bytes | None, id: Any, offset: Any, duration: Any
) -> dict[str, Any]:
    """Return the columns of a recording, which a table has these values for."""
    if not path:
        raise DataError(f"a row has nothing in its column {name!r}")
    try:
        offset = None if offset is None else float(offset)
        duration = float(duration) if duration else None
    except (TypeError, ValueError) as error:
        raise DataError(f"'offset' and 'duration' need numbers ({error})") from error
    piece: dict[str, Any] = {
        "id": None if id is None else str(id),
        "offset": offset,
        "duration": None if offset is None else duration,
        "seconds": duration,
    }
    if isinstance(path, str):
        return make_row(path, join(base, path), **piece)
    if not isinstance(path, bytes):
        raise DataError(f"the column {name!r} needs paths or bytes, has {type(path).__name__}")
    if id is None:
        raise DataError(f"a row has content in {name!r}, but no 'id' to be known by")
    return make_row(str(id), str(id), content=path, **piece)


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    own = dict.fromkeys(key for row in rows for key in row if key not in TYPES.names)
    table = pa.Table.from_pylist(list(rows), TYPES)
    for key in own:
        column = [row.get(key) for row in rows]
        try:
            array = pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # a field whose types differ from line to line
            array = pa.array([None if x is None else json.dumps(x) for x in column])
        table = table.append_column(key, array)
    return table


def _find(source: str) -> tuple[list[str], list[str], dict[str, int]]:
    """Return the places that a source names, their names relative to it, and the bytes of those of
    which a store has told them."""
    if not is_url(source):
        if os.path.isdir(source):
            files = [str(path) for path in walk(Path(source))]
            names = [os.path.relpath(name, source) for name in files]
            return *_of_one_kind(source, files, names), {}
        if os.path.exists(source):
            return [source], [os.path.basename(source)], {}
        if any(sign in source for sign in "*?["):
            files = [file.path for file in find_audio_files([source])]
            return files, [os.path.basename(name) for name in files], {}
        raise DataError(f"{source}: no such file or folder")
    system, path = file_system(source)
    try:
        if any(sign in path for sign in "*?["):
            found = system.glob(path, detail=True)
            root = path.partition("*")[0].rpartition("/")[0]
        elif system.isfile(path):
            return [source], [source.rpartition("/")[2]], {}
        else:
            found, root = system.find(path, detail=True), path
    except Exception as error:
        raise DataError(f"cannot read {source}: {error}") from error
    if not found:
        raise DataError(f"{source}: no such file or folder")
    places = {name: str(system.unstrip_protocol(name)) for name in sorted(found)}
    sizes = {place: found[name].get("size") or 0 for name, place in places.items()}
    names = [os.path.relpath(name, root) for name in places]
    return *_of_one_kind(source, list(places.values()), names), sizes


def _of_one_kind(
    source: str, places: Sequence[str], names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the recordings of a folder, or the tables or archives in it if it holds none."""
    kinds: list[Callable[[str], bool]] = [
        lambda name: is_audio(Path(name)),
        lambda name: name.lower().endswith(_PARQUET),
        lambda name: name.lower().endswith(_LINES),
        lambda name: name.lower().endswith(_ARCHIVE),
    ]
    for is_one in kinds:
        if chosen := [pair for pair in zip(places, names, strict=True) if is_one(pair[1])]:
            return [place for place, _ in chosen], [name for _, name in chosen]
    raise DataError(f"{source}: no recordings, tables or archives in this folder")


def _files(
    places: Sequence[str], names: Sequence[str], sizes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return the rows of files, whose own files in the destination are called as they are, without
    the suffix if no other has the same name."""
    stems = [os.path.splitext(name)[0] for name in names]
    often = Counter(stems)
    return [
        make_row(
            place,
            place if is_url(place) else os.path.abspath(place),
            size=sizes.get(place) or None,
            stem=stem if often[stem] == 1 else name,
        )
        for place, name, stem in zip(places, names, stems, strict=True)
    ]


def _lines(name: str, column: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of JSON Lines: a manifest, or a table with a column of paths."""
    content = Folder(parent(name)).read(os.path.basename(name))
    text = decode_text(content or b"", name, "list of recordings")
    lines = [(i, line) for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if lines and not is_url(name) and column is None and '"audio_filepath"' in lines[0][1]:
        yield from _manifest(name)
        return
    folder = parent(name)
    for number, line in lines:
        try:
            values = parse_json(line, None)
            if not isinstance(values, dict):
                raise DataError(f"needs a JSON object, got {type(values).__name__}")
            path = path_column(values, column)
            used = _used(values, path)
            own = {key: x for key, x in values.items() if key not in used}
            piece = [values.get(key) for key in _PIECE]
            yield own | _recording(path, folder, values[path], *piece)
        except DataError as error:
            raise DataError(f"{name}:{number}: {error}") from error


def _manifest(name: str) -> Iterator[dict[str, Any]]:
    for item in read_manifest(name, transcribed=False):
        known = item.duration or None
        piece = item.offset is not None
        own = {"text": item.text or None, "speaker": item.speaker, **item.extra}
        if not piece:
            own["duration"] = known
        row = make_row(
            str(item.audio),
            str(item.audio),
            id=item.id,
            offset=item.offset,
            duration=known if piece else None,
            seconds=known,
        )
        yield {key: value for key, value in own.items() if value is not None} | row


def _count(place: str, column: str | None) -> int:
    """Return the number of rows of a table of Parquet, once it is sure that it has paths."""
    with _table_file(place) as file:
        path_column(file.schema_arrow.names, column)
        rows: int = file.metadata.num_rows
        return rows


def _parquet(place: str, column: str | None) -> Iterator[pa.Table]:
    base = parent(place)
    with _table_file(place) as file:
        for batch in file.iter_batches(BLOCK):
            yield to_recordings(pa.Table.from_batches([batch]), column, base)


@contextmanager
def _table_file(place: str) -> Iterator[pq.ParquetFile]:
    try:
        with _open(place) as file, pq.ParquetFile(file) as table:
            yield table
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{place}: not a table of Parquet that can be read ({error})") from error


def archive_rows(shard: str) -> Iterator[dict[str, Any]]:
    """Yield the recordings of a tar archive, in its order.

    Files of one name with other suffixes, as in a WebDataset, are columns: ``a.txt`` beside
    ``a.flac`` gives ``txt``; of ``a.json`` each field is one.

    Raises:
        DataError: it is not a tar archive, or a compressed one.
    """
    try:
        with _open(shard) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            fields, found, key = dict[str, Any](), list[dict[str, Any]](), ""
            for member in archive:
                if not member.isfile():
                    continue
                folder, _, last = member.name.rpartition("/")
                stem, _, suffix = last.partition(".")
                name = f"{folder}/{stem}" if folder else stem
                if name != key:
                    yield from (fields | row for row in found)
                    fields, found, key = {}, [], name
                if is_audio(Path(last)):
                    stem = safe_name(member.name if found else name)
                    row = make_row(
                        f"{shard}/{member.name}",
                        shard,
                        begin=member.offset_data,
                        size=member.size,
                        stem=f"{safe_name(Path(shard).stem)}/{stem}",
                    )
                    found.append(row)
                else:
                    fields |= _fields(suffix, archive.extractfile(member))
            yield from (fields | row for row in found)
    except (tarfile.TarError, OSError) as error:
        raise DataError(
            f"{shard}: not a tar archive that can be read; a compressed one has to be "
            f"decompressed first ({error})"
        ) from error


def _fields(suffix: str, file: Any) -> dict[str, Any]:
    data = file.read()
    if suffix == "json":
        try:
            values = json.loads(data)
        except ValueError:
            values = None
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if not key.startswith(OWN)}
    return {suffix or "data": data.decode("utf-8", "backslashreplace")}


def _open(place: str) -> BinaryIO:
    if not is_url(place):
        return open(place, "rb")
    system, path = file_system(place)
    file: BinaryIO = io.BufferedReader(system.open(path, "rb", block_size=1 << 20))
    return file
