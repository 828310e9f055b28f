"""``results.json``, read back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.report.evaluate import SCHEMA_VERSION

FILE = "results.json"
COLUMNS = ("id", "speaker", "reference", "hypothesis")


@dataclass(frozen=True)
class Results:
    """Of one evaluation: ``utterances`` by their id, each with speaker, reference and hypothesis;
    ``values`` is the whole file."""

    path: Path
    utterances: dict[str, dict[str, Any]]
    values: dict[str, Any]

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        """A field of the utterances ``ids``."""
        return [self.utterances[id][name] for id in ids]


def read_results(path: str | Path) -> Results:
    """A file, or the folder in which ``asr evaluate`` put it.

    Raises:
        DataError: it cannot be read, is something else, or of another schema version.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["schema_version"]
        utterances = {item["id"]: {name: item[name] for name in COLUMNS} for item in
                      values["utterances"]}  # fmt: skip
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a {FILE} of asr evaluate ({error!r})") from error
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema_version is {version!r}, this version of asr reads {SCHEMA_VERSION}"
        )
    return Results(path, utterances, values)


def same_utterances(results: Sequence[Results]) -> list[str]:
    """The ids that all have, in the order of the first.

    Raises:
        DataError: they are of other utterances, or have other references.
    """
    first = results[0]
    for other in results[1:]:
        lone = first.utterances.keys() ^ other.utterances.keys()
        if lone:
            raise DataError(
                f"{first.path} and {other.path} are of other utterances: {len(lone)} are in one "
                f"alone, {min(lone)} for example; evaluate both on one manifest"
            )
        for id, item in first.utterances.items():
            if item["reference"] != other.utterances[id]["reference"]:
                raise DataError(
                    f"{first.path} and {other.path} have other references for {id}; evaluate both "
                    "on one manifest"
                )
    return list(first.utterances)
