"""Recognise a manifest, score it, and keep everything that the numbers came from."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from asr.decoding.overlap import ModelOverlap, model_overlap
from asr.errors import AsrError, DataError
from asr.manifest import Utterance, read_manifest
from asr.modeldir import sha256
from asr.report.interval import Interval, wer_interval
from asr.report.results import score_values, scored
from asr.scoring import Score, count_errors, score
from asr.transcriber import Transcriber, Transcript


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
    utterances = [
        {
            "id": item.id,
            "speaker": item.speaker,
            "duration": round(transcript.duration, 3),
            "reference": item.text,
            "hypothesis": transcript.text,
        }
        for item, transcript in zip(evaluation.utterances, evaluation.transcripts, strict=True)
    ]
    values = scored(utterances, evaluation.score, evaluation.interval)
    return values | {
        "unseen_texts": None if evaluation.unseen is None else score_values(evaluation.unseen),
        "audio_seconds": round(evaluation.duration, 3),
        "seconds": round(evaluation.seconds, 3),
        "times_real_time": round(evaluation.duration / evaluation.seconds, 1),
        "decoder": decoder_values(transcriber),
        "lm_overlap": None if evaluation.overlap is None else asdict(evaluation.overlap),
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "model": {"sha256": model.hash, "provenance": model.provenance},
        "versions": values["versions"] | {"onnxruntime": onnxruntime.__version__},
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
