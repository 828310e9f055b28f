"""Resuming: what a run was begun with is recorded, and compared with what it would go on with.

The record of a run is ``data.json`` in its folder. It holds the vocabulary, the lines of the
manifests, and the state of each file: its size, its times and, unless all files together are
larger than ``HASHED``, its SHA-256. A file whose size and times are as they were is not read again.
Of a manifest over ``LISTED`` bytes it holds the SHA-256 alone, and nothing of its recordings.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asr.audio.members import tar_of
from asr.counts import counted
from asr.data.manifest import read_manifest, relative_name
from asr.errors import DataError
from asr.files import parse_json, sha256, to_json, write_atomically

RECORD = "data.json"
HASHED = 4 << 30
"""The most bytes that are read to know files by their content: of more, size and time count."""
LISTED = 100_000_000
"""The most bytes of a manifest whose lines are recorded, each of which takes a kilobyte of memory
meanwhile."""
SHOWN = 20
"""The changes that a message names."""
_LABELS = {"audio": "recording"}

Line = dict[str, Any]
"""A line of a manifest: its number, ``line``, and what is used of it."""
State = list[Any]
"""The size of a file, the times (ns) when its content and its entry changed, its SHA-256 or None;
empty if it cannot be read."""


@dataclass(frozen=True)
class Record:
    """What a run is trained on: the symbols of its vocabulary, with their scores if they are
    pieces, the lines of each manifest, the state of each file, and the SHA-256 of each large
    manifest (``digests``)."""

    symbols: Sequence[str]
    scores: Sequence[float]
    manifests: dict[str, list[Line]]
    files: dict[str, State]
    digests: dict[str, str] = field(default_factory=dict)


def record_of(
    manifests: Iterable[str],
    symbols: Sequence[str],
    scores: Sequence[float] = (),
    texts: Iterable[str] = (),
    old: Record | None = None,
    digest: Callable[[str], str] = sha256,
) -> Record:
    """Describe what a run is trained on: ``manifests`` with their recordings, and files of
    ``texts``. The state of files that are as in the ``old`` record is taken from there, and a
    manifest is recorded as it is there; ``digest`` returns the SHA-256 of a large one.

    Raises:
        DataError: a manifest cannot be read.
    """
    lines: dict[str, list[Line]] = {}
    files = list(texts)
    digests: dict[str, str] = {}
    for manifest in dict.fromkeys(manifests):
        if _by_content(manifest, old):
            digests[manifest] = digest(manifest)
            continue
        folder = str(Path(manifest).absolute().parent)
        lines[manifest] = []
        for item in read_manifest(manifest, transcribed=False):
            # As the manifest itself is named, so that both may be moved together.
            audio = os.path.join(os.path.dirname(manifest), relative_name(item.audio, folder))
            values = {"line": item.line, "id": item.id, "text": item.text, "audio": audio}
            values |= {"duration": item.duration, "offset": item.offset}
            lines[manifest].append(values)
            files.append(str(tar_of(audio) or audio))
    states = _states(files, {} if old is None else old.files)
    return Record(list(symbols), list(scores), lines, states, digests)


def _by_content(manifest: str, old: Record | None) -> bool:
    """Return True if a manifest is recorded by its digest and not by its lines."""
    if old is not None and (manifest in old.digests or manifest in old.manifests):
        return manifest in old.digests
    try:
        return os.path.getsize(manifest) > LISTED
    except OSError:  # which read_manifest tells
        return False


def _states(files: Iterable[str], old: Mapping[str, State]) -> dict[str, State]:
    states: dict[str, State] = {}
    for file in dict.fromkeys(files):
        try:
            status = os.stat(file)
            states[file] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, None]
        except OSError:
            states[file] = []  # it will be left out, and named in skipped.jsonl
    by_content = sum(state[0] for state in states.values() if state) <= HASHED
    for file, state in states.items():
        known = old.get(file)
        if state and known and known[:3] == state[:3]:
            states[file] = known
        elif state and by_content:
            try:
                state[3] = sha256(file)
            except OSError:
                states[file] = []
    return states


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a run into its folder.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(folder / RECORD, to_json(vars(record)) + "\n")


def read_record(folder: Path) -> Record | None:
    """Read the record of a run; None if there is none, as in runs of earlier versions.

    Raises:
        DataError: it cannot be read.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        record = Record(**parse_json(path.read_text(encoding="utf-8"), names=None))
        if not all(isinstance(symbol, str) for symbol in record.symbols):
            raise ValueError("symbols that are no text")
        find_changes(record, record)  # looks at all of it
        return record
    except (DataError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}), so that changes of the data would not be noticed; "
            "remove it to go on all the same"
        ) from error


def take_up(folder: Path, old: Record | None, new: Record, anyway: bool) -> Record:
    """Compare the record of a run with that of what it would go on with, and return the one to go
    on with, which has the vocabulary that the run began with.

    Changes are refused or, if the run shall go on ``anyway``, printed.

    Raises:
        DataError: something has changed, which the message names.
    """
    if old is None:
        print(f"{folder} has no {RECORD}: changes of the data are unknown", file=sys.stderr)
        return new
    changes = find_changes(old, new)
    shown = changes[:SHOWN]
    if more := len(changes) - len(shown):
        shown.append(f"and {more} more")
    what = f"{counted(len(changes), 'change')} of the data since the run in {folder} began"
    said = f"{what}: {'; '.join(shown)}"
    if changes and not anyway:
        raise DataError(
            f"{said}. Undo that, train anew with --set name=NAME, or accept it with --resume-anyway"
        )
    if changes:
        print(f"going on with {said}", file=sys.stderr)
    return replace(new, symbols=old.symbols, scores=old.scores)


def find_changes(old: Record, new: Record) -> list[str]:
    """Return what differs between two records, a line for each change.

    >>> line = {"line": 7, "id": "a", "text": "yes", "audio": "a.wav"}
    >>> old = Record(["y"], [], {"train.jsonl": [line]}, {})
    >>> find_changes(old, replace(old, manifests={"train.jsonl": [line | {"text": "no"}]}))
    ["train.jsonl:7: a: the text was 'yes', is 'no'"]
    """
    changes = _symbols(old, new)
    for name in dict.fromkeys([*old.manifests, *new.manifests]):
        changes += _lines(name, old, new)
    for name in dict.fromkeys([*old.digests, *new.digests]):
        before, after = old.digests.get(name), new.digests.get(name)
        if before != after:
            changes.append(f"{name}: its SHA-256 was {before}, is {after}")
    audio = {line["audio"] for lines in new.manifests.values() for line in lines}
    for file in dict.fromkeys([*old.files, *new.files]):
        if file in new.files and file not in audio and (change := _file(file, old, new)):
            changes.append(change)
    return changes


def _symbols(old: Record, new: Record) -> list[str]:
    gone = [symbol for symbol in old.symbols if symbol not in set(new.symbols)]
    come = [symbol for symbol in new.symbols if symbol not in set(old.symbols)]
    parts = [
        f"{what} {' '.join(map(repr, symbols[:SHOWN]))}{' …' if len(symbols) > SHOWN else ''}"
        for what, symbols in (("without", gone), ("with the new", come))
        if symbols
    ]
    if parts:
        return [f"vocabulary: now {' and '.join(parts)}"]
    if old.symbols != new.symbols:
        return ["vocabulary: its symbols have another order"]
    return [] if old.scores == new.scores else ["vocabulary: its pieces have other scores"]


def _lines(name: str, old: Record, new: Record) -> list[str]:
    before, after = (
        {line["id"]: line for line in record.manifests.get(name, [])} for record in (old, new)
    )
    changes = [
        f"{name}:{line['line']}: {id}: the line is gone"
        for id, line in before.items()
        if id not in after
    ]
    for id, line in after.items():
        where = f"{name}:{line['line']}: {id}: "
        if id not in before:
            changes.append(f"{where}the line is new")
            continue
        for key, value in line.items():
            if key != "line" and before[id].get(key) != value:
                label = _LABELS.get(key, key)
                changes.append(f"{where}the {label} was {before[id].get(key)!r}, is {value!r}")
        if line["audio"] == before[id]["audio"]:
            if change := _file(line["audio"], old, new):
                changes.append(where + change)
    for was, id in zip(
        (id for id in before if id in after), (id for id in after if id in before), strict=True
    ):
        if was != id:
            line = after[id]["line"]
            changes.append(f"{name}:{line}: {id}: {was} stood here, the lines have another order")
            break
    return changes


def _file(name: str, old: Record, new: Record) -> str | None:
    """Return what has become of a file, None if it is as it was."""
    before, after = old.files.get(name, []), new.files.get(name, [])
    if not before or not after:
        return None if before == after else f"{name} {'is gone' if before else 'was not there'}"
    if before[3] and after[3]:
        return None if before[3] == after[3] else f"{name} has changed"
    return None if before[:2] == after[:2] else f"{name} has another size or time"


def differing(old: Mapping[str, Any], new: Mapping[str, Any], section: str = "") -> list[str]:
    """Return the keys of two nested mappings whose values differ, with both values.

    >>> differing({"encoder": {"layers": 3}, "seed": 1}, {"encoder": {"layers": 2}, "seed": 1})
    ['encoder.layers was 3, is 2']
    """
    found = []
    for key in dict.fromkeys([*old, *new]):
        name = f"{section}.{key}" if section else key
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differing(before, after, name)
        elif before != after:
            found.append(f"{name} was {to_json(before)}, is {to_json(after)}")
    return found
