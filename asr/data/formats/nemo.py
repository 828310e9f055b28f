"""Manifests of NeMo: JSON Lines whose ``offset`` tells where in a recording an utterance begins."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.data.formats.item import Item, Refuse, find_audio, leaving_out, one_line, seconds
from asr.data.formats.jsonl import read_json_lines, write_json_lines
from asr.data.manifest import Utterance
from asr.errors import DataError
from asr.files import name_as_text, read_text


def read_nemo(path: Path, refuse: Refuse | None = None) -> list[Item]:
    """Read the utterances of a NeMo manifest; all further fields are kept.

    The default of ``id`` is the name of the audio file, for a clip with its beginning and end in
    milliseconds, such as ``talk-0012500-0015250``.

    As in NeMo, a line without ``text`` has that of the file ``text_filepath``, or
    ``normalized_text``, or else none. ``refuse`` is called for lines that cannot be used, which are
    then left out; without it, such a line is an error.

    Raises:
        DataError: a line is not JSON, a field is missing or wrong, or an audio file does not exist.
    """
    items = []
    for where, values in read_json_lines(path, "manifest", refuse):
        with leaving_out(refuse, where):
            items.append(_parse(path, where, values))
    return items


def _parse(path: Path, where: str, values: dict[str, Any]) -> Item:
    spelled = [key for key in ("text", "text_filepath", "normalized_text") if key in values][:1]
    for key in ("audio_filepath", *spelled):
        if not isinstance(values.get(key), str):
            raise DataError(f"{where}: {key!r} needs a string, got {values.get(key)!r}")
    audio = find_audio(values.pop("audio_filepath"), path.parent, where)
    text = "".join(values.pop(key) for key in spelled)
    if spelled == ["text_filepath"]:
        text = read_text(path.parent / text, "text")
    duration, offset = values.pop("duration", None), values.pop("offset", None)
    if duration is not None:
        duration = seconds(duration, "duration", where)
    if offset is not None:
        offset = seconds(offset, "offset", where)
    name = name_as_text(audio.stem)
    if offset is not None and duration is not None:
        name += f"-{round(1000 * offset):07}-{round(1000 * (offset + duration)):07}"
    elif offset:
        name += f"-{round(1000 * offset):07}"
    id, speaker = values.pop("id", None), values.pop("speaker", None)
    return Item(
        where=where,
        id=name if id is None else str(id),
        audio=audio,
        text=one_line(text),
        duration=duration,
        start=offset,
        speaker=None if speaker is None else str(speaker),
        extra=values,
        named=id is not None,
    )


def write_nemo(path: Path, utterances: Sequence[Utterance]) -> None:
    """Write a NeMo manifest; audio paths are relative to its folder.

    Raises:
        OutputError: the file cannot be written.
    """
    folder = path.absolute().parent
    lines = []
    for item in utterances:
        values: dict[str, Any] = {
            "audio_filepath": os.path.relpath(item.audio, folder),
            **({} if item.offset is None else {"offset": item.offset}),
            "duration": item.duration,
            "text": item.text,
            "id": item.id,
        }
        if item.speaker is not None:
            values["speaker"] = item.speaker
        lines.append(values | item.extra)
    write_json_lines(path, lines)
