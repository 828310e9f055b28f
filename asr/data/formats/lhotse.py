"""Manifests of lhotse: recordings and supervisions, or cuts, in JSON Lines, compressed or not.

Fields that lhotse does not have stand in ``custom``. Features and arrays that lhotse computes are
not read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.audio.extent import read_extent
from asr.data.formats.commands import Commands
from asr.data.formats.item import (
    Item,
    Refuse,
    cannot_keep,
    find_audio,
    leaving_out,
    one_line,
    put,
    seconds,
)
from asr.data.formats.jsonl import json_lines, read_json_lines, write_json_lines
from asr.data.manifest import DURATION_TOLERANCE, Utterance
from asr.errors import DataError, OutputError
from asr.files import write_folder

NATIVE = ("language", "gender")
"""The further fields of a manifest that lhotse has itself, as strings."""
ROUNDED = "manifest_duration"
"""The field in ``custom`` for the duration in a manifest if it is, by rounding, longer than the
recording."""
_TOLERANCE = 1e-3  # seconds by which lhotse lets a supervision end after its recording


@dataclass(frozen=True)
class _Recording:
    id: str
    path: Path
    channels: list[int]


def read_lhotse(
    source: Path, refuse: Refuse | None = None, commands: Commands | None = None
) -> list[Item]:
    """Read the utterances of a file of cuts, of a file of supervisions that has the file of its
    recordings beside it (the same name with ``recordings``), or of a folder with one such pair.
    Each supervision is an utterance. ``refuse`` is called for lines and supervisions that cannot be
    used, which are then left out; without it, they are errors. ``commands`` runs the commands that
    write recordings; without it, such a recording is an error.

    Raises:
        DataError: a file is missing or broken, a supervision has no text or recording, audio does
            not lie in files or is transformed while it is read, or a cut is mixed from others.
    """
    if source.is_dir():
        source = _supervisions_in(source)
    lines = list(read_json_lines(source, "lhotse manifest", refuse))
    if not lines:
        raise DataError(f"{source}: the lhotse manifest is empty")
    items: list[Item] = []
    where, first = lines[0]
    if "supervisions" in first or "tracks" in first or first.get("type") == "MonoCut":
        for where, values in lines:
            with leaving_out(refuse, where):
                items += _cut(where, values, source.parent, refuse, commands)
        return items
    if "recording_id" not in first:
        raise DataError(
            f"{where}: neither a cut nor a supervision; give the file of cuts or of supervisions, "
            "or the folder of recordings and supervisions"
        )
    recordings = _recordings(source, refuse, commands)
    for where, values in lines:
        with leaving_out(refuse, where, _id_of(values)):
            recording = recordings.get(str(values.get("recording_id")))
            if recording is None:
                raise DataError(f"{where}: there is no recording {values.get('recording_id')!r}")
            if isinstance(recording, DataError):
                raise recording
            items.append(_supervision(where, values, recording, 0.0, {}))
    return items


def _id_of(values: dict[str, Any]) -> str | None:
    return None if values.get("id") is None else str(values["id"])


def _supervisions_in(folder: Path) -> Path:
    found = sorted(path for path in folder.glob("*supervisions*.jsonl*"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder}: needs one file of supervisions (*supervisions*.jsonl or .jsonl.gz), has "
            f"{names}; give the file instead"
        )
    return found[0]


def _recordings(
    supervisions: Path, refuse: Refuse | None, commands: Commands | None
) -> dict[str, _Recording | DataError]:
    """Return the recordings by their ids, or what is wrong with them."""
    name = supervisions.name.replace("supervisions", "recordings")
    plain = name.removesuffix(".gz")
    paths = [supervisions.with_name(each) for each in (name, plain, plain + ".gz")]
    path = next((each for each in paths if each.exists() and each != supervisions), None)
    if path is None:
        raise DataError(f"{supervisions}: needs the file of its recordings beside it, {name}")
    recordings: dict[str, _Recording | DataError] = {}
    for where, values in read_json_lines(path, "lhotse manifest", refuse):
        id = str(values.get("id"))
        try:
            if id in recordings:
                raise DataError(f"{where}: a second recording {id!r}")
            recordings[id] = _recording(where, values, path.parent, commands)
        except DataError as error:
            if refuse is None:
                raise
            recordings[id] = error
    return recordings


def _recording(
    where: str, values: Any, folder: Path, commands: Commands | None = None
) -> _Recording:
    try:
        id, sources = str(values["id"]), values["sources"]
        kinds = [source["type"] for source in sources]
        if values.get("transforms"):
            raise DataError(
                f"{where}: recording {id!r} is transformed while it is read; store the result with "
                "lhotse's save_audios first"
            )
        if kinds not in (["file"], ["command"]):
            raise DataError(
                f"{where}: recording {id!r} comes from {kinds}, needs one file; store it with "
                "lhotse's save_audios first"
            )
        (source,) = sources
        name = str(source["source"])
        channels = [int(channel) for channel in source["channels"]]
        if kinds == ["file"]:
            return _Recording(id, find_audio(name, folder, where), channels)
        if commands is None:
            raise DataError(
                f"{where}: recording {id!r} is what a command writes ({name!r}), which is not run "
                "here unless asked to: give --run-commands if you trust it, or store the recording "
                "with lhotse's save_audios first"
            )
        return _Recording(id, commands.run(name, id, where), channels)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: not a recording of lhotse's ({error!r})") from error


def _cut(
    where: str,
    values: dict[str, Any],
    folder: Path,
    refuse: Refuse | None,
    commands: Commands | None,
) -> list[Item]:
    kind = values.get("type", "MonoCut")
    if kind not in ("MonoCut", "MultiCut"):
        raise DataError(
            f"{where}: a {kind}, which is mixed or padded from others; store it with lhotse's "
            "save_audios first"
        )
    if not isinstance(values.get("recording"), dict):
        raise DataError(f"{where}: the cut has no recording")
    recording = _recording(where, values["recording"], folder, commands)
    start = seconds(values.get("start", 0), "start", where)
    supervisions = values.get("supervisions") or []
    if not supervisions:
        raise DataError(f"{where}: the cut has no supervision, and so no text")
    if not isinstance(supervisions, list):
        raise DataError(f"{where}: 'supervisions' needs to be a list of JSON objects")
    items = []
    for supervision in supervisions:
        id = _id_of(supervision) if isinstance(supervision, dict) else None
        with leaving_out(refuse, where, id):
            _check_mappings(where, supervision, values.get("custom"))
            custom = dict(values.get("custom") or {})
            if values.get("id") not in (None, supervision.get("id"), recording.id):
                put(custom, "cut_id", values["id"], where)
            items.append(_supervision(where, supervision, recording, start, custom))
    return items


def _check_mappings(where: str, supervision: Any, *customs: Any) -> None:
    if not isinstance(supervision, dict) or not all(isinstance(c or {}, dict) for c in customs):
        raise DataError(f"{where}: a supervision and 'custom' need to be JSON objects")


def _supervision(
    where: str, values: dict[str, Any], recording: _Recording, offset: float, extra: dict[str, Any]
) -> Item:
    """Return the utterance of a supervision, whose times count from ``offset`` (s) in the
    recording."""
    _check_mappings(where, values, values.get("custom"))
    id, text, speaker = values.get("id"), values.get("text"), values.get("speaker")
    if id is None or not isinstance(text, str):
        raise DataError(f"{where}: supervision {id!r} needs an id and a text, got {text!r}")
    extra = dict(extra)
    for name, value in (values.get("custom") or {}).items():
        put(extra, name, value, where)
    for name in NATIVE:
        if values.get(name) is not None:
            put(extra, name, values[name], where)
    try:
        begin = float(values["start"])
        start = round(offset + begin, 6)
        if not math.isfinite(start):
            raise ValueError("start")
        duration = seconds(values["duration"], "duration", where)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: supervision {id!r} needs start and duration") from error
    if start < -_TOLERANCE or begin < -_TOLERANCE:
        raise DataError(
            f"{where}: supervision {id!r} begins before its cut or recording; cut it anew with "
            "lhotse's trim_to_supervisions"
        )
    start = max(0.0, start)
    if values.get("alignment"):
        put(extra, "alignment", _shifted(values["alignment"], begin, where), where)
    return Item(
        where=where,
        id=str(id),
        audio=recording.path,
        text=one_line(text),
        duration=seconds(extra.pop(ROUNDED, duration), ROUNDED, where),
        start=start,
        channel=_channel(where, values.get("channel", 0), recording),
        speaker=None if speaker is None else str(speaker),
        recording=recording.id,
        extra=extra,
    )


def _channel(where: str, channel: Any, recording: _Recording) -> int | None:
    """Return which channel of the file (from 0) is meant, None for all of them."""
    wanted = channel if isinstance(channel, list) else [channel]
    if wanted == recording.channels:
        return None
    if len(wanted) != 1 or wanted[0] not in recording.channels:
        raise DataError(
            f"{where}: channels {wanted} of {recording.channels}; needs one of them, or all"
        )
    return recording.channels.index(wanted[0])


def _shifted(alignment: dict[str, list[Any]], start: float, where: str) -> dict[str, list[Any]]:
    """Return an alignment (symbols, starts, durations and maybe scores) with the starts counted
    from ``start`` (s)."""
    try:
        return {
            kind: [[symbol, round(begin - start, 6), *rest] for symbol, begin, *rest in items]
            for kind, items in alignment.items()
        }
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{where}: not an alignment of lhotse's ({error})") from error


def write_lhotse(path: Path, utterances: Sequence[Utterance]) -> None:
    """Write a file of cuts if ``path`` ends in ``.jsonl`` or ``.jsonl.gz``, else a folder with
    ``recordings.jsonl.gz`` and ``supervisions.jsonl.gz``.

    Raises:
        DataError: a duration is not that of the audio, or a number is not finite.
        AudioError: a file is not usable as audio.
        OutputError: the folder is not empty, or cannot be written.
    """
    as_cuts = path.name.endswith((".jsonl", ".jsonl.gz"))
    if not as_cuts and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(f"{path} is there already, and not empty; name a new folder")
    pairs = [_described(item) for item in utterances]
    if as_cuts:
        write_json_lines(path, [_as_cut(*pair) for pair in pairs])
        return
    names = ("recordings.jsonl.gz", "supervisions.jsonl.gz")
    parts = zip(names, zip(*pairs, strict=True), strict=True)
    write_folder(path, {name: json_lines(name, values) for name, values in parts})


def _described(item: Utterance) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the recording and the supervision of an utterance, both with its id."""
    extent = read_extent(item.audio)
    if abs(extent.seconds - item.duration) > DURATION_TOLERANCE:
        what = f"a duration of {item.duration:.3f} s for audio of {extent.seconds:.3f} s"
        raise cannot_keep(item, f"{what}; mend it (asr data validate)", "lhotse")
    channels = list(range(extent.channels))
    recording = {
        "id": item.id,
        "sources": [{"type": "file", "channels": channels, "source": str(item.audio)}],
        "sampling_rate": extent.rate,
        "num_samples": extent.frames,
        "duration": extent.seconds,
        "channel_ids": channels,
    }
    supervision: dict[str, Any] = {
        "id": item.id,
        "recording_id": item.id,
        "start": 0.0,
        "duration": item.duration,
        "channel": channels if len(channels) > 1 else 0,
        "text": item.text,
    }
    if item.speaker is not None:
        supervision["speaker"] = item.speaker
    custom = dict(item.extra)
    for name in NATIVE:
        if isinstance(custom.get(name), str):
            supervision[name] = custom.pop(name)
    if _is_alignment(custom.get("alignment")):
        supervision["alignment"] = custom.pop("alignment")
    if item.duration > extent.seconds + _TOLERANCE / 2:
        put(custom, ROUNDED, item.duration, item.id)
        supervision["duration"] = extent.seconds
    if custom:
        supervision["custom"] = custom
    return recording, supervision


def _is_alignment(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            isinstance(items, list)
            and all(
                isinstance(item, list)
                and len(item) in (3, 4)
                and isinstance(item[0], str)
                and all(type(number) in (int, float) for number in item[1:3])
                for item in items
            )
            for items in value.values()
        )
    )


def _as_cut(recording: dict[str, Any], supervision: dict[str, Any]) -> dict[str, Any]:
    several = len(recording["channel_ids"]) > 1
    return {
        "id": recording["id"],
        "start": 0.0,
        "duration": recording["duration"],
        "channel": recording["channel_ids"] if several else 0,
        "supervisions": [supervision],
        "recording": recording,
        "type": "MultiCut" if several else "MonoCut",
    }
