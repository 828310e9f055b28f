"""Manifests as tables: their lines in Arrow files that are mapped into memory.

Read as Python objects, a line takes about a kilobyte in every process. A table takes no memory but
for what is read of it, and processes share that. It is built once for each content of a manifest,
in the folder ``manifests`` of the cache. There, a folder named after the manifest's SHA-256 holds
``lines.arrow``, the utterances, and ``numbers.arrow``, what is needed of all of them at once; a
JSON file for each path says which content its manifest had, at which size and times. Where these
are as they were, the manifest is not read again.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.members import tar_of
from asr.data.manifest import Utterance, parse_line, read_manifest, set_of
from asr.errors import DataError, OutputError
from asr.files import parse_json, sha256, stream_lines, to_json, write_atomically
from asr.text import min_frames, normalize

FORMAT = "1"
"""The version of the files, which is part of the folder's name."""
LINES, NUMBERS = "lines.arrow", "numbers.arrow"
ROWS = 1 << 14
"""The utterances of a part of ``lines.arrow``."""
FORGOTTEN = 16
"""The lines that may be read one by one until their memory is given back."""
READ = 1 << 10
"""The utterances that are made at a time where one after another is wanted."""


class Table:
    """The utterances of a manifest, mapped into memory.

    ``durations`` (n,) are in seconds. ``frames`` (n,) are the fewest frames on which CTC can emit
    a text in characters, 0 where there is no text. ``keys`` (n,) are 64-bit digests of the ids.
    ``sets`` (n,) are places in ``set_names``, those of the field ``set``, and ``tars`` (n,) are
    places in ``tar_names``, those of the tar files that hold the recordings; the name of none is
    empty. ``characters`` are those of all texts.
    """

    def __init__(self, manifest: Path, folder: Path) -> None:
        import pyarrow as pa

        self.manifest, self.folder = manifest, folder
        self._home = str(manifest.absolute().parent)
        with open(folder / LINES, "rb") as file:
            self._mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
        reader = pa.ipc.open_file(pa.py_buffer(self._mapped))
        self._parts = [reader.get_batch(part) for part in range(reader.num_record_batches)]
        self._reads = 0
        self._begins = np.cumsum([0, *map(len, self._parts)])
        numbers = pa.ipc.open_file(pa.memory_map(str(folder / NUMBERS))).get_batch(0)

        def column(name: str) -> Any:
            return numbers.column(name).to_numpy(zero_copy_only=True)

        self.durations: npt.NDArray[np.float64] = column("duration")
        self.frames: npt.NDArray[np.int32] = column("frames")
        self.keys: npt.NDArray[np.uint64] = column("key")
        self.sets: npt.NDArray[np.int32] = column("set")
        self.tars: npt.NDArray[np.int32] = column("tar")
        self.facts: dict[str, Any] = parse_json(
            numbers.schema.metadata[b"facts"].decode(), names=None
        )
        self.set_names: list[str] = self.facts["sets"]
        self.tar_names = [self._full(name) if name else "" for name in self.facts["tars"]]
        self.characters = frozenset[str](self.facts["characters"])

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (self.manifest, self.folder)

    def __len__(self) -> int:
        return len(self.durations)

    def __getitem__(self, row: int) -> Utterance:
        """Return the utterance of a row, from 0."""
        self._reads += 1
        if self._reads % FORGOTTEN == 0:
            self._forget()
        batch, place = self._find(row)
        return self._utterance(
            {name: batch.column(name)[place].as_py() for name in batch.schema.names}
        )

    def __iter__(self) -> Iterator[Utterance]:
        for part in self._parts:
            for begin in range(0, len(part), READ):
                yield from map(self._utterance, part.slice(begin, READ).to_pylist())
            self._forget()

    def texts(self) -> Iterator[str]:
        """Yield the texts of all utterances."""
        for part in self._parts:
            for begin in range(0, len(part), READ):
                yield from part.column("text").slice(begin, READ).to_pylist()
            self._forget()

    def id(self, row: int) -> str:
        """Return the id of the utterance of a row."""
        batch, place = self._find(row)
        id: str = batch.column("id")[place].as_py()
        return id

    def rows_with(self, characters: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the rows whose texts have one of these characters."""
        import pyarrow.compute as pc

        pattern = "[" + "".join(f"\\x{{{ord(one):x}}}" for one in characters) + "]"
        found = []
        for begin, part in zip(self._begins.tolist(), self._parts, strict=False):
            mask = pc.match_substring_regex(part.column("text"), pattern)
            found.append(np.flatnonzero(mask.to_numpy(zero_copy_only=False)) + begin)
            self._forget()
        return np.concatenate(found)

    def _forget(self) -> None:
        """Give back the memory of lines that were read: what a process has mapped counts as its
        own, and an epoch reads all lines. They stay in the system's cache of files."""
        self._mapped.madvise(MADV_DONTNEED)

    def _find(self, row: int) -> tuple[Any, int]:
        """Return the part of the lines that has a row, and the row's place in it."""
        part = int(np.searchsorted(self._begins, row, side="right")) - 1
        return self._parts[part], row - int(self._begins[part])

    def _utterance(self, values: dict[str, Any]) -> Utterance:
        name = values["audio"].decode("utf-8", "surrogateescape")
        return Utterance(
            audio=Path(self._full(name)),
            duration=values["duration"],
            text=values["text"],
            id=values["id"],
            speaker=values["speaker"],
            extra=parse_json(values["extra"], names=None) if values["extra"] else {},
            line=values["line"],
            offset=values["offset"],
        )

    def _full(self, name: str) -> str:
        """Return the full path of what the manifest names."""
        return os.path.normpath(os.path.join(self._home, name))


def open_table(manifest: str | Path, cache: str | Path, form: str = "NFC") -> Table:
    """Return the table of a manifest whose texts are in the Unicode normal ``form``, from the
    folder ``cache`` or built there.

    Of several processes that want the same table, one builds it. If nothing can be written there,
    the process has a table of its own, among temporary files that go when it is not used any more.

    >>> from asr.data.manifest import write_manifest
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.jsonl")
    ...     write_manifest(path, [Utterance(Path(folder, "wav/a.wav"), 2.31, "yes", "a", "s1")])
    ...     table = open_table(path, Path(folder, "cache"))
    >>> len(table), table[0].text, table.durations.tolist(), sorted(table.characters)
    (1, 'yes', [2.31], ['e', 's', 'y'])

    Raises:
        DataError: the manifest cannot be used, as :func:`asr.data.manifest.read_manifest` says it.
    """
    manifest = Path(manifest)
    if not manifest.is_file():
        read_manifest(manifest)  # it says what is wrong
    try:
        folder = _folder(cache)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            return _open(manifest, folder, form)
    except (OSError, OutputError):
        with tempfile.TemporaryDirectory(prefix="asr-manifests-") as place:
            return _open(manifest, Path(place), form)  # files stay as long as they are mapped


def manifest_digest(manifest: str | Path, cache: str | Path) -> str:
    """Return the SHA-256 of a manifest; it is not read if it is as it was when its table was built.

    Raises:
        OSError: the manifest cannot be read.
    """
    manifest = Path(manifest)
    known = _known(manifest, _folder(cache))
    return known["sha256"] if known.get("state") == _state(manifest) else sha256(manifest)


def _folder(cache: str | Path) -> Path:
    return Path(cache) / "manifests"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder meanwhile."""
    with open(folder / ".lock", "w") as file:
        with suppress(OSError):  # without locks, a table may be built more than once
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open(manifest: Path, folder: Path, form: str) -> Table:
    known, state = _known(manifest, folder), _state(manifest)
    digest = known.get("sha256") if known.get("state") == state else None
    if digest is None and any(folder.glob(f"*{_suffix(form)}")):
        digest = sha256(manifest)  # it may only have been moved or touched
    table = None if digest is None else _usable(manifest, folder / f"{digest}{_suffix(form)}")
    if table is None:
        digest = _build(manifest, folder, form)
        table = Table(manifest, folder / f"{digest}{_suffix(form)}")
    values = {"state": state, "sha256": digest}
    if known != values:
        write_atomically(_stamp(manifest, folder), to_json(values))
        _remove_unused(folder, known.get("sha256"))
    return table


def _suffix(form: str) -> str:
    return f"-{form}-{FORMAT}"


def _usable(manifest: Path, place: Path) -> Table | None:
    """Return the table in a folder; None if there is none, it is damaged, or its ids were made for
    a manifest in another folder."""
    try:
        table = Table(manifest, place)
    except (OSError, ValueError, LookupError, DataError):  # those of Arrow are among them
        return None
    home = table.facts["home"]
    return table if home in (None, str(manifest.absolute().parent)) else None


def _stamp(manifest: Path, folder: Path) -> Path:
    name = hashlib.sha1(os.fsencode(manifest.absolute())).hexdigest()
    return folder / f"{name}.json"


def _state(manifest: Path) -> list[int]:
    status = manifest.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _known(manifest: Path, folder: Path) -> dict[str, Any]:
    """Return what is known of the manifest: its ``state`` at some time, and its ``sha256`` then."""
    return _read_stamp(_stamp(manifest, folder))


def _read_stamp(path: Path) -> dict[str, Any]:
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError):
        return {}
    return values if isinstance(values, dict) else {}


def _remove_unused(folder: Path, digest: str | None) -> None:
    """Remove the tables of a content that no manifest has any more."""
    if digest and digest not in {_read_stamp(path).get("sha256") for path in folder.glob("*.json")}:
        for place in folder.glob(f"{digest}-*"):
            shutil.rmtree(place, ignore_errors=True)


class _NoId(Exception):
    """An exception that says that a line has no id, so that it needs one that no other has."""


def _build(manifest: Path, folder: Path, form: str) -> str:
    """Build the table of a manifest, whole or not at all; return the manifest's SHA-256."""
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=".draft-"))
    digest = hashlib.sha256()
    try:
        try:
            _write(draft, _parse(manifest, digest), form, None)
        except (_NoId, DataError):
            # Faults are told, and ids are made, as for every manifest.
            ids = [item.id for item in read_manifest(manifest)]
            digest = hashlib.sha256()
            items = _parse(manifest, digest)
            named = (replace(item, id=id) for item, id in zip(items, ids, strict=True))
            _write(draft, named, form, str(manifest.absolute().parent))
        place = folder / f"{digest.hexdigest()}{_suffix(form)}"
        shutil.rmtree(place, ignore_errors=True)
        os.chmod(draft, 0o755)
        os.rename(draft, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return digest.hexdigest()


def _parse(manifest: Path, digest: Any) -> Iterator[Utterance]:
    """Yield the utterances of a manifest, with paths as they are named there; ``digest`` gets its
    bytes."""
    for number, line in enumerate(stream_lines(manifest, "manifest", digest.update), start=1):
        if line.strip():
            yield parse_line("", number, line)


def _write(folder: Path, items: Iterator[Utterance], form: str, home: str | None) -> None:
    """Write the two files of a table.

    Raises:
        DataError: there is no utterance, or an id occurs twice.
        _NoId: an utterance has no id.
    """
    import pyarrow as pa

    schema = pa.schema(
        [
            ("audio", pa.binary()),
            ("offset", pa.float64()),
            ("duration", pa.float64()),
            ("text", pa.string()),
            ("id", pa.string()),
            ("speaker", pa.string()),
            ("extra", pa.string()),
            ("line", pa.int64()),
        ]
    )
    durations, frames, keys = array("d"), array("i"), array("Q")
    sets, tars = array("i"), array("i")
    characters, set_names, tar_names = set[str](), dict[str, int](), dict[str, int]()
    with pa.OSFile(str(folder / LINES), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        while items_of_part := list(islice(items, ROWS)):
            rows = []
            for item in items_of_part:
                if not item.id:
                    raise _NoId
                text = normalize(item.text, form)
                characters.update(text)
                durations.append(item.duration)
                frames.append(min_frames(text))
                keys.append(key_of(item.id))
                sets.append(set_names.setdefault(set_of(item), len(set_names)))
                tar = str(tar_of(item.audio) or "")
                tars.append(tar_names.setdefault(tar, len(tar_names)))
                audio = str(item.audio).encode("utf-8", "surrogateescape")
                extra = to_json(item.extra) if item.extra else None
                place = (audio, item.offset, item.duration)
                rows.append((*place, text, item.id, item.speaker, extra, item.line))
            columns = [
                pa.array(values, kind.type)
                for values, kind in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    known = np.sort(np.frombuffer(keys, np.uint64))
    if not len(known) or (known[1:] == known[:-1]).any():
        raise DataError("no utterance, or an id that occurs twice")
    facts = {
        "characters": sorted(characters),
        "sets": list(set_names),
        "tars": list(tar_names),
        "home": home,
    }
    numbers = pa.record_batch(
        [
            pa.array(np.frombuffer(values, values.typecode.replace("Q", "u8")))
            for values in (durations, frames, keys, sets, tars)
        ],
        names=["duration", "frames", "key", "set", "tar"],
    ).replace_schema_metadata({"facts": to_json(facts)})
    with (
        pa.OSFile(str(folder / NUMBERS), "wb") as file,
        pa.ipc.new_file(file, numbers.schema) as writer,
    ):
        writer.write_batch(numbers)


def key_of(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "little")
