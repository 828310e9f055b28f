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
from asr.data.formats.commands import Commands
from asr.data.formats.item import (
    CONTROL,
    Item,
    Refuse,
    cannot_keep,
    find_audio,
    from_cell,
    leaving_out,
    one_line,
    put,
    seconds,
    to_cell,
)
from asr.data.manifest import Utterance
from asr.errors import DataError, OutputError
from asr.files import check_row, read_text, write_folder

SPEAKER = "speaker"
"""The field for a speaker whose name is the id of the utterance: in ``utt2spk`` such a name says
that the speaker is unknown."""
_BLANKS = " \t\r\f\v"
_BLANK = re.compile(f"[{_BLANKS}]+")  # not what else Unicode calls space
_OFFSET = re.compile(r":\d+(\[.*\])?$")
_OWN = {"spk", "dur", SPEAKER}


class Table(dict[str, tuple[str, str]]):
    """The lines of a file by their first word: file:line, and the rest of the line; and the
    ``faults`` of those that stand there twice or are not UTF-8."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, str] = {}

    def line(self, id: str) -> tuple[str, str] | None:
        """Return the line of ``id``, or None.

        Raises:
            DataError: there are two, or it is not UTF-8.
        """
        if id in self.faults:
            raise DataError(self.faults[id])
        return self.get(id)


def read_kaldi(
    folder: Path, refuse: Refuse | None = None, commands: Commands | None = None
) -> list[Item]:
    """Read the utterances of a data directory, in the order of ``segments``, or, without that file,
    of ``wav.scp``.

    Texts are taken as they are. A relative path is looked for in ``folder`` and in the folder that
    the command runs in.

    Args:
        folder: the data directory.
        refuse: is called for utterances that cannot be used, which are then left out; without it,
            such an utterance is an error.
        commands: runs the commands of ``wav.scp``; without it, a command is an error.

    Raises:
        DataError: a file is missing or broken, an id occurs twice, an utterance has no text, an
            audio file does not exist, or ``wav.scp`` names a command or a place in an archive.
    """
    scp, texts = _read(folder / "wav.scp"), _read(folder / "text")
    has_segments = (folder / "segments").exists()
    places = _read(folder / "segments") if has_segments else scp
    durations = _read(folder / "utt2dur") if (folder / "utt2dur").exists() else Table()
    speakers, faults = _speakers(folder)
    for id, (where, _) in texts.items():
        if id not in places:
            with leaving_out(refuse, where, id):
                texts.line(id)
                name = "segments" if has_segments else "wav.scp"
                raise DataError(f"{where}: utterance {id!r} has a text, but no line in {name}")
    extra = _fields(folder, places, speakers, faults)
    audio: dict[str, Path | DataError] = {}
    items = []
    for id, (where, rest) in places.items():
        with leaving_out(refuse, where, id):
            if id in faults:
                raise DataError(faults[id])
            places.line(id)
            if (text := texts.line(id)) is None:
                raise DataError(f"{where}: utterance {id!r} has no line in {folder / 'text'}")
            recording, start, channel, duration = None, None, None, None
            if has_segments:
                recording, start, duration, channel = _segment(where, rest)
                if scp.line(recording) is None:
                    raise DataError(f"{where}: recording {recording!r} has no line in wav.scp")
            elif (found := durations.line(id)) is not None:
                duration = seconds(found[1], "utt2dur", found[0])
            name = recording or id
            if name not in audio:
                audio[name] = _audio_or_error(folder, name, *scp[name], commands)
            path = audio[name]
            if isinstance(path, DataError):
                raise path
            speaker = None if speakers.get(id) == id else speakers.get(id)
            if SPEAKER in extra[id]:
                speaker = str(extra[id].pop(SPEAKER))
            items.append(
                Item(
                    where=where,
                    id=id,
                    audio=path,
                    text=one_line(text[1]),
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
    table = Table()
    lines = read_text(path, "Kaldi file", "surrogateescape").split("\n")
    for number, line in enumerate(lines, start=1):
        line = line.strip(_BLANKS)
        if not line:
            continue
        where = f"{path}:{number}"
        name, rest = [*_BLANK.split(line, maxsplit=1), ""][:2]
        if name in table:
            table.faults.setdefault(name, f"{where}: {name!r} is already in {table[name][0]}")
            continue
        table[name] = where, rest
        try:
            check_row(name if path.name == "wav.scp" else line, where)  # names of files may be any
        except DataError as error:
            table.faults[name] = str(error)
    return table


def _audio_or_error(
    folder: Path, id: str, where: str, value: str, commands: Commands | None
) -> Path | DataError:
    try:
        return _audio(folder, id, where, value, commands)
    except DataError as error:
        return error


def _audio(folder: Path, id: str, where: str, value: str, commands: Commands | None) -> Path:
    if value.endswith("|"):
        command = value[:-1].strip()
        if commands is not None:
            return commands.run(command, id, where)
        raise DataError(
            f"{where}: a command ({value!r}), which is not run here unless asked to: give "
            "--run-commands if you trust it, or run it yourself and write the name of the file "
            "that it gives"
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


def _speakers(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the speaker of each utterance by ``utt2spk`` and ``spk2utt``, which have to agree, and
    the faults of utterances for which that fails."""
    speakers: dict[str, tuple[str, str]] = {}
    faults: dict[str, str] = {}
    if (folder / "utt2spk").exists():
        table = _read(folder / "utt2spk")
        faults |= table.faults
        for id, (where, speaker) in table.items():
            if not speaker or _BLANK.search(speaker):
                faults[id] = f"{where}: needs an utterance and its speaker, got {speaker!r}"
            speakers[id] = where, speaker
    if (folder / "spk2utt").exists():
        for speaker, (where, ids) in _read(folder / "spk2utt").items():
            for id in _BLANK.split(ids):
                other = speakers.setdefault(id, (where, speaker))
                if other[1] != speaker:
                    fault = f"{where}: {id!r} is of speaker {speaker!r}, in {other[0]} of "
                    faults.setdefault(id, f"{fault}{other[1]!r}")
    return {id: speaker for id, (_, speaker) in speakers.items()}, faults


def _fields(
    folder: Path, ids: Table, speakers: dict[str, str], faults: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the further fields of each utterance; add to ``faults`` those that have two values."""
    extra: dict[str, dict[str, Any]] = {id: {} for id in ids}

    def add(id: str, name: str, found: tuple[str, str]) -> None:
        try:
            put(extra[id], name, from_cell(found[1]), found[0])
        except DataError as error:
            faults.setdefault(id, str(error))

    for path in sorted(folder.glob("utt2?*")):
        name = path.name.removeprefix("utt2")
        if name in ("spk", "dur"):
            continue
        table = _read(path)
        for id, fault in table.faults.items():
            faults.setdefault(id, fault)
        for id, found in table.items():
            if id in extra:
                add(id, name, found)
    for path in sorted(folder.glob("spk2?*")):
        name = path.name.removeprefix("spk2")
        if name == "utt":
            continue
        table = _read(path)
        for id in extra:
            speaker = speakers.get(id, "")
            if speaker in table.faults:
                faults.setdefault(id, table.faults[speaker])
            elif speaker in table:
                add(id, name, table[speaker])
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
