"""Manifests: lists of utterances in JSON Lines, with paths relative to the manifest's folder.

    {"audio_filepath": "wav/a.wav", "duration": 2.31, "text": "yes", "id": "a", "speaker": "s1"}

``audio_filepath``, ``duration`` (s) and ``text`` are needed; the latter two may be missing where a
manifest only names recordings. With ``offset`` (s), the utterance is a piece of the recording,
which begins there and lasts ``duration``, or, if that is missing, until the end. ``id`` is by
default the name of the file without its suffix, for a piece with its beginning and end in
milliseconds, such as ``talk-0012500-0015250``; where several utterances would have the same, the
folders are added that tell them apart, and a number if nothing does. Every further field is kept.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asr.audio.inputs import Piece
from asr.errors import DataError
from asr.files import parse_json, read_text, to_json, write_atomically
from asr.recognition.names import default_name, distinct_names
from asr.text import Vocabulary, min_frames, normalize

DURATION_TOLERANCE = 0.05
"""The seconds by which the duration in a manifest may differ from that of the audio."""


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest: ``audio`` is a full path, ``duration`` is in seconds, ``text`` is
    normalised, ``extra`` holds further fields, and ``line`` counts from 1 (0 if the utterance was
    not read from a file). With an ``offset`` (s), the utterance is the piece of the recording that
    begins there."""

    audio: Path
    duration: float
    text: str
    id: str
    speaker: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    line: int = 0
    offset: float | None = None

    @property
    def source(self) -> Path | Piece:
        """The recording, or the piece of it, that is to be read."""
        if self.offset is None:
            return self.audio
        return Piece(self.audio, self.offset, self.duration or None)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with one line of a manifest or of another file; ``line`` is 0 if it
    is wrong with all of the file, and ``id`` is None if the line does not name an utterance."""

    path: Path
    line: int
    kind: str
    message: str
    id: str | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        name = "" if self.id is None else f"{self.id}: "
        return f"{where}: {name}{self.message}"


def read_manifest(path: str | Path, transcribed: bool = True) -> list[Utterance]:
    """Read all utterances of a manifest, in its order.

    Unless recordings are ``transcribed``, ``text`` and ``duration`` may be missing or null; they
    are then empty and 0.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.jsonl")
    ...     write_manifest(path, [Utterance(Path(folder, "wav/a.wav"), 2.31, "yes", "a", "s1")])
    ...     (item,) = read_manifest(path)
    >>> item.text, item.duration, item.speaker, item.audio.name
    ('yes', 2.31, 's1', 'a.wav')

    Raises:
        DataError: a missing file, broken JSON, a missing or wrong field, or an id that occurs
            twice; the message names the file and the line.
    """
    utterances, problems = scan_manifest(path, transcribed)
    if problems:
        raise DataError(str(problems[0]))
    return utterances


def scan_manifest(
    path: str | Path, transcribed: bool = True
) -> tuple[list[Utterance], list[Problem]]:
    """Read the utterances of a manifest, and return them with the problems of its lines.

    A line that cannot be read is a problem of kind ``line``, and an id that occurs twice is one of
    kind ``id``; utterances with such an id are returned, too.

    Raises:
        DataError: the file is missing, or all its lines are blank.
    """
    path = Path(path)
    lines = read_text(path, "manifest").split("\n")  # JSON may hold other separators
    folder = str(path.absolute().parent)
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            utterance = parse_line(folder, number, line, transcribed)
        except DataError as error:
            problems.append(Problem(path, number, "line", str(error)))
            continue
        utterances.append(utterance)
    if not utterances and not problems:
        raise DataError(f"{path}: the manifest holds no utterance")
    utterances = _with_default_ids(utterances)
    first_line: dict[str, int] = {}
    for item in utterances:
        first = first_line.setdefault(item.id, item.line)
        if first != item.line:
            message = f"its id is already in line {first}; give each utterance an id of its own"
            problems.append(Problem(path, item.line, "id", message, item.id))
    return utterances, sorted(problems, key=lambda problem: problem.line)


def _with_default_ids(utterances: list[Utterance]) -> list[Utterance]:
    """Give an id to the utterances that have none, each another than all others."""
    places = [place for place, item in enumerate(utterances) if not item.id]
    if not places:
        return utterances
    taken = {item.id for item in utterances if item.id}
    items = [utterances[place] for place in places]
    paths = [default_name(str(item.audio), item.offset, item.duration) for item in items]
    names = distinct_names(paths, taken)
    for place, name in zip(places, names, strict=True):
        utterances[place] = replace(utterances[place], id=name)
    return utterances


def parse_line(folder: str, number: int, line: str, transcribed: bool = True) -> Utterance:
    """Return the utterance of a ``line`` with this ``number`` (from 1) of a manifest in ``folder``
    (a full path); its id is empty if the line has none.

    Raises:
        DataError: broken JSON, or a missing or wrong field.
    """
    values = parse_json(line, ("audio_filepath",))
    if not isinstance(values, dict):
        raise DataError(f"needs a JSON object, got {type(values).__name__}")
    given_duration = values.get("duration")
    if not transcribed:
        for key, value in (("duration", 0.0), ("text", "")):
            values[key] = value if values.get(key) is None else values[key]
    wanted: dict[str, tuple[type, ...]] = {
        "audio_filepath": (str,),
        "duration": (int, float),
        "text": (str,),
    }
    for key, kinds in wanted.items():
        if key not in values:
            raise DataError(f"the field {key!r} is missing")
        if not isinstance(values[key], kinds) or isinstance(values[key], bool):
            raise DataError(f"{key!r} needs {kinds[-1].__name__}, got {values[key]!r}")
    if not 0 <= values["duration"] < float("inf"):
        raise DataError(f"'duration' is {values['duration']}, needs seconds >= 0")
    offset = values.pop("offset", None)
    if offset is not None:
        if not isinstance(offset, int | float) or isinstance(offset, bool):
            raise DataError(f"'offset' needs float, got {offset!r}")
        if not 0 <= offset < float("inf"):
            raise DataError(f"'offset' is {offset}, needs seconds >= 0")
        if given_duration == 0:
            raise DataError("'duration' is 0, but a piece with an 'offset' needs seconds > 0")
    audio = Path(os.path.normpath(os.path.join(folder, values.pop("audio_filepath"))))
    id, speaker = values.pop("id", None), values.pop("speaker", None)
    return Utterance(
        audio=audio,
        duration=float(values.pop("duration")),
        text=normalize(values.pop("text")),
        id="" if id is None else str(id),
        speaker=None if speaker is None else str(speaker),
        extra=values,
        line=number,
        offset=None if offset is None else float(offset),
    )


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest whole or not at all; audio paths become relative to its folder.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    folder = str(path.absolute().parent)
    lines = []
    for item in utterances:
        values: dict[str, Any] = {
            "audio_filepath": relative_name(item.audio, folder),
            **({} if item.offset is None else {"offset": item.offset}),
            "duration": round(item.duration, 6),
            "text": item.text,
            "id": item.id,
        }
        if item.speaker is not None:
            values["speaker"] = item.speaker
        lines.append(to_json(values | item.extra) + "\n")
    write_atomically(path, "".join(lines))


def relative_name(path: Path, folder: str) -> str:
    """Return the name of a file relative to a folder; both are absolute.

    >>> relative_name(Path("/data/wav/a.wav"), "/data"), relative_name(Path("/a.wav"), "/data")
    ('wav/a.wav', '../a.wav')
    """
    name = str(path)
    if name.startswith(folder + os.sep) and os.pardir not in name:
        return name[len(folder) + 1 :]  # relpath takes ten times as long
    return os.path.relpath(name, folder)


def unknown_characters(
    path: Path, utterances: Iterable[Utterance], vocabulary: Vocabulary
) -> list[Problem]:
    """Return a problem for each utterance whose text, normalised as ``vocabulary`` needs it, has
    characters that are not in ``vocabulary``; ``path`` is that of the manifest."""
    problems = []
    for item in utterances:
        if unknown := vocabulary.unknown_characters(vocabulary.normalize(item.text)):
            message = f"characters {' '.join(map(repr, unknown))} outside the vocabulary"
            problems.append(Problem(path, item.line, "characters", message, item.id))
    return problems


def fits(item: Utterance, vocabulary: Vocabulary, num_frames: Callable[[float], int]) -> bool:
    """Return whether CTC can emit the text of an utterance; ``num_frames`` maps its duration (s) to
    a number of frames."""
    ids = vocabulary.encode(vocabulary.normalize(item.text))
    return min_frames(ids) <= num_frames(item.duration)


def set_of(utterance: Utterance) -> str:
    """Return the field ``set`` of an utterance's line, empty if it has none."""
    return str(utterance.extra.get("set", ""))
