"""Readers of transcripts in plain text, JSON, Kaldi's ``text``, subtitles and Whisper's tables."""

import html
import math
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from asr.errors import DataError
from asr.evaluation.transcript_line import LineError, Lines, TranscriptLine, add
from asr.files import parse_json
from asr.recognition.names import default_name, distinct_names
from asr.text import normalize

AUDIO = ("audio_filepath", "audio", "path")
REFERENCE = "text"
DISPLAY = "display"
"""The field of the readable form in the output of ``asr transcribe -f json``."""
PREDICTED = re.compile(
    "(pred|predicted|prediction|hyp|hypothesis)(_?text.*|_?transcript.*)?", re.IGNORECASE
)
"""The names of fields that hold what was recognised, beside a reference in ``text``."""
DOUBTFUL = re.compile(
    "(pred|hyp).*|(asr|stt)_?(text|transcript|transcription|output|result)|"
    "(recogni[sz]ed|decoded|transcript|transcription|output|result)(_?(text|output))?",
    re.IGNORECASE,
)
"""The names of fields that may hold it."""
HEAD = ["start", "end", "text"]
"""The columns of the tables that Whisper and ``asr transcribe -f tsv`` write."""

_TIME = r"(?:\d+:)?\d+:\d\d[.,]\d+"
ARROW = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_TAGS = {
    "srt": re.compile(r"</?(?:i|b|u|s|font)\b[^<>]*>|\{\\[^{}]*\}"),
    "vtt": re.compile("<[^>]*>"),
}
ONLY = "1"
"""The id of the only utterance of a file without ids."""


def read_plain(lines: Sequence[str], reference: bool) -> Lines:
    """Read a text from each line; the ids are the numbers of the lines."""
    return {str(number): _line(line) for number, line in enumerate(lines, start=1)}


def _line(text: str) -> TranscriptLine:
    return TranscriptLine(normalize(text), written=text)


def read_kaldi(lines: Sequence[str], reference: bool) -> Lines:
    """Read an id and a text from each line."""
    result: Lines = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            id, _, text = normalize_blanks(line).partition(" ")
            add(result, number, id, _line(text))
    return result


def normalize_blanks(line: str) -> str:
    """Return a line with single spaces between its words, none at the ends."""
    return " ".join(line.split())


def read_srt(lines: Sequence[str], reference: bool) -> Lines:
    """Read SubRip: the texts of all cues are one utterance."""
    texts: list[str] = []
    for line in lines:
        if not ARROW.fullmatch(line):
            texts.append(line)
        elif texts and texts[-1].strip().isdecimal():
            texts.pop()  # the number of the cue
    return _joined(_TAGS["srt"].sub("", text) for text in texts)


def read_vtt(lines: Sequence[str], reference: bool) -> Lines:
    """Read WebVTT: the texts of all cues are one utterance."""
    if not lines or not lines[0].startswith("WEBVTT"):
        raise LineError(1, "needs WEBVTT in its first line")
    texts: list[str] = []
    inside = False
    for line in lines[1:]:
        if ARROW.fullmatch(line):
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            texts.append(html.unescape(_TAGS["vtt"].sub("", line)))
    return _joined(texts)


def read_tsv(lines: Sequence[str], reference: bool) -> Lines:
    """Read a table of start, end and text: all texts are one utterance."""
    if not lines or lines[0].lower().split("\t") != HEAD:
        raise LineError(1, f"needs the columns {', '.join(HEAD)}, separated by tabs")
    texts = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t", 2)
        if len(cells) != len(HEAD) or not all(map(_is_number, cells[:2])):
            if line.strip():
                raise LineError(number, f"needs start, end and text, separated by tabs: {line!r}")
            continue
        texts.append(cells[2])
    return _joined(texts)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) is not None


def _joined(texts: Iterable[str]) -> Lines:
    return {ONLY: _line(" ".join(texts))}


def read_json(lines: Sequence[str], reference: bool) -> Lines:
    """Read JSON Lines, or one JSON object or list that spans all lines.

    A reference is in the field ``text``. A hypothesis is in the field whose name begins with
    ``pred`` or ``hyp``, as NeMo's ``pred_text``; only if no line has such a field, it is in
    ``text``. A file is refused if another of its fields may hold it.
    """
    items = _objects(lines)
    field = REFERENCE if reference else _hypothesis_field(items)
    ids = _ids(items)
    result: Lines = {}
    for (number, values), id in zip(items, ids, strict=True):
        if not isinstance(values.get(field), str):
            what = "is missing" if field not in values else f"is {values[field]!r}"
            fields = f"the field {field!r},"
            if field == REFERENCE and not reference:
                fields = "one of the fields pred_text, hypothesis and text, the last of"
            raise LineError(
                number,
                f'needs a text in {fields} which {what}; write "" where nothing was '
                f"{'said' if reference else 'recognised'}",
            )
        add(result, number, id, _json_line(values, field))
    return result


def _objects(lines: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return the number of the line and the object of each utterance."""
    found: list[tuple[int, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append((number, parse_json(line, AUDIO)))
        except DataError as error:
            if not found:  # it may be one value in several lines
                try:
                    whole = parse_json("\n".join(lines), AUDIO)
                except DataError:
                    raise LineError(number, _as_predicate(error)) from error
                found = [(number, whole)]
                break
            raise LineError(number, _as_predicate(error)) from error
    if len(found) == 1 and isinstance(found[0][1], list) and found[0][1]:
        found = [(found[0][0], item) for item in found[0][1]]
    for number, values in found:
        if not isinstance(values, dict):
            raise LineError(number, f"needs a JSON object, got {type(values).__name__}")
    return found


def _as_predicate(error: DataError) -> str:
    return f"is {error}" if str(error).startswith("not ") else str(error)


def _hypothesis_field(items: Sequence[tuple[int, dict[str, Any]]]) -> str:
    names: dict[str, int] = {}
    doubtful: dict[str, int] = {}
    for number, values in items:
        for name, value in values.items():
            if PREDICTED.fullmatch(name) and isinstance(value, str | None):
                names.setdefault(name, number)
            elif DOUBTFUL.fullmatch(name) and isinstance(value, str):
                doubtful.setdefault(name, number)
    if len(names) > 1:
        raise LineError(
            max(names.values()),
            f"the fields {' and '.join(map(repr, names))} may both hold what was recognised; keep "
            "one of them",
        )
    if doubtful and not names:
        name, number = next(iter(doubtful.items()))
        raise LineError(
            number,
            f"the field {name!r} may hold what was recognised: call it pred_text if it does, "
            "another name if it does not",
        )
    return next(iter(names), REFERENCE)


def _ids(items: Sequence[tuple[int, dict[str, Any]]]) -> list[str]:
    """Return the id of each utterance: its field ``id``, else the default id of a manifest."""
    ids = [None if values.get("id") is None else str(values["id"]) for _, values in items]
    paths = []
    for (number, values), id in zip(items, ids, strict=True):
        audio = next((values[name] for name in AUDIO if isinstance(values.get(name), str)), None)
        if id is None and not audio:
            raise LineError(number, f"needs an id, or one of the fields {', '.join(AUDIO)}")
        if id is None:
            offset, duration = (_number(values.get(name)) for name in ("offset", "duration"))
            paths.append(default_name(posixpath.normpath(str(audio)), offset, duration))
    names = iter(distinct_names(paths, {id for id in ids if id is not None}))
    return [next(names) if id is None else id for id in ids]


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _json_line(values: dict[str, Any], field: str) -> TranscriptLine:
    known = {"id", "speaker", "duration", REFERENCE, DISPLAY, field, *AUDIO}
    more: dict[str, Any] = {
        "fields": {
            name: value
            for name, value in values.items()
            if name not in known
            and not PREDICTED.fullmatch(name)
            and isinstance(value, str | int | float)
        }
    }
    if isinstance(values.get("duration"), int | float):
        more["duration"] = values["duration"]
    speaker = values.get("speaker")
    written = values.get(DISPLAY)
    return TranscriptLine(
        normalize(values[field]),
        None if speaker is None else str(speaker),
        more,
        written=written if isinstance(written, str) else values[field],
    )


Reader = Callable[[Sequence[str], bool], Lines]
"""Reads the lines of a file; True says that it holds references."""
