"""CSV and TSV files with a line of column names, from which the meaning of columns is guessed.

CSV is quoted as in RFC 4180; in TSV a quotation mark is a character like any other, as in Common
Voice.
"""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from asr.data.formats.item import (
    Item,
    Refuse,
    cannot_keep,
    find_audio,
    from_cell,
    leaving_out,
    one_line,
    seconds,
    to_cell,
)
from asr.data.manifest import Utterance
from asr.errors import ConfigError, DataError
from asr.files import check_row, name_as_text, read_text, write_atomically

USUAL = {
    "audio": (
        "audio_filepath", "audio", "audio_path", "audio_file", "path", "file_path", "filepath",
        "file_name", "filename", "file", "wav", "wav_filename", "wav_path",
    ),
    "text": (
        "text", "sentence", "transcript", "transcription", "normalized_text", "raw_text", "words",
    ),
    "speaker": ("speaker", "speaker_id", "client_id", "spk", "spk_id", "user_id"),
    "id": ("id", "utterance_id", "utt_id", "utterance", "utt", "uttid"),
    "duration": ("duration", "seconds", "audio_duration", "dur"),
}  # fmt: skip
"""The names that columns usually have, the likeliest first; upper and lower case are the same."""
WRITTEN = {name: names[0] for name, names in USUAL.items()}


class _Csv(csv.excel):
    lineterminator = "\n"
    strict = True


class _Tsv(csv.Dialect):
    delimiter = "\t"
    lineterminator = "\n"
    quoting = csv.QUOTE_NONE
    quotechar = None


@dataclass(frozen=True)
class Columns:
    """The names of columns; a name that is None is guessed."""

    audio: str | None = None
    text: str | None = None
    speaker: str | None = None
    id: str | None = None
    duration: str | None = None


def read_table(
    path: Path,
    columns: Columns | None = None,
    folder: Path | None = None,
    refuse: Refuse | None = None,
) -> list[Item]:
    """Read the utterances of a table; cells of other columns become further fields, unless empty.

    The default of ``id`` is the name of the audio file.

    Args:
        path: of the table; the suffix tells what separates columns.
        columns: the names of columns, where they are not to be guessed.
        folder: what paths of audio are relative to; by default the folder of the table.
        refuse: is called for lines that cannot be used, which are then left out; without it, such a
            line is an error.

    Raises:
        DataError: there is no column of audio or text, a line has more or fewer cells than there
            are columns, or a text or an audio file is missing.
        ConfigError: a column of ``columns`` does not exist, or the suffix is another.
    """
    lines = read_text(path, "table", "surrogateescape").split("\n")
    lines = [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
    done = 0

    def left() -> Iterator[str]:
        nonlocal done
        while done < len(lines):
            done += 1
            yield lines[done - 1]

    dialect = _dialect(path)
    reader = csv.reader(left(), dialect)
    try:
        head = next(reader, [])
    except csv.Error as error:
        raise DataError(f"{path}:1: not a table ({error})") from error
    found = _find(path, head, columns or Columns())
    items = []
    while (first := done) < len(lines):
        where = f"{path}:{first + 1}"
        try:
            row = _next_row(reader, where)
            if row:
                items.append(_parse(where, head, row, found, folder or path.parent))
        except _NotARowError as error:
            # What a quotation mark took for one cell may be rows of their own.
            done, reader = first + 1, csv.reader(left(), dialect)
            with leaving_out(refuse, where):
                raise DataError(str(error)) from error
        except DataError as error:
            with leaving_out(refuse, where):
                raise error
    return items


class _NotARowError(DataError):
    """An error about lines that are not one row of the table."""


def _next_row(reader: Iterator[list[str]], where: str) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error as error:
        said = str(error)
        reason = "a quotation mark is not closed" if said == "unexpected end of data" else said
        raise _NotARowError(f"{where}: not a row of a table ({reason})") from error


def _dialect(path: Path) -> type[csv.Dialect]:
    if path.suffix == ".csv":
        return _Csv
    if path.suffix in (".tsv", ".tab"):
        return _Tsv
    raise ConfigError(f"{path}: the suffix says what divides columns; needs .csv, .tsv or .tab")


def _find(path: Path, head: list[str], columns: Columns) -> dict[str, int]:
    """Return the index of each column that has a meaning. Columns without a name, such as the one
    of pandas' index, have none."""
    for place, name in enumerate(head):
        if name and name in head[:place]:
            raise DataError(f"{path}:1: column {place + 1} is called {name!r}, needs its own name")
    lower = [name.lower() for name in head]
    found = {}
    for meaning, wanted in asdict(columns).items():
        if wanted is not None:
            if wanted not in head:
                raise ConfigError(f"{path}: no column {wanted!r}; it has {', '.join(head)}")
            found[meaning] = head.index(wanted)
            continue
        for name in USUAL[meaning]:
            if name in lower:
                found[meaning] = (head if name in head else lower).index(name)
                break
    for meaning in ("audio", "text"):
        if meaning not in found:
            raise DataError(
                f"{path}:1: which column is the {meaning}? None is called "
                f"{', '.join(USUAL[meaning])}; it has {', '.join(head)}; say so with "
                f"--{meaning}-column"
            )
    return found


def _parse(
    where: str, head: list[str], row: list[str], found: dict[str, int], folder: Path
) -> Item:
    if len(row) != len(head):
        raise _NotARowError(f"{where}: {len(row)} cells, needs {len(head)} as there are columns")
    check_row("".join(cell for place, cell in enumerate(row) if place != found["audio"]), where)
    cells = {meaning: row[place] for meaning, place in found.items()}
    if not cells["text"].strip():
        raise DataError(f"{where}: the text is missing")
    audio = find_audio(cells["audio"], folder, where)
    extra = {
        name: from_cell(cell)
        for place, (name, cell) in enumerate(zip(head, row, strict=True))
        if name and cell and place not in found.values()
    }
    duration = cells.get("duration")
    return Item(
        where=where,
        id=cells.get("id") or name_as_text(audio.stem),
        audio=audio,
        text=one_line(cells["text"]),
        duration=seconds(duration, "duration", where) if duration else None,
        speaker=cells.get("speaker") or None,
        extra=extra,
        named=bool(cells.get("id")),
    )


def write_table(path: Path, utterances: Sequence[Utterance]) -> None:
    """Write a table with a column for each field of any utterance; audio paths are relative to its
    folder. The value of a further field that is not plain text is written as JSON.

    Raises:
        DataError: a text, an id or a speaker is empty, a value holds tabs or line ends, or a number
            is not finite.
        ConfigError: the suffix is not that of a table.
        OutputError: the file cannot be written.
    """

    dialect = _dialect(path)
    further = {name: None for item in utterances for name in item.extra}
    rows = [[*WRITTEN.values(), *further]]
    for item in utterances:
        own = [os.path.relpath(item.audio, path.absolute().parent), item.text]
        own += ["" if item.speaker is None else item.speaker, item.id, repr(item.duration)]
        if not item.text or not item.id or item.speaker == "":
            raise cannot_keep(item, "an empty text, id or speaker", "a table")
        try:
            cells = [to_cell(item.extra[name]) if name in item.extra else "" for name in further]
        except ValueError as error:
            raise cannot_keep(item, f"a further field ({error})", "a table") from error
        if any(re.search(r"[\x00\t\n\r]", cell) for cell in (*own, *further)) or "" in further:
            raise cannot_keep(item, "names, ids or paths with line ends or tabs", "a table")
        rows.append(own + cells)
    text = io.StringIO(newline="")
    csv.writer(text, dialect).writerows(rows)
    write_atomically(path, text.getvalue())
