"""``results.json``: what stands in it, written and read back.

schema_version    of this list; readers refuse others
score             wer, cer, cer_without_spaces, ser: rates as fractions beside their counts
wer_interval      low, high, groups and what they are (:class:`asr.report.interval.Interval`)
normalization     what was done to texts before they were compared
command, finished, hardware, versions
utterances        id, speaker, reference, hypothesis and word errors of each

``asr evaluate`` adds where the hypotheses come from: manifest, model, decoder, times; ``asr score``
the files.
"""

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asr import __version__
from asr.errors import DataError
from asr.files import write_atomically
from asr.report.interval import Interval
from asr.scoring import ErrorCounts, Score, count_errors

SCHEMA_VERSION = 1
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


def scored(
    utterances: Sequence[dict[str, Any]], score: Score, interval: Interval | None
) -> dict[str, Any]:
    """What every ``results.json`` has; ``utterances`` have :data:`COLUMNS` and maybe more."""
    return {
        "schema_version": SCHEMA_VERSION,
        "score": score_values(score),
        "wer_interval": None if interval is None else asdict(interval),
        "utterance_count": len(utterances),
        "normalization": "lower case, Unicode NFC, single spaces",
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {"asr": __version__, "python": platform.python_version()},
        "utterances": [
            {**item, "errors": count_errors(item["reference"], item["hypothesis"]).errors}
            for item in utterances
        ],
    }


def score_values(score: Score) -> dict[str, Any]:
    """A score as plain values: rates as fractions, beside the counts they are made of."""

    return {
        "wer": count_values(score.words),
        "cer": count_values(score.characters),
        "cer_without_spaces": count_values(score.characters_without_spaces),
        "ser": {
            "rate": round(score.ser, 6),
            "errors": score.sentence_errors,
            "reference": score.sentences,
        },
    }


def count_values(counts: ErrorCounts) -> dict[str, Any]:
    """A rate as a fraction beside the counts it is made of."""
    return {
        "rate": round(counts.rate, 6),
        "errors": counts.errors,
        "reference": counts.reference,
        **asdict(counts),
    }


def counts_from_values(values: dict[str, Any]) -> ErrorCounts:
    """The inverse of :func:`count_values`."""
    return ErrorCounts(*(values[item.name] for item in fields(ErrorCounts)))


def score_from_values(values: dict[str, Any]) -> Score:
    """The inverse of :func:`score_values`."""
    return Score(
        words=counts_from_values(values["wer"]),
        characters=counts_from_values(values["cer"]),
        characters_without_spaces=counts_from_values(values["cer_without_spaces"]),
        sentences=values["ser"]["reference"],
        sentence_errors=values["ser"]["errors"],
    )


def write_results(folder: str | Path, values: dict[str, Any]) -> None:
    """Write ``results.json``, and ``ref.trn`` and ``hyp.trn`` for sclite.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    write_atomically(folder / FILE, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    for name, key in (("ref.trn", "reference"), ("hyp.trn", "hypothesis")):
        lines = [
            f"{item[key]} ({item['speaker'] or 'unknown'}-{item['id']})\n"
            for item in values["utterances"]
        ]
        write_atomically(folder / name, "".join(lines))
