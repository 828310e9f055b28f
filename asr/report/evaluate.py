"""Recognise a manifest, score it, and keep everything that the numbers came from."""

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnxruntime

from asr import __version__
from asr.decoding.overlap import ModelOverlap, model_overlap
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.manifest import Utterance, read_manifest
from asr.modeldir import sha256
from asr.report.interval import Interval, wer_interval
from asr.scoring import ErrorCounts, Score, count_errors, score
from asr.transcriber import Transcriber, Transcript

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Evaluation:
    """Utterances with their transcripts. ``unseen`` scores the utterances whose text is in none
    of the training manifests that were given; ``overlap`` is how much of the references the
    language model holds; ``interval`` is that of the word error rate; ``seconds`` the time from
    audio to text."""

    utterances: list[Utterance]
    transcripts: list[Transcript]
    score: Score
    interval: Interval | None
    unseen: Score | None
    overlap: ModelOverlap | None
    seconds: float

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return sum(item.duration for item in self.transcripts)


def evaluate(
    manifest: str | Path,
    transcriber: Transcriber,
    training_manifests: Sequence[str | Path] = (),
    batch_size: int = 16,
) -> Evaluation:
    """Transcribe every utterance of ``manifest`` and score it; none is left out.

    Raises:
        DataError: an unusable manifest, or audio of it that cannot be read.
    """
    utterances = read_manifest(manifest)
    trained = {item.text for path in training_manifests for item in read_manifest(path)}
    started = time.perf_counter()
    transcripts: list[Transcript] = []
    paths = [item.audio for item in utterances]
    for item, result in zip(
        utterances, transcriber.transcribe_many(paths, batch_size), strict=True
    ):
        if isinstance(result, AsrError):
            raise DataError(f"{item.id}: {result}; every utterance of {manifest} must be readable")
        transcripts.append(result)
    seconds = time.perf_counter() - started
    pairs = [(item.text, result.text) for item, result in zip(utterances, transcripts, strict=True)]
    fresh = [pair for pair in pairs if pair[0] not in trained]
    unseen = _score(fresh) if training_manifests and fresh else None
    lm = transcriber.search.lm if transcriber.search else None
    overlap = model_overlap(lm, [text for text, _ in pairs if text]) if lm else None
    counts = [count_errors(*pair) for pair in pairs]
    interval = wer_interval(counts, [item.speaker for item in utterances])
    return Evaluation(utterances, transcripts, _score(pairs), interval, unseen, overlap, seconds)


def _score(pairs: Sequence[tuple[str, str]]) -> Score:
    return score([reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs])


def results(
    evaluation: Evaluation, manifest: str | Path, transcriber: Transcriber
) -> dict[str, Any]:
    """The contents of ``results.json``."""
    model = transcriber.model
    return {
        "schema_version": SCHEMA_VERSION,
        "score": score_values(evaluation.score),
        "wer_interval": None if evaluation.interval is None else asdict(evaluation.interval),
        "unseen_texts": None if evaluation.unseen is None else score_values(evaluation.unseen),
        "utterance_count": len(evaluation.utterances),
        "audio_seconds": round(evaluation.duration, 3),
        "seconds": round(evaluation.seconds, 3),
        "times_real_time": round(evaluation.duration / evaluation.seconds, 1),
        "decoder": decoder_values(transcriber),
        "lm_overlap": None if evaluation.overlap is None else asdict(evaluation.overlap),
        "normalization": "lower case, Unicode NFC, single spaces",
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "model": {"sha256": model.hash, "provenance": model.provenance},
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {
            "asr": __version__,
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
        },
        "utterances": [
            {
                "id": item.id,
                "speaker": item.speaker,
                "duration": round(transcript.duration, 3),
                "reference": item.text,
                "hypothesis": transcript.text,
                "errors": count_errors(item.text, transcript.text).errors,
            }
            for item, transcript in zip(evaluation.utterances, evaluation.transcripts, strict=True)
        ],
    }


def decoder_values(transcriber: Transcriber) -> dict[str, Any]:
    """What the transcriber decodes with, as plain values."""
    search = transcriber.search
    if search is None:
        return {"name": "greedy"}
    return {
        "name": "beam",
        "options": asdict(search.options),
        "lm": None if search.lm is None else {"unit": search.lm.unit, "ngrams": search.lm.counts},
        "rescore_lm": None
        if search.rescore_lm is None
        else {"unit": search.rescore_lm.unit, "words": len(search.rescore_lm.words)},
        "lexicon": None if search.lexicon is None else len(search.lexicon),
        "hotwords": search.hotwords,
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
    write_atomically(
        folder / "results.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    )
    for name, key in (("ref.trn", "reference"), ("hyp.trn", "hypothesis")):
        lines = [
            f"{item[key]} ({item['speaker'] or 'unknown'}-{item['id']})\n"
            for item in values["utterances"]
        ]
        write_atomically(folder / name, "".join(lines))
