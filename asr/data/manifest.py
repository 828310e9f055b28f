"""Manifests: JSON Lines, one utterance a line, audio paths relative to the manifest's folder.

    {"audio_filepath": "wav/a.wav", "duration": 2.31, "text": "yes", "id": "a", "speaker": "s1"}

``audio_filepath``, ``duration`` (s) and ``text`` are needed, the latter two only where a transcript
is; ``id`` defaults to the file's stem; every further field is kept.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.files import read_text, write_atomically
from asr.text import Vocabulary, min_frames, normalize

DURATION_TOLERANCE = 0.05
"""Seconds between a manifest's duration and the audio's."""


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest; ``audio`` is a full path, ``text`` is normalised, ``line`` counts
    from 1 (0: not read from a file)."""

    audio: Path
    duration: float
    text: str
    id: str
    speaker: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line of a manifest or another file (0: with all of it); ``id`` is the
    utterance's, None where the line gives none."""

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
    """All utterances of a manifest, in its order. Of recordings that are not ``transcribed``,
    ``text`` and ``duration`` may be missing: empty and 0.

    Raises:
        DataError: missing file, broken JSON, a missing or wrong field, an id that occurs twice;
            the message names file and line.
    """
    utterances, problems = scan_manifest(path, transcribed)
    if problems:
        raise DataError(str(problems[0]))
    return utterances


def scan_manifest(
    path: str | Path, transcribed: bool = True
) -> tuple[list[Utterance], list[Problem]]:
    """The utterances of the lines that can be read, and what is wrong with the others (kind
    ``line``) and with ids that occur twice (kind ``id``; these utterances are there, too).

    Raises:
        DataError: missing file, or no line that is not blank.
    """
    path = Path(path)
    lines = read_text(path, "manifest").split("\n")  # JSON may hold other separators
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            utterance = _parse(path, number, line, transcribed)
        except DataError as error:
            problems.append(Problem(path, number, "line", str(error)))
            continue
        first = first_line.setdefault(utterance.id, number)
        if first != number:
            message = f"its id stands already in line {first}; give each utterance an id of its own"
            problems.append(Problem(path, number, "id", message, utterance.id))
        utterances.append(utterance)
    if not utterances and not problems:
        raise DataError(f"{path}: the manifest holds no utterance")
    return utterances, problems


def _parse(path: Path, number: int, line: str, transcribed: bool) -> Utterance:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON ({error.msg} at column {error.colno})") from error
    if not isinstance(values, dict):
        raise DataError(f"needs a JSON object, got {type(values).__name__}")
    if not transcribed:
        values = {"duration": 0.0, "text": "", **values}
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
    audio = Path(os.path.normpath(path.absolute().parent / values.pop("audio_filepath")))
    speaker = values.pop("speaker", None)
    return Utterance(
        audio=audio,
        duration=float(values.pop("duration")),
        text=normalize(values.pop("text")),
        id=str(values.pop("id", audio.stem)),
        speaker=None if speaker is None else str(speaker),
        extra=values,
        line=number,
    )


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest whole or not at all; audio paths become relative to its folder."""
    path = Path(path)
    folder = path.absolute().parent
    lines = []
    for item in utterances:
        values: dict[str, Any] = {
            "audio_filepath": os.path.relpath(item.audio, folder),
            "duration": round(item.duration, 6),
            "text": item.text,
            "id": item.id,
        }
        if item.speaker is not None:
            values["speaker"] = item.speaker
        lines.append(json.dumps(values | item.extra, ensure_ascii=False) + "\n")
    write_atomically(path, "".join(lines))


def unknown_characters(
    path: Path, utterances: Sequence[Utterance], vocabulary: Vocabulary
) -> list[Problem]:
    """The lines whose text, in the form of ``vocabulary``, has characters outside it."""
    problems = []
    for item in utterances:
        if unknown := vocabulary.unknown_characters(vocabulary.normalize(item.text)):
            message = f"characters {' '.join(map(repr, unknown))} outside the vocabulary"
            problems.append(Problem(path, item.line, "characters", message, item.id))
    return problems


def fits(item: Utterance, vocabulary: Vocabulary, num_frames: Callable[[float], int]) -> bool:
    """Whether CTC can emit the text on the frames that ``num_frames`` gives for the seconds."""
    ids = vocabulary.encode(vocabulary.normalize(item.text))
    return min_frames(ids) <= num_frames(item.duration)
