"""``results.json``: its contents, written and read back.

schema_version    the version of this list; readers refuse others
score             wer, cer, cer_without_spaces, ser: rates as fractions beside their counts
wer_interval      low, high, groups and over (:class:`asr.evaluation.interval.Interval`)
utterance_count
groups            by field (speaker, duration, noise, and further fields of the manifest): value,
                  utterances, wer and interval of each group (:mod:`asr.evaluation.groups`)
calibration       words, ece and bins (:class:`asr.evaluation.reliability.Calibration`), if words
                  have confidences
attribution       word errors by cause (:mod:`asr.evaluation.attribution`), if they were explained
normalization     name and steps of what was done to texts before they were compared, and unit:
                  word, or character if characters were scored as words, so that wer is their
                  error rate
command, finished, hardware, versions
utterances        for each: id, speaker, reference, hypothesis, and errors, the number of its word
                  errors

``asr score`` adds texts: path and sha256 of its files.

``asr evaluate`` adds manifest and model (path, sha256, provenance), decoder, lm_overlap,
audio_seconds, seconds, times_real_time, latency (:class:`asr.evaluation.evaluate.Latency`); with
training manifests also unseen_texts (a score) and overlap (:class:`asr.data.leakage.Leakage`). To
utterances it adds:

audio             path, relative to the manifest
offset            in seconds, if the utterance is a piece of the recording
duration, noise   in seconds; in dB, by which the loudest frames lie above the quietest
fields            further fields of the manifest
words             start (s), end (s) and confidence of each word of the hypothesis
causes            the cause of the error at each step of the alignment, null where it is right; null
                  for utterances that are right or too long to be explained
label_score       how much likelier the hypothesis is than the reference
                  (:mod:`asr.evaluation.label_errors`)

Rates and counts are those of plain Levenshtein distance (:mod:`asr.evaluation.scoring`); causes and
confidences belong to words as :mod:`asr.evaluation.word_alignment` aligns them. A value that is not
known is null.
"""

import os
import platform
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.evaluation.attribution import ATTENTION, count_causes
from asr.evaluation.groups import group_fields
from asr.evaluation.interval import Interval
from asr.evaluation.normalization import BASIC, Normalization
from asr.evaluation.reliability import calibrate, judge
from asr.evaluation.results_schema import find_fault
from asr.evaluation.sclite import ctm, has_words, stm, trn
from asr.evaluation.scoring import ErrorCounts, Score, score
from asr.files import parse_json, read_text, to_json, write_atomically
from asr.version import __version__

SCHEMA_VERSION = 2
FILE = "results.json"
COLUMNS = ("id", "speaker", "reference", "hypothesis")


@dataclass(frozen=True)
class Results:
    """The results of one evaluation: ``values`` is the whole file at ``path``, and ``utterances``
    gives speaker, reference and hypothesis of each utterance by its id."""

    path: Path
    utterances: dict[str, dict[str, Any]]
    values: dict[str, Any]

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        """Return the field ``name`` of the utterances ``ids``."""
        return [self.utterances[id][name] for id in ids]

    def score(self) -> Score:
        """Score all utterances anew, word by word.

        Raises:
            DataError: no reference has a word.
        """
        ids = list(self.utterances)
        return score(self.column("reference", ids), self.column("hypothesis", ids))


def read_results(path: str | Path) -> Results:
    """Read ``results.json``; ``path`` is that of the file or of its folder.

    Raises:
        DataError: the file cannot be read, is something else, has another schema version, or has
            fields of wrong types.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE
    try:
        values = parse_json(read_text(path, FILE), names=None)
    except DataError as error:
        raise _unusable(path, f"its text is {error}") from error
    if not isinstance(values, dict):
        raise _unusable(path, "it holds no JSON object")
    version = values.get("schema_version")
    if version is None:
        raise _unusable(path, "it has no schema_version")
    if not isinstance(values.get("utterances"), list):
        raise _unusable(path, "it has no list of utterances")
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema_version is {version!r}, this version of asr reads {SCHEMA_VERSION}; "
            "evaluate once more"
        )
    if fault := find_fault(values):
        raise _unusable(path, fault)
    by_id = _by_id(values["utterances"])
    if len(by_id) < len(values["utterances"]):
        raise _unusable(path, "an id of its utterances occurs twice")
    return Results(path, by_id, values)


def check_reportable(results: Results) -> None:
    """Refuse results that lack what a report shows: the scores, and the errors of each utterance.

    Raises:
        DataError: one of them is not there.
    """
    for name in ("wer", "cer", "cer_without_spaces", "ser"):
        if (results.values.get("score") or {}).get(name) is None:
            raise _unusable(results.path, f"its score has no {name}")
    for item in results.values["utterances"]:
        if item.get("errors") is None:
            raise _unusable(results.path, f"utterance {item['id']} has no number of errors")


def _unusable(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path}: not a {FILE} of asr evaluate or asr score: {reason}; evaluate or score once more"
    )


def same_utterances(results: Sequence[Results]) -> list[str]:
    """Return the ids of the utterances, in the order of the first of ``results``.

    Raises:
        DataError: the results are of different utterances, or have different references.
    """
    first = results[0]
    for other in results[1:]:
        lone = first.utterances.keys() ^ other.utterances.keys()
        if lone:
            raise DataError(
                f"{first.path} and {other.path} are of different utterances: {len(lone)} are in "
                f"one alone, {min(lone)} for example; evaluate both on one manifest"
            )
        for id, item in first.utterances.items():
            if item["reference"] != other.utterances[id]["reference"]:
                raise DataError(
                    f"{first.path} and {other.path} have different references for {id}; evaluate "
                    "both on one manifest"
                )
    return list(first.utterances)


def common_values(
    utterances: Sequence[dict[str, Any]],
    score: Score,
    interval: Interval | None,
    normalization: Normalization = BASIC,
) -> dict[str, Any]:
    """Return what every ``results.json`` holds.

    Args:
        utterances: entries with at least the fields :data:`COLUMNS`.
        score: of these utterances.
        interval: of the word error rate.
        normalization: that was applied to references and hypotheses.
    """
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
    counts = count_causes(cause for item in utterances for cause in item["causes"] or ())
    if not counts[ATTENTION]:
        del counts[ATTENTION]  # most models have no decoder with attention
    return counts


def score_values(score: Score) -> dict[str, Any]:
    """Return a score as plain values: rates as fractions, beside the counts that they are made
    of."""
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
    """Return counts and their rate as plain values; the rate is a fraction, or None if there are
    errors against no words."""
    return {
        "rate": round(counts.rate, 6) if isfinite(counts.rate) else None,
        "errors": counts.errors,
        "reference": counts.reference,
        **asdict(counts),
    }


def counts_from_values(values: dict[str, Any]) -> ErrorCounts:
    """Return the counts that :func:`count_values` was given."""
    return ErrorCounts(*(values[item.name] for item in fields(ErrorCounts)))


def rate_with_counts(values: dict[str, Any]) -> str:
    """Return an error rate, as :func:`count_values` gives it, with its counts as text.

    >>> rate_with_counts(count_values(ErrorCounts(hits=3, substitutions=1)))
    '25.00 % [1 / 4]'
    """
    counts = counts_from_values(values)
    return f"{100 * counts.rate:.2f} % [{counts.errors} / {counts.reference}]"


def mean_rate(values: Sequence[dict[str, Any]]) -> str:
    """Return the mean of several error rates, as :func:`count_values` gives them, and from two on
    their standard deviation, as text.

    >>> mean_rate([{"rate": 0.02}, {"rate": 0.04}]), mean_rate([{"rate": 0.02}])
    ('3.00 ± 1.41 %', '2.00 %')
    """
    rates = [100 * item["rate"] for item in values]
    mean = f"{statistics.mean(rates):.2f}"
    return f"{mean} ± {statistics.stdev(rates):.2f} %" if len(rates) > 1 else f"{mean} %"


def score_from_values(values: dict[str, Any]) -> Score:
    """Return the score that :func:`score_values` was given, without its ``by_utterance``."""
    return Score(
        words=counts_from_values(values["wer"]),
        characters=counts_from_values(values["cer"]),
        characters_without_spaces=counts_from_values(values["cer_without_spaces"]),
        sentences=values["ser"]["reference"],
        sentence_errors=values["ser"]["errors"],
    )


def write_results(folder: str | Path, values: dict[str, Any]) -> Results:
    """Write ``results.json``, and the files ``ref.trn`` and ``hyp.trn`` for sclite; if utterances
    have the times of their words, write ``hyp.ctm`` and ``ref.stm``, too.

    Args:
        folder: is made if it does not exist.
        values: the contents of ``results.json``.

    Raises:
        OutputError: the folder cannot be written.
        DataError: a text cannot be written for sclite, or has words and times that do not match;
            ``results.json`` is written nevertheless.
    """
    folder, utterances = Path(folder), values["utterances"]
    write_atomically(folder / FILE, to_json(values, indent=1) + "\n")
    files = {"ref.trn": trn(utterances, "reference"), "hyp.trn": trn(utterances, "hypothesis")}
    if has_words(utterances):
        files |= {"hyp.ctm": ctm(utterances), "ref.stm": stm(utterances)}
    for name, text in files.items():
        write_atomically(folder / name, text)
    return Results(folder / FILE, _by_id(utterances), values)


def _by_id(utterances: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["id"]: {name: item[name] for name in COLUMNS} for item in utterances}
