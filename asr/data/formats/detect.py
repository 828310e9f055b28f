"""Detection of the format of a data set by its files, and reading of it."""

from collections.abc import Sequence
from pathlib import Path

from asr.data.formats.folder import find_files, read_folder
from asr.data.formats.item import Item, Refuse
from asr.data.formats.jsonl import read_json_lines
from asr.data.formats.kaldi import read_kaldi
from asr.data.formats.lhotse import read_lhotse
from asr.data.formats.nemo import read_nemo
from asr.data.formats.tables import read_table
from asr.errors import DataError

TABLES = (".csv", ".tsv", ".tab")
MANIFESTS = (".jsonl", ".json", ".gz")
LOOKED_FOR = (
    "wav.scp (Kaldi), *supervisions*.jsonl (lhotse), recordings with .txt files of the same name "
    "beside them, one table (.csv or .tsv), one manifest (.jsonl or .json, NeMo's or lhotse's)"
)


def read_any(source: Path, refuse: Refuse) -> tuple[str, list[Item]]:
    """Return the name of the format of ``source``, a file or a folder, and its utterances.

    In a folder, the format that stands first in :data:`LOOKED_FOR` is chosen. ``refuse`` is called
    for rows and files that cannot be used.

    Raises:
        DataError: there is no known format, there are several tables or manifests, or the reader of
            the format cannot use the files.
    """
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    if not source.is_dir():
        return _read_file(source, refuse)
    if (source / "wav.scp").is_file():
        return "Kaldi", read_kaldi(source, refuse)
    if any(source.glob("*supervisions*.jsonl*")):
        return "lhotse", read_lhotse(source, refuse)
    if _has_texts(source):
        return "folder", read_folder(source, refuse)
    files = [path for path in sorted(source.iterdir()) if _format_of(path)]
    if len(files) != 1:
        raise DataError(f"{source}: looked for {LOOKED_FOR}; found {_names(files)}")
    return _read_file(files[0], refuse)


def _read_file(path: Path, refuse: Refuse) -> tuple[str, list[Item]]:
    match _format_of(path):
        case "table":
            return "table", read_table(path, refuse=refuse)
        case "NeMo":
            return "NeMo", read_nemo(path, refuse)
        case "lhotse":
            return "lhotse", read_lhotse(path, refuse)
    raise DataError(
        f"{path}: neither a table (.csv or .tsv) nor a manifest whose first line is a JSON object "
        "with an audio_filepath (NeMo) or with supervisions (lhotse)"
    )


def _format_of(path: Path) -> str | None:
    """Return the format of a file by its suffix and, if it is JSON Lines, by the fields of the
    first line; None for other files."""
    if path.suffix in TABLES:
        return "table"
    if path.suffix not in MANIFESTS or not path.is_file():
        return None
    try:
        _, values = next(read_json_lines(path, "manifest"), ("", {}))
    except DataError:
        return None
    if "audio_filepath" in values:
        return "NeMo"
    return "lhotse" if values.keys() & {"supervisions", "recording_id", "tracks"} else None


def _has_texts(folder: Path) -> bool:
    try:
        find_files(folder)
    except DataError:
        return False
    return True


def _names(files: Sequence[Path]) -> str:
    return f"{', '.join(path.name for path in files)}: give one of them" if files else "none"
