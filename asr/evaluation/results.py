"""``results.json``: what stands in it, written and read back.

schema_version    of this list; readers refuse others
score             wer, cer, cer_without_spaces, ser: rates as fractions beside their counts
wer_interval      low, high, groups and what they are (:class:`asr.evaluation.interval.Interval`)
utterance_count
groups            by field (speaker, duration, noise, further ones of the manifest): value,
                  utterances, wer and interval of each group (:mod:`asr.evaluation.groups`)
calibration       words, ece and bins (:class:`asr.evaluation.reliability.Calibration`), where words
                  have confidences
attribution       word errors by cause (:mod:`asr.evaluation.attribution`), where explained
normalization     name and steps of what was done to texts before they were compared; unit: word,
                  or character where these have spaces between them, so that words are characters
                  and wer is their error rate
command, finished, hardware, versions
utterances        of each id, speaker, reference, hypothesis, and errors: its word errors

``asr score`` adds ``texts``: path and sha256 of its files.

``asr evaluate`` adds manifest and model (path, sha256, provenance), decoder, lm_overlap,
audio_seconds, seconds, times_real_time, latency (:class:`asr.evaluation.evaluate.Latency`); with
training manifests unseen_texts (a score) and overlap (:class:`asr.data.leakage.Leakage`). And to
utterances:

audio             path, relative to the manifest
duration, noise   seconds; dB that the loudest frames lie above the quietest
fields            further ones of the manifest
words             start and end (s) and confidence of each word of the hypothesis
causes            of each step of the alignment, null where it is right; null for right utterances
                  and for those too long to be explained
label_score       how much likelier the hypothesis is than the reference
                  (:mod:`asr.evaluation.label_errors`)

Rates and counts are those of plain Levenshtein distance (:mod:`asr.evaluation.scoring`); causes and
confidences belong to words as :mod:`asr.evaluation.word_alignment` aligns them.
What is not known is null.
"""

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.evaluation.attribution import count_causes
from asr.evaluation.groups import group_fields
from asr.evaluation.interval import Interval
from asr.evaluation.normalization import BASIC, Normalization
from asr.evaluation.reliability import calibrate, judge
from asr.evaluation.sclite import ctm, has_words, stm, trn
from asr.evaluation.scoring import ErrorCounts, Score
from asr.files import write_atomically
from asr.version import __version__

SCHEMA_VERSION = 2
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
        utterances = _by_id(values["utterances"])
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


def common_values(
    utterances: Sequence[dict[str, Any]],
    score: Score,
    interval: Interval | None,
    normalization: Normalization = BASIC,
) -> dict[str, Any]:
    """What every ``results.json`` has; ``utterances`` have :data:`COLUMNS` and maybe more."""
    return {
        "schema_version": SCHEMA_VERSION,
        "score": score_values(score),
        "wer_interval": None if interval is None else asdict(interval),
        "utterance_count": len(utterances),
        "groups": {
            name: [
                {
                    "value": group.value,
                    "utterances": group.utterances,
                    "wer": count_values(group.counts),
                    "interval": None if group.interval is None else asdict(group.interval),
                }
                for group in groups
            ]
            for name, groups in group_fields(utterances, score.by_utterance).items()
        },
        "calibration": _calibration(utterances),
        "attribution": _attribution(utterances),
        "normalization": {
            "name": normalization.name,
            "steps": list(normalization.steps),
            "unit": normalization.unit,
        },
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {"asr": __version__, "python": platform.python_version()},
        "utterances": [
            {**item, "errors": counts.errors}
            for item, counts in zip(utterances, score.by_utterance, strict=True)
        ],
    }


def _calibration(utterances: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    confidences: list[float] = []
    correct: list[bool] = []
    for item in utterances:
        if words := item.get("words"):
            correct += judge(item["reference"], item["hypothesis"])
            confidences += [confidence for _, _, confidence in words]
    found = calibrate(confidences, correct)
    return None if found is None else asdict(found)


def _attribution(utterances: Sequence[dict[str, Any]]) -> dict[str, int] | None:
    if not any("causes" in item for item in utterances):
        return None
    return count_causes(cause for item in utterances for cause in item["causes"] or ())


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
    """A rate as a fraction, None for errors against no words, beside the counts it is made of."""
    return {
        "rate": round(counts.rate, 6) if isfinite(counts.rate) else None,
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


def write_results(folder: str | Path, values: dict[str, Any]) -> Results:
    """Write ``results.json``, and ``ref.trn`` and ``hyp.trn`` for sclite; where the utterances
    have the times of their words, ``hyp.ctm`` and ``ref.stm`` too.

    Raises:
        OutputError: the folder cannot be written.
        DataError: a text that cannot be written for sclite, or times that do not fit its words;
            ``results.json`` is written.
    """
    folder, utterances = Path(folder), values["utterances"]
    write_atomically(folder / FILE, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    files = {"ref.trn": trn(utterances, "reference"), "hyp.trn": trn(utterances, "hypothesis")}
    if has_words(utterances):
        files |= {"hyp.ctm": ctm(utterances), "ref.stm": stm(utterances)}
    for name, text in files.items():
        write_atomically(folder / name, text)
    return Results(folder / FILE, _by_id(utterances), values)


def _by_id(utterances: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["id"]: {name: item[name] for name in COLUMNS} for item in utterances}
