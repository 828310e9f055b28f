"""Readers of references and of the output of any recogniser: trn, ctm, JSON Lines, plain text."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.counts import counted
from asr.errors import DataError
from asr.evaluation.sclite import speaker_of, unescaped
from asr.files import name_as_text, parse_json, read_text
from asr.text import normalize

TRN = re.compile(r"(.*?)\s*\(([^()\s]+)\)\s*")
REFUSED = re.compile(r"[{}()]|(?:^|\s)@(?:\s|$)")
"""Notations of sclite that cannot be scored here: alternatives, optional words, no word."""

AUDIO = ("audio_filepath", "audio", "path")
TEXTS = ("pred_text", "hypothesis", "text")
"""The fields of a JSON line that may hold a hypothesis, the preferred one first; a reference stands
in ``text``."""


@dataclass(frozen=True)
class TranscriptLine:
    """The normalised text of an utterance, its speaker, if known, and what else a file says of it:
    ``duration`` (s) and ``fields`` from JSON, ``words`` (start and end in s, confidence) from
    ctm."""

    text: str
    speaker: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def read_transcripts(path: str | Path, reference: bool) -> dict[str, TranscriptLine]:
    """Read the texts of a file, by the ids of their utterances, in the order of the file.

    The suffix tells the format: ``.trn`` has a text and ``(speaker-utterance)`` in each line,
    ``.ctm`` a word in each line, as NIST defined it, ``.jsonl`` and ``.json`` are manifests or the
    output of ``asr transcribe -f json`` or of NeMo. Any other file has a text in each line, whose
    id is the number of the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "hyp.trn")
    ...     _ = path.write_text("Yes no (ann-u1)\\nstop (bob-u2)\\n")
    ...     texts = read_transcripts(path, reference=False)
    >>> texts["ann-u1"].text, texts["ann-u1"].speaker
    ('yes no', 'ann')

    Args:
        path: of the file.
        reference: whether the texts are references, for which JSON has the field ``text`` alone.

    Raises:
        DataError: the file cannot be read, a line is not of its format, or an id occurs twice.
    """
    path = Path(path)
    lines = read_text(path, "text").splitlines()
    if path.suffix == ".ctm":
        return _read_ctm(path, lines)
    parse = PARSERS.get(path.suffix, _parse_plain)
    result: dict[str, TranscriptLine] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip() and path.suffix in PARSERS:
            continue
        try:
            id, line = parse(text, number, reference)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if id in result:
            raise DataError(
                f"{path}:{number}: a second text of {id!r}; each needs an id of its own"
            )
        result[id] = line
    if not result:
        raise DataError(f"{path}: holds no text")
    return result


def _parse_plain(text: str, number: int, reference: bool) -> tuple[str, TranscriptLine]:
    return str(number), TranscriptLine(normalize(text))


def _parse_trn(text: str, number: int, reference: bool) -> tuple[str, TranscriptLine]:
    match = TRN.fullmatch(text)
    if match is None:
        raise ValueError("needs a text and its id in parentheses at the end: yes no (ann-1)")
    if refused := REFUSED.search(match[1]):
        raise ValueError(
            f"{refused[0].strip()!r} stands for alternatives, optional words or no word, which are "
            "not scored here; write what was said"
        )
    return match[2], TranscriptLine(normalize(unescaped(match[1])), speaker_of(match[2]))


def _parse_json(text: str, number: int, reference: bool) -> tuple[str, TranscriptLine]:
    try:
        values = parse_json(text, AUDIO)
    except DataError as error:
        raise ValueError(f"is {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"needs a JSON object, got {type(values).__name__}")
    names = ("text",) if reference else TEXTS
    found = next((values[name] for name in names if isinstance(values.get(name), str)), None)
    if found is None:
        raise ValueError(f"needs a text in one of the fields {', '.join(names)}")
    audio = next((values[name] for name in AUDIO if isinstance(values.get(name), str)), None)
    id = values.get("id", None if audio is None else name_as_text(Path(audio).stem))
    if id is None:
        raise ValueError(f"needs an id, or one of the fields {', '.join(AUDIO)}")
    speaker = values.get("speaker")
    known = {"id", "speaker", "duration", *AUDIO, *TEXTS}
    more: dict[str, Any] = {
        "fields": {
            name: value
            for name, value in values.items()
            if name not in known and isinstance(value, str | int | float)
        }
    }
    if isinstance(values.get("duration"), int | float):
        more["duration"] = values["duration"]
    return str(id), TranscriptLine(
        normalize(found), None if speaker is None else str(speaker), more
    )


PARSERS: dict[str, Callable[[str, int, bool], tuple[str, TranscriptLine]]] = {
    ".trn": _parse_trn,
    ".jsonl": _parse_json,
    ".json": _parse_json,
}


def _read_ctm(path: Path, lines: list[str]) -> dict[str, TranscriptLine]:
    words: dict[str, list[tuple[float, float, str, float | None]]] = {}
    for number, text in enumerate(lines, start=1):
        fields = text.split()
        if not fields or text.startswith(";;"):
            continue
        try:
            id, _, start, duration, word, *rest = fields
            times = float(start), float(start) + float(duration)
            confidence = float(rest[0]) if rest else None
        except ValueError as error:
            raise DataError(
                f"{path}:{number}: needs an id, a channel, start and duration in seconds, a word "
                f"and maybe its confidence, got {text.strip()!r}"
            ) from error
        if len(rest) > 1 or word.startswith("<"):
            raise DataError(f"{path}:{number}: alternatives are not scored here, got {word!r}")
        words.setdefault(id, []).append((*times, unescaped(word), confidence))
    if not words:
        raise DataError(f"{path}: holds no word")
    ordered = {id: sorted(items, key=lambda item: item[0]) for id, items in words.items()}
    confidences = [confidence for items in ordered.values() for *_, confidence in items]
    sure = all(value is not None and 0 <= value <= 1 for value in confidences)
    return {
        id: TranscriptLine(
            normalize(" ".join(word for _, _, word, _ in items)),
            more={"words": [[start, end, confidence] for start, end, _, confidence in items]}
            if sure
            else {},
        )
        for id, items in ordered.items()
    }


def pair_transcripts(
    references: dict[str, TranscriptLine],
    hypotheses: dict[str, TranscriptLine],
    missing_is_empty: bool,
) -> list[dict[str, Any]]:
    """Return id, speaker, reference and hypothesis of every utterance, and what else is known of
    it.

    With ``missing_is_empty``, a hypothesis that is missing is taken for one without words, as it is
    in a ctm.

    Raises:
        DataError: an utterance is in one of both alone.
    """
    lone = hypotheses.keys() - references.keys()
    if not missing_is_empty:
        lone |= references.keys() - hypotheses.keys()
    if lone:
        example = min(lone)
        side = "reference" if example in references else "hypothesis"
        raise DataError(
            f"{counted(len(lone), 'utterance')} in one file alone: {example!r}, for example, "
            "is only a "
            f"{side}; needs the same ids in both ({len(references)} references, {len(hypotheses)} "
            "hypotheses)"
        )
    timed, empty = any("words" in line.more for line in hypotheses.values()), TranscriptLine("")
    return [
        {
            "id": id,
            "speaker": line.speaker,
            "reference": line.text,
            "hypothesis": hypotheses[id].text if id in hypotheses else "",
            **line.more,
            **({"words": hypotheses.get(id, empty).more.get("words", [])} if timed else {}),
        }
        for id, line in references.items()
    ]
