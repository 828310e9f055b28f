"""Conversion of items of any format to utterances of a manifest, whose clips become files."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from asr.audio.extent import Extent, read_extent
from asr.audio.shared import SharedRecordings
from asr.data.formats.clips import Clip, cut
from asr.data.formats.item import Item, Refuse, leaving_out, put
from asr.data.manifest import DURATION_TOLERANCE, Utterance
from asr.errors import AudioError, DataError
from asr.files import name_as_text
from asr.prefetch import prefetch_map
from asr.recognition.names import safe_name

FIELDS = ("audio_filepath", "offset", "duration", "text", "id", "speaker")
"""The fields that a manifest has itself: a further field cannot have such a name."""
OVERSHOOT = 0.5
"""The seconds by which a clip may end after its recording; the clip is then shortened, as in
Kaldi."""
_BATCH = 32  # recordings that a thread takes at a time
_WAITING = 8  # batches that wait for each thread


@dataclass(frozen=True)
class Collected:
    """The utterances, and the recordings (``sources``) that they come from; the numbers of those
    that are clips which were ``cut`` now, or ``kept`` from an earlier import, and of those whose
    duration was ``mended``: the audio has another one."""

    utterances: list[Utterance]
    sources: list[Path]
    cut: int
    kept: int
    mended: int = 0


def clips_folder(manifest: Path) -> Path:
    """Return the folder of the clips of a manifest, such as ``train-audio`` for ``train.jsonl``."""
    return manifest.absolute().with_name(f"{manifest.stem}-audio")


def collect(items: Iterable[Item], manifest: Path, refuse: Refuse | None = None) -> Collected:
    """Return the utterances of ``items``, in their order, for a manifest that the caller writes.

    Durations are those of what can be decoded, unless the given one is nearly the same. Ids that
    the format does not give become others where they are taken. A manifest lists whole files, so
    each clip of a recording is cut into a file, and its utterance gets the fields ``recording_id``
    and ``recording_start`` (s).

    Args:
        items: from the reader of a format.
        manifest: the path of the manifest, beside which clips are written (:func:`clips_folder`).
        refuse: is called for items that cannot be used, which are then left out; without it, such
            an item is an error.

    Raises:
        DataError: there are no items, an id occurs twice, a further field has the name of one that
            a manifest has itself, or a clip lies beyond its recording.
        AudioError: a recording cannot be read.
    """
    items = _with_ids(list(items))
    if not items:
        raise DataError(f"{manifest}: there is no utterance to write to it")
    extents, shared = _measure(items), SharedRecordings()
    seen: dict[str, str] = {}
    utterances: list[Utterance] = []
    sources: list[Path] = []
    cuts, mended = [0, 0], 0
    for item in items:
        with leaving_out(refuse, item.where, item.id):
            _check(item, seen)
            extent = extents[item.audio]
            if isinstance(extent, AudioError):
                raise AudioError(f"{item.where}: {extent}") from extent
            audio, duration, extra = item.audio, item.duration, dict(item.extra)
            if item.recording not in (None, item.id):
                put(extra, "recording_id", item.recording, item.where)
            clip = _clip(item, extent)
            if clip is not None:
                audio, there = cut(clip, clips_folder(manifest), safe_name(item.id), shared)
                cuts[there] += 1
                extra.setdefault("recording_id", item.recording or name_as_text(item.audio.stem))
                put(extra, "recording_start", round(clip.begin / extent.rate, 6), item.where)
                duration = (clip.end - clip.begin) / extent.rate
            elif duration is None or abs(duration - extent.seconds) > DURATION_TOLERANCE:
                mended += duration is not None and item.start is None
                duration = extent.seconds
            duration = round(duration, 6)
            utterances.append(Utterance(audio, duration, item.text, item.id, item.speaker, extra))
            sources.append(item.audio)
    return Collected(utterances, sources, cuts[False], cuts[True], mended)


def _with_ids(items: list[Item]) -> list[Item]:
    """Return ``items``, of which those that were not named by the format have ids of their own."""
    taken = {item.id for item in items if item.named}
    result = []
    for item in items:
        if not item.named:
            name, number = item.id, 2
            while name in taken:
                name, number = f"{item.id}#{number}", number + 1
            taken.add(name)
            item = item if name == item.id else replace(item, id=name)
        result.append(item)
    return result


def _measure(items: Sequence[Item]) -> dict[Path, Extent | AudioError]:
    paths = list({item.audio: None for item in items})
    batches = [paths[at : at + _BATCH] for at in range(0, len(paths), _BATCH)]
    threads = os.cpu_count() or 1
    found = chain.from_iterable(prefetch_map(_extents, batches, threads, threads * _WAITING))
    return dict(zip(paths, found, strict=True))


def _extents(paths: Sequence[Path]) -> list[Extent | AudioError]:
    found: list[Extent | AudioError] = []
    for path in paths:
        try:
            found.append(read_extent(path))
        except AudioError as error:
            found.append(error)
    return found


def _check(item: Item, seen: dict[str, str]) -> None:
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


def _clip(item: Item, extent: Extent) -> Clip | None:
    """Return the clip that has to be cut, None if the item is the whole file."""
    if item.channel is not None and item.channel >= extent.channels:
        raise DataError(
            f"{item.where}: channel {item.channel} does not exist in {item.audio}, which has "
            f"{extent.channels}"
        )
    channel = item.channel if extent.channels > 1 else None
    if item.start is None and channel is None:
        return None
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
