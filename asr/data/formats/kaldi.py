"""Kaldi's data directories, which have a file for each property of recordings and utterances.

``wav.scp``, ``text``, ``segments``, ``utt2spk``, ``spk2utt`` and ``utt2dur`` are Kaldi's own. Other
files ``utt2FIELD``, such as Kaldi's ``utt2lang``, and ``spk2FIELD``, such as ``spk2gender``, are
further fields of a manifest. Files that Kaldi computes (``feats.scp``, ``cmvn.scp``, …) are not
read.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.counts import counted
from asr.data.formats.item import (
    CONTROL,
    Item,
    cannot_keep,
    find_audio,
    from_cell,
    one_line,
    put,
    seconds,
    to_cell,
)
from asr.data.manifest import Utterance
from asr.errors import DataError, OutputError
from asr.files import read_text, write_folder

SPEAKER = "speaker"
"""The field for a speaker whose name is the id of the utterance: in ``utt2spk`` such a name says
that the speaker is unknown."""
_BLANKS = " \t\r\f\v"
_BLANK = re.compile(f"[{_BLANKS}]+")  # not what else Unicode calls space
_OFFSET = re.compile(r":\d+(\[.*\])?$")
_OWN = {"spk", "dur", SPEAKER}

Table = dict[str, tuple[str, str]]
"""The lines of a file by their first word: file:line, and the rest of the line."""


def read_kaldi(folder: Path) -> list[Item]:
    """Read the utterances of a data directory, in the order of ``segments``, or, without that file,
    of ``wav.scp``.

    Texts are taken as they are. A relative path is looked for in ``folder`` and in the folder that
    the command runs in.

    Raises:
        DataError: a file is missing or broken, an id occurs twice, an utterance has no text, an
            audio file does not exist, or ``wav.scp`` names a command or a place in an archive.
    """
    scp, texts = _read(folder / "wav.scp"), _read(folder / "text")
    has_segments = (folder / "segments").exists()
    places = _read(folder / "segments") if has_segments else scp
    speakers = _speakers(folder)
    durations = _read(folder / "utt2dur") if (folder / "utt2dur").exists() else {}
    for id, (where, _) in texts.items():
        if id not in places:
            name = "segments" if has_segments else "wav.scp"
            raise DataError(f"{where}: utterance {id!r} has a text, but no line in {name}")
    extra = _fields(folder, places, speakers)
    audio: dict[str, Path] = {}
    items = []
    for id, (where, rest) in places.items():
        if id not in texts:
            raise DataError(f"{where}: utterance {id!r} has no line in {folder / 'text'}")
        recording, start, channel, duration = None, None, None, None
        if has_segments:
            recording, start, duration, channel = _segment(where, rest)
            if recording not in scp:
                raise DataError(f"{where}: recording {recording!r} has no line in wav.scp")
        elif id in durations:
            duration = seconds(durations[id][1], "utt2dur", durations[id][0])
        name = recording or id
        if name not in audio:
            audio[name] = _audio(folder, *scp[name])
        speaker = None if speakers.get(id) == id else speakers.get(id)
        if SPEAKER in extra[id]:
            speaker = str(extra[id].pop(SPEAKER))
        items.append(
            Item(
                where=where,
                id=id,
                audio=audio[name],
                text=one_line(texts[id][1]),
                duration=duration,
                start=start,
                channel=channel,
                speaker=speaker,
                recording=recording,
                extra=extra[id],
            )
        )
    return items


def _read(path: Path) -> Table:
    table: Table = {}
    for number, line in enumerate(read_text(path, "Kaldi file").split("\n"), start=1):
        line = line.strip(_BLANKS)
        if not line:
            continue
        name, rest = [*_BLANK.split(line, maxsplit=1), ""][:2]
        if name in table:
            raise DataError(f"{path}:{number}: {name!r} is already in {table[name][0]}")
        table[name] = f"{path}:{number}", rest
    return table


def _audio(folder: Path, where: str, value: str) -> Path:
    if value.endswith("|"):
        names = [
            word
            for word in value[:-1].split()
            if Path(word).suffix and (Path(word).is_file() or (folder / word).is_file())
        ]
        file = names[0] if len(names) == 1 else "the audio file"
        raise DataError(
            f"{where}: a command ({value!r}), which is not run here; write {file} itself, if it is "
            "WAV, FLAC, MP3, Ogg or SPHERE, or run the command and write the file that it gives"
        )
    if value == "-" or (_OFFSET.search(value) and not Path(value).exists()):
        raise DataError(
            f"{where}: {value!r} is not an audio file but a place in an archive or a pipe; copy "
            "the recordings into files (Kaldi: wav-copy) and write their names"
        )
    return find_audio(value, folder, where)


def _segment(where: str, rest: str) -> tuple[str, float, float | None, int | None]:
    """Return the recording, start, duration and channel of a line of ``segments``; the duration is
    None if the segment goes on to the end of the recording, which Kaldi writes as -1."""
    try:
        recording, first, last, *more = _BLANK.split(rest)
        start = seconds(first, "start", where)
        end = None if float(last) == -1 else seconds(last, "end", where)
        channel = int(more[0]) if more else None
        if len(more) > 1 or (end is not None and end <= start) or (channel or 0) < 0:
            raise ValueError
    except ValueError:
        raise DataError(
            f"{where}: needs an utterance, its recording, start and end in seconds and maybe a "
            f"channel, got {rest!r} behind the utterance"
        ) from None
    return recording, start, None if end is None else end - start, channel


def _speakers(folder: Path) -> dict[str, str]:
    """Return the speaker of each utterance by ``utt2spk`` and ``spk2utt``, which have to agree."""
    speakers: dict[str, tuple[str, str]] = {}
    if (folder / "utt2spk").exists():
        for id, (where, speaker) in _read(folder / "utt2spk").items():
            if not speaker or _BLANK.search(speaker):
                raise DataError(f"{where}: needs an utterance and its speaker, got {speaker!r}")
            speakers[id] = where, speaker
    if (folder / "spk2utt").exists():
        for speaker, (where, ids) in _read(folder / "spk2utt").items():
            for id in _BLANK.split(ids):
                other = speakers.setdefault(id, (where, speaker))
                if other[1] != speaker:
                    raise DataError(
                        f"{where}: {id!r} is of speaker {speaker!r}, in {other[0]} of {other[1]!r}"
                    )
    return {id: speaker for id, (_, speaker) in speakers.items()}


def _fields(folder: Path, ids: Table, speakers: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the further fields of each utterance."""
    extra: dict[str, dict[str, Any]] = {id: {} for id in ids}
    for path in sorted(folder.glob("utt2?*")):
        name = path.name.removeprefix("utt2")
        if name in ("spk", "dur"):
            continue
        for id, (where, value) in _read(path).items():
            if id in extra:
                put(extra[id], name, from_cell(value), where)
    for path in sorted(folder.glob("spk2?*")):
        name = path.name.removeprefix("spk2")
        if name == "utt":
            continue
        table = _read(path)
        for id, fields in extra.items():
            if (found := table.get(speakers.get(id, ""))) is not None:
                put(fields, name, from_cell(found[1]), found[0])
    return extra


def write_kaldi(folder: Path, utterances: Sequence[Utterance]) -> list[str]:
    """Write a data directory, sorted as Kaldi needs it, and return notes on what Kaldi's tools may
    refuse in it.

    If the speaker of an utterance is unknown, its id stands for the speaker, as is usual in Kaldi.

    Raises:
        DataError: Kaldi's lines cannot hold an id, a speaker, a path or the name of a field.
        OutputError: the folder is not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there already, and not empty; name a new folder")
    tables: dict[str, dict[str, str]] = {
        name: {} for name in ("wav.scp", "text", "utt2spk", "utt2dur")
    }
    members: dict[str, list[str]] = {}
    for item in sorted(utterances, key=lambda item: item.id.encode()):
        _check(item)
        speaker = item.id if item.speaker is None else item.speaker
        members.setdefault(speaker, []).append(item.id)
        tables["wav.scp"][item.id] = str(item.audio)
        tables["text"][item.id] = item.text
        tables["utt2spk"][item.id] = speaker
        tables["utt2dur"][item.id] = repr(item.duration)
        own = {SPEAKER: item.speaker} if item.speaker == item.id else {}
        for name, value in (item.extra | own).items():
            try:
                tables.setdefault(f"utt2{name}", {})[item.id] = to_cell(value)
            except ValueError as error:
                raise cannot_keep(item, f"the field {name!r} ({error})", "Kaldi") from error
    tables["spk2utt"] = {
        name: " ".join(members[name]) for name in sorted(members, key=lambda name: name.encode())
    }
    lines = {
        name: [f"{key} {value}".rstrip(" ") + "\n" for key, value in table.items()]
        for name, table in tables.items()
    }
    write_folder(folder, {name: "".join(each).encode() for name, each in lines.items()})
    return _notes(utterances, list(tables["utt2spk"].values()))


def _check(item: Utterance) -> None:
    for what, value in (("id", item.id), ("speaker", item.speaker)):
        if value is not None and (not value or _BLANK.search(value) or "\n" in value):
            raise cannot_keep(item, f"the {what} {value!r}, which is empty or has spaces", "Kaldi")
    path = str(item.audio)
    if path != path.strip() or path.endswith("|") or CONTROL.search(path):
        raise cannot_keep(item, f"the path {path!r}", "Kaldi")
    for name in item.extra:
        if name in _OWN or not re.fullmatch(r"[\w.-]+", name):
            raise cannot_keep(item, f"the field {name!r} in a file utt2{name}; rename it", "Kaldi")


def _notes(utterances: Sequence[Utterance], speakers: list[str]) -> list[str]:
    notes = []
    if [name.encode() for name in speakers] != sorted(name.encode() for name in speakers):
        notes.append(
            "sorted by id, speakers are not: Kaldi's validate_data_dir.sh wants ids that begin "
            "with the speaker's"
        )
    if others := sum(item.audio.suffix.lower() != ".wav" for item in utterances):
        notes.append(
            f"{counted(others, 'file')} not WAV: Kaldi's own programs need a command in wav.scp "
            "for these (flac -cds FILE |)"
        )
    return notes
