"""Conversion of items of any format to utterances of a manifest, whose clips become files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asr.data.formats.clips import Clip, Extent, cut, read_extent
from asr.data.formats.item import Item, put
from asr.data.manifest import DURATION_TOLERANCE, Utterance
from asr.errors import AudioError, DataError
from asr.files import name_as_text

FIELDS = ("audio_filepath", "duration", "text", "id", "speaker")
"""The fields that a manifest has itself: a further field cannot have such a name."""
OVERSHOOT = 0.5
"""The seconds by which a clip may end after its recording; the clip is then shortened, as in
Kaldi."""
_UNSAFE = re.compile(r'[\x00-\x1f%/\\:*?"<>|]')


@dataclass(frozen=True)
class Collected:
    """The utterances, and the numbers of those that are clips which were ``cut`` now, or ``kept``
    from an earlier import."""

    utterances: list[Utterance]
    cut: int
    kept: int


def clips_folder(manifest: Path) -> Path:
    """Return the folder of the clips of a manifest, such as ``train-audio`` for ``train.jsonl``."""
    return manifest.absolute().with_name(f"{manifest.stem}-audio")


def collect(items: Iterable[Item], manifest: Path) -> Collected:
    """Return the utterances of ``items``, in their order, for a manifest that the caller writes.

    Missing durations are read from the headers of the audio. A manifest lists whole files, so each
    clip of a recording is cut into a file, and its utterance gets the fields ``recording_id`` and
    ``recording_start`` (s).

    Args:
        items: from the reader of a format.
        manifest: the path of the manifest, beside which clips are written (:func:`clips_folder`).

    Raises:
        DataError: there are no items, an id occurs twice, a further field has the name of one that
            a manifest has itself, or a clip lies beyond its recording.
        AudioError: a recording cannot be read.
    """
    items = list(items)
    _check(items, manifest)
    extents: dict[Path, Extent] = {}
    utterances, counts = [], [0, 0]
    for item in items:
        audio, duration, extra = item.audio, item.duration, dict(item.extra)
        if item.recording not in (None, item.id):
            put(extra, "recording_id", item.recording, item.where)
        if item.start is not None or item.channel is not None or duration is None:
            extent = extents.get(audio)
            if extent is None:
                extent = extents[audio] = _measured(item)
            clip = _clip(item, extent)
            if clip is not None:
                audio, there = cut(clip, clips_folder(manifest), _file_name(item.id))
                counts[there] += 1
                extra.setdefault("recording_id", item.recording or name_as_text(item.audio.stem))
                put(extra, "recording_start", round(clip.begin / extent.rate, 6), item.where)
                duration = (clip.end - clip.begin) / extent.rate
            elif duration is None or duration > extent.seconds + DURATION_TOLERANCE:
                duration = extent.seconds
        assert duration is not None
        duration = round(duration, 6)
        utterances.append(Utterance(audio, duration, item.text, item.id, item.speaker, extra))
    return Collected(utterances, *counts)


def _check(items: list[Item], manifest: Path) -> None:
    if not items:
        raise DataError(f"{manifest}: there is no utterance to write to it")
    seen: dict[str, str] = {}
    for item in items:
        if item.id in seen:
            raise DataError(
                f"{item.where}: id {item.id!r} is already in {seen[item.id]}; give each "
                "utterance an id of its own"
            )
        seen[item.id] = item.where
        for name in FIELDS:
            if name in item.extra:
                raise DataError(
                    f"{item.where}: a further field cannot be called {name!r}, which a manifest "
                    "has itself; rename it"
                )


def _measured(item: Item) -> Extent:
    try:
        return read_extent(item.audio)
    except AudioError as error:
        raise AudioError(f"{item.where}: {error}") from error


def _clip(item: Item, extent: Extent) -> Clip | None:
    """Return the clip that has to be cut, None if the item is the whole file."""
    if item.channel is not None and item.channel >= extent.channels:
        raise DataError(
            f"{item.where}: channel {item.channel} does not exist in {item.audio}, which has "
            f"{extent.channels}"
        )
    channel = item.channel if extent.channels > 1 else None
    start = item.start or 0.0
    end = extent.seconds if item.duration is None else start + item.duration
    if item.start is None:  # a channel of the whole file
        end = extent.seconds
    if start > extent.seconds or end > extent.seconds + OVERSHOOT or end <= start:
        raise DataError(
            f"{item.where}: {item.id} lies from {start:.3f} to {end:.3f} s in {item.audio}, which "
            f"has {extent.seconds:.3f} s"
        )
    from_start = start <= DURATION_TOLERANCE / 2
    if channel is None and from_start and end >= extent.seconds - DURATION_TOLERANCE - 1e-9:
        return None
    frames = round(start * extent.rate), min(round(end * extent.rate), extent.frames)
    if frames[0] >= frames[1]:
        raise DataError(f"{item.where}: {item.id} holds no sample of {item.audio}")
    return Clip(item.audio, *frames, channel)


def _file_name(id: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", id)
