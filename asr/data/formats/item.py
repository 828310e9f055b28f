"""An utterance of another format, and what the readers and the writers of formats have in
common."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asr.data.manifest import Problem, Utterance, read_manifest
from asr.errors import AudioError, DataError
from asr.files import parse_json, read_text

Refuse = Callable[[Problem], None]
"""Is called with the problem of each utterance that is left out."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""The characters that might end a line or a cell."""


@dataclass(frozen=True)
class Item:
    """One utterance of another format; ``where`` is file:line, for messages.

    With a ``start`` (s), it is ``duration`` seconds of the recording ``audio`` from there on, or
    all that follows if the duration is None. Without a start, it is the whole file. ``channel``
    (from 0) is the only one of the file that holds it, None for all. ``recording`` is the id of the
    recording, where the format has one. ``named`` is False if the format gave no id: another one is
    then found where ``id`` is taken.
    """

    where: str
    id: str
    audio: Path
    text: str
    duration: float | None = None
    start: float | None = None
    channel: int | None = None
    speaker: str | None = None
    recording: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    named: bool = True


@contextmanager
def leaving_out(refuse: Refuse | None, where: str, id: str | None = None) -> Iterator[None]:
    """Call ``refuse`` with the error that the block raises about the row at ``where`` (file:line),
    and go on; without ``refuse``, the error is raised.

    Raises:
        AudioError, DataError: there is no ``refuse``.
    """
    try:
        yield
    except (AudioError, DataError) as error:
        if refuse is None:
            raise
        refuse(problem_of(error, where, id))


def problem_of(error: AudioError | DataError, where: str, id: str | None = None) -> Problem:
    """Return the problem that ``error`` names with its place or, if it names none, at ``where``.

    >>> str(problem_of(DataError("text:3: it stands twice"), "wav.scp:1", "a"))
    'text:3: a: it stands twice'
    """
    message = str(error)
    named = re.match(r"(.+?:\d+): ", message)
    place = named[1] if named and not message.startswith(f"{where}: ") else where
    path, colon, line = place.rpartition(":")
    kind = "audio" if isinstance(error, AudioError) else "line"
    text = message.removeprefix(f"{place}: ")
    if not colon or not line.isdecimal():
        path, line = place, "0"
    return Problem(Path(path), int(line), kind, text, id)


def put(fields: dict[str, Any], name: str, value: Any, where: str) -> None:
    """Add the field ``name`` to ``fields``.

    Raises:
        DataError: the field is there already, with another value.
    """
    if name in fields and fields[name] != value:
        raise DataError(
            f"{where}: two values for the field {name!r}, {fields[name]!r} and {value!r}; "
            "rename or remove one"
        )
    fields[name] = value


def find_audio(name: str, folder: Path, where: str) -> Path:
    """Return the path of the file ``name``, which is relative to ``folder`` or, as many recipes
    write it, to the folder that the command runs in.

    Raises:
        DataError: there is no such file.
    """
    for place in (folder, ""):
        path = os.path.abspath(os.path.join(place, name))
        if os.path.isfile(path):
            return Path(path)
    raise DataError(
        f"{where}: no audio file {name!r}; looked from {folder.absolute()} and {Path.cwd()}"
    )


def one_line(text: str) -> str:
    """Return ``text`` with single spaces and none at the ends; case and characters stay.

    >>> one_line(" Yes,  no ")
    'Yes, no'
    """
    return " ".join(text.split())


def seconds(value: Any, name: str, where: str) -> float:
    """Return ``value``, a number or the text of one, as seconds.

    Raises:
        DataError: it is no number, or is negative or infinite.
    """
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise DataError(f"{where}: {name!r} needs seconds >= 0, got {value!r}")
    return number


def read_utterances(manifest: Path, pieces: bool = False) -> list[Utterance]:
    """Read a manifest, and keep the texts as they are written there, without normalising them.

    Raises:
        DataError: an utterance is a piece of a recording, unless ``pieces`` are allowed.
        DataError: the manifest cannot be used (:func:`asr.data.manifest.read_manifest`), or lists
            an audio file that is not there.
    """
    utterances = read_manifest(manifest)
    lines = read_text(manifest, "manifest").split("\n")
    result = []
    for item in utterances:
        if not item.audio.is_file():
            raise DataError(f"{manifest}:{item.line}: no audio file {item.audio}")
        if item.offset is not None and not pieces:
            raise DataError(
                f"{manifest}:{item.line}: {item.id} is a piece of {item.audio}; cut the pieces "
                f"into files first (asr data import nemo {manifest})"
            )
        text = parse_json(lines[item.line - 1], names=None)["text"]
        result.append(replace(item, text=one_line(text)))
    return result


def cannot_keep(item: Utterance, what: str, format: str) -> DataError:
    """Return the error for something of an utterance (``what``, such as "the id 'a b', which has
    spaces") that ``format`` has no place for."""
    return DataError(f"{format} cannot hold {what} (line {item.line}, {item.id!r})")


def to_cell(value: Any) -> str:
    r"""Return a value of any JSON type as text without line ends: a string as it is if
    :func:`from_cell` gives it back unchanged, else JSON.

    >>> to_cell("en-GB"), to_cell(3), to_cell("3"), to_cell("two\nlines")
    ('en-GB', '3', '"3"', '"two\\nlines"')

    Raises:
        ValueError: the value holds a number that is not finite.
    """
    if isinstance(value, str) and value and value == value.strip() and not CONTROL.search(value):
        if from_cell(value) == value:
            return value
    return json.dumps(value, allow_nan=False)


def from_cell(text: str) -> Any:
    """Return the value that a text stands for: that of its JSON if it is JSON, else the text
    itself.

    >>> from_cell("en-GB"), from_cell("3"), from_cell('"3"'), from_cell("007")
    ('en-GB', 3, '3', '007')
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")
