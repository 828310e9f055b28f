"""The destination of a job: complete parts of transcripts, and parts of errors.

    DEST/part-<unit>.parquet        transcripts, or part-<unit>.jsonl
    DEST/errors/part-<unit>.jsonl   recordings that could not be transcribed, and why
    DEST/<format>/…                 files of other formats, such as srt
    DEST/_job.json                  what all parts were made with, and the run that is going on

The parts are what a later call knows of earlier ones. A part is there as a whole or not at all, so
that a recording is done if, and only if, its row is in one.
"""

import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from asr.bulk.rows import AUDIO, ID, OWN, STEM, Keys, digests, key_of, keys_of
from asr.bulk.store import Folder
from asr.bulk.worker import Result
from asr.errors import DataError, OutputError
from asr.files import name_as_text, parse_json, to_json
from asr.prefetch import prefetch_map
from asr.recognition.names import safe_name

PARQUET, JSONL = "parquet", "jsonl"
JOB, ERRORS = "_job.json", "errors"
READERS = 16
"""Parts that are read at once."""

_WORD = {
    "word": pa.string(),
    "start": pa.float64(),
    "end": pa.float64(),
    "confidence": pa.float64(),
}
_SEGMENT = {"start": pa.float64(), "end": pa.float64(), "text": pa.string()}
_TOKEN = {"text": pa.string(), "first": pa.int64(), "last": pa.int64()}
SCHEMA = pa.schema(
    {
        "audio": pa.string(),
        "id": pa.string(),
        "offset": pa.float64(),
        "text": pa.string(),
        "display": pa.string(),
        "tokens": pa.list_(pa.struct(_TOKEN)),
        "words": pa.list_(pa.struct(_WORD)),
        "segments": pa.list_(pa.struct(_SEGMENT)),
        "duration": pa.float64(),
        "model": pa.string(),
        "settings": pa.string(),
        "warnings": pa.list_(pa.string()),
    }
)
"""The columns of a transcript: the fields of ``asr transcribe -f json``."""
ERROR = "error"
"""The column of the reason why there is no transcript, where one table has both."""


def own_columns(rows: pa.Table) -> pa.Table:
    """Return the columns that the source itself has; one that is named like a column of
    transcripts is called ``input_…``."""
    names = [name for name in rows.column_names if not name.startswith(OWN)]
    taken = {*SCHEMA.names, ERROR}
    kept = rows.select(names)
    return kept.rename_columns([f"input_{name}" if name in taken else name for name in names])


def transcripts(results: Sequence[Result], rows: pa.Table) -> pa.Table:
    """Return a table of transcripts and the columns of the source, in the order of ``rows``, with
    the reason in :data:`ERROR` where there is none."""
    names = [os.fsdecode(name) for name in rows[AUDIO].to_pylist()]
    found: list[dict[str, Any]] = []
    for result, name, id in zip(results, names, rows[ID].to_pylist(), strict=True):
        if result.error is not None:
            found.append({"audio": name_as_text(name), "id": id, ERROR: result.error})
            continue
        values = json.loads(result.texts["json"])
        found.append(
            {
                **values,
                "audio": name_as_text(values["audio"]),
                "settings": json.dumps(values["settings"]),
            }
        )
    table = pa.Table.from_pylist(found, SCHEMA.append(pa.field(ERROR, pa.string())))
    own = own_columns(rows)
    for field, column in zip(own.schema, own.columns, strict=True):
        table = table.append_column(field, column)
    return table


@dataclass(frozen=True)
class Destination:
    """Where parts of a ``format`` are written, and files of other ``formats``.

    ``run`` tells the runs of a job apart: a worker that a dead run has left behind writes nothing
    once another has begun.
    """

    place: str
    format: str = PARQUET
    run: str = ""

    @property
    def folder(self) -> Folder:
        """The folder of the parts."""
        return Folder(self.place)

    def begin(self, job: dict[str, Any]) -> None:
        """Note what the parts are made with, and that this run is the one that goes on.

        Raises:
            DataError: parts are there that were made with something else.
            OutputError: the folder cannot be written.
        """
        wanted = {**job, "format": self.format}
        content = self.folder.read(JOB)
        if content is not None:
            found = parse_json(content.decode(errors="replace"))
            for name, value in wanted.items():
                if found.get(name) != value:
                    raise DataError(
                        f"{self.place} holds transcripts with {name} {found.get(name)!r}, this "
                        f"call has {value!r}; go on with the same options, or choose another folder"
                    )
        elif any(name.startswith("part-") for name in self.folder.names()):
            raise DataError(f"{self.place} holds parts, but no {JOB}; choose another folder")
        self.folder.write(JOB, (to_json({**wanted, "run": self.run}) + "\n").encode())

    def names(self) -> list[str]:
        """Return the names of all parts, those of errors included."""
        found = [*self.folder.names(), *self.folder.names(ERRORS)]
        return [name for name in found if name.rpartition("/")[2].startswith("part-")]

    def part(self, unit: str) -> str:
        """Return the name of the part that a unit makes."""
        return f"part-{unit}.{self.format}"

    def errors(self, unit: str) -> str:
        """Return the name of the part of the errors of a unit."""
        return f"{ERRORS}/part-{unit}.jsonl"

    def finished(self, unit: str) -> tuple[int, float] | None:
        """Return the recordings and seconds of the part of a unit, if all of it was done
        already and nothing has failed; None if not."""
        content = self.folder.read(self.part(unit))
        if content is None:
            return None
        table = self._table(content, ["duration"])
        return table.num_rows, sum(table["duration"].to_pylist())

    def write(self, unit: str, rows: pa.Table, results: Sequence[Result]) -> list[str]:
        """Write what became of a unit, and return the names of the parts.

        The transcripts come last: until they are there, all of the unit will be done again.

        Raises:
            OutputError: they cannot be written, or another run has begun.
        """
        job = json.loads(self.folder.read(JOB) or b"{}")
        if job.get("run") != self.run:
            raise OutputError(f"{self.place}: another run has begun; this one ends")
        good = [index for index, result in enumerate(results) if result.error is None]
        bad = [index for index, result in enumerate(results) if result.error is not None]
        written = []
        others = partial(self._write_others, rows, results)
        for _ in prefetch_map(others, good, READERS, 2 * READERS):
            pass
        if bad:
            written.append(self.errors(unit))
            own = _own_values(rows)
            lines = [
                to_json({**_named(rows, index), ERROR: results[index].error, **own[index]})
                for index in bad
            ]
            self.folder.write(written[0], _lines(lines))
        if good:
            written.append(self.part(unit))
            chosen = rows.take(pa.array(good))
            self.folder.write(written[-1], self._content(chosen, [results[i] for i in good]))
        if not bad:
            self.folder.remove(self.errors(unit))  # of an attempt that had ended before the part
        return written

    def done(self, names: Sequence[str]) -> Keys:
        """Return the keys of all recordings in parts.

        A recording that stands in two of them, as it may if a run was ended while another began, is
        taken out of the second.
        """
        read = prefetch_map(self._digests, names, READERS, 2 * READERS)
        parts = dict(zip(names, read, strict=True))
        keys = keys_of(parts.values())
        twice = keys[1:][keys[1:] == keys[:-1]]
        if len(twice):
            self._keep_one(parts, twice)
        return np.unique(keys)

    def _digests(self, name: str) -> Keys:
        content = self.folder.read(name) or b""
        if content and name.endswith(f".{PARQUET}"):
            table = pq.read_table(io.BytesIO(content), columns=["id", "audio"])
            pairs = zip(table["id"].to_pylist(), table["audio"].to_pylist(), strict=True)
        else:
            values = [json.loads(line) for line in content.splitlines()]
            pairs = zip([x.get("id") for x in values], [x["audio"] for x in values], strict=True)
        return digests([key_of(id, audio) for id, audio in pairs])

    def _keep_one(self, parts: Mapping[str, Keys], twice: Keys) -> None:
        """Leave the recordings that stand ``twice`` in the first part alone that has them."""
        kept = set[bytes]()
        for name, keys in parts.items():
            wanted = {key for key in keys.tolist() if key in twice}
            if wanted & kept:
                again = [i for i, key in enumerate(keys.tolist()) if key in kept]
                self._leave_out(name, self.folder.read(name) or b"", set(again))
            kept |= wanted

    def _leave_out(self, name: str, content: bytes, twice: set[int]) -> None:
        if name.endswith(f".{PARQUET}"):
            table = pq.read_table(io.BytesIO(content))
            kept = table.take(
                pa.array([i for i in range(len(table)) if i not in twice], pa.int64())
            )
            rest = _parquet(kept) if len(kept) else b""
        else:
            lines = content.splitlines(keepends=True)
            rest = b"".join(line for i, line in enumerate(lines) if i not in twice)
        if rest:
            self.folder.write(name, rest)
        else:
            self.folder.remove(name)

    def _content(self, rows: pa.Table, results: Sequence[Result]) -> bytes:
        if self.format == PARQUET:
            return _parquet(transcripts(results, rows).drop_columns([ERROR]))
        lines = []
        for result, values in zip(results, _own_values(rows), strict=True):
            line = result.texts["json"].rstrip("\n")
            if values:
                line = f"{line[:-1]}, {to_json(values)[1:]}"
            lines.append(line)
        return _lines(lines)

    def _table(self, content: bytes, columns: list[str]) -> pa.Table:
        if self.format == PARQUET:
            return pq.read_table(io.BytesIO(content), columns=columns)
        values = [json.loads(line) for line in content.splitlines()]
        return pa.table({name: [item[name] for item in values] for name in columns})

    def _write_others(self, rows: pa.Table, results: Sequence[Result], index: int) -> None:
        """Write the files of other formats of a recording."""
        for format, text in results[index].texts.items():
            if format == "json":
                continue
            stem, id = rows[STEM][index].as_py(), rows[ID][index].as_py()
            if stem is None:
                name = safe_name(id or os.fsdecode(rows[AUDIO][index].as_py()))
            else:
                name = os.fsdecode(stem)
            self.folder.write(f"{format}/{name}.{format}", text.encode())


def _named(rows: pa.Table, index: int) -> dict[str, Any]:
    id = rows[ID][index].as_py()
    name = {"audio": os.fsdecode(rows[AUDIO][index].as_py())}
    return name if id is None else {**name, "id": id}


def _own_values(rows: pa.Table) -> list[dict[str, Any]]:
    """Return the columns of the source for each row as JSON has them: what it has no type for
    becomes text, and nulls are left out."""
    own = own_columns(rows)
    values = own.to_pylist() if own.column_names else [{} for _ in range(len(rows))]
    plain: list[dict[str, Any]] = json.loads(json.dumps(values, default=_as_text))
    return [{key: x for key, x in row.items() if x is not None} for row in plain]


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
