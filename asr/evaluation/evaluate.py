"""Recognise a manifest, score it, and keep everything that the numbers came from."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import onnxruntime

from asr.data.leakage import Leakage, find_leakage
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.explanation import Explanation
from asr.evaluation.interval import Interval, wer_interval
from asr.evaluation.latency import Latency
from asr.evaluation.normalization import of_model
from asr.evaluation.results import Results, read_results, score_values, scored
from asr.evaluation.scoring import Score, score
from asr.files import sha256
from asr.lm.overlap import ModelOverlap, model_overlap
from asr.recognition.transcriber import Transcriber, Transcript
from asr.recognition.words import Word
from asr.text import Vocabulary


@dataclass(frozen=True)
class Evaluation:
    """The utterances of a ``manifest`` with their transcripts, and the score of these.

    ``references`` and ``hypotheses`` are the texts that were compared, with spaces between words,
    or between characters where the model's words are not spaced. ``unseen`` scores the utterances
    whose text is in none of the training manifests that were given, ``sharing`` is what the test
    set has in common with them; ``overlap`` is how much of the references the language model holds;
    ``interval`` is that of the word error rate; ``seconds`` the time from audio to text.
    """

    manifest: Path
    utterances: list[Utterance]
    transcripts: list[Transcript]
    references: list[str]
    hypotheses: list[str]
    score: Score
    interval: Interval | None
    unseen: Score | None
    sharing: Leakage | None
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
    """Transcribe every utterance of ``manifest`` and score it; none is left out. Where the model's
    words are not spaced, characters are scored as words.

    Raises:
        DataError: an unusable manifest, or audio of it that cannot be read.
    """
    vocabulary = transcriber.model.vocabulary
    utterances, training = (
        [
            replace(item, text=vocabulary.normalize(item.text))
            for path in paths
            for item in read_manifest(path)
        ]
        for paths in ([manifest], training_manifests)
    )
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
    space_units, unit = vocabulary.space_units, of_model(vocabulary).unit
    pairs = [
        (space_units(item.text), space_units(result.text))
        for item, result in zip(utterances, transcripts, strict=True)
    ]
    trained = {space_units(item.text) for item in training}
    fresh = [pair for pair in pairs if pair[0] not in trained]
    lm = transcriber.search.lm if transcriber.search else None
    total = _score(pairs, unit)
    return Evaluation(
        manifest=Path(manifest),
        utterances=utterances,
        transcripts=transcripts,
        references=[reference for reference, _ in pairs],
        hypotheses=[hypothesis for _, hypothesis in pairs],
        score=total,
        interval=wer_interval(total.by_utterance, [item.speaker for item in utterances]),
        unseen=_score(fresh, unit) if training and any(text for text, _ in fresh) else None,
        sharing=find_leakage(utterances, training) if training else None,
        overlap=model_overlap(lm, [item.text for item in utterances if item.text]) if lm else None,
        seconds=seconds,
    )


def _score(pairs: Sequence[tuple[str, str]], unit: str) -> Score:
    references, hypotheses = zip(*pairs, strict=True)
    return score(references, hypotheses, unit)


def as_results(source: str | Path | Results | Evaluation) -> Results:
    """Return what a comparison needs of an evaluation: one made here, or its results in a file.

    Raises:
        DataError: as :func:`asr.evaluation.results.read_results`.
    """
    if isinstance(source, Results):
        return source
    if not isinstance(source, Evaluation):
        return read_results(source)
    rows = {
        item.id: {
            "id": item.id, "speaker": item.speaker, "reference": reference, "hypothesis": hypothesis
        }
        for item, reference, hypothesis in zip(
            source.utterances, source.references, source.hypotheses, strict=True
        )
    }  # fmt: skip
    return Results(source.manifest, rows, {})


def results(
    evaluation: Evaluation,
    transcriber: Transcriber,
    explanations: Mapping[str, Explanation] | None = None,
    latency: Latency | None = None,
) -> dict[str, Any]:
    """The contents of ``results.json``; without ``explanations`` it has no causes of errors."""
    model, manifest = transcriber.model, evaluation.manifest
    folder = manifest.absolute().parent
    utterances = [
        _values(item, transcript, folder, explanations, model.vocabulary)
        for item, transcript in zip(evaluation.utterances, evaluation.transcripts, strict=True)
    ]
    applied = of_model(model.vocabulary)
    values = scored(utterances, evaluation.score, evaluation.interval, applied)
    return values | {
        "unseen_texts": None if evaluation.unseen is None else score_values(evaluation.unseen),
        "overlap": None if evaluation.sharing is None else asdict(evaluation.sharing),
        "lm_overlap": None if evaluation.overlap is None else asdict(evaluation.overlap),
        "audio_seconds": round(evaluation.duration, 3),
        "seconds": round(evaluation.seconds, 3),
        "times_real_time": round(evaluation.duration / evaluation.seconds, 1),
        "latency": None if latency is None else asdict(latency),
        "decoder": decoder_values(transcriber),
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "model": {"sha256": model.hash, "provenance": model.provenance},
        "versions": values["versions"] | {"onnxruntime": onnxruntime.__version__},
    }


def _values(
    item: Utterance,
    transcript: Transcript,
    folder: Path,
    explanations: Mapping[str, Explanation] | None,
    vocabulary: Vocabulary,
) -> dict[str, Any]:
    """What ``results.json`` says of an utterance."""
    measures = transcript.measures
    values: dict[str, Any] = {
        "id": item.id,
        "speaker": item.speaker,
        "audio": os.path.relpath(item.audio, folder).replace(os.sep, "/"),
        "duration": round(transcript.duration, 3),
        "noise": None if measures is None else round(measures.level - measures.noise, 1),
        "fields": {
            name: value
            for name, value in item.extra.items()
            if isinstance(value, str | int | float)
        },
        "reference": vocabulary.space_units(item.text),
        "hypothesis": vocabulary.space_units(transcript.text),
        "words": [
            [round(word.start, 3), round(word.end, 3), round(word.confidence, 4)]
            for word in (transcript.words if vocabulary.spaced else _characters(transcript.words))
        ],
    }
    if explanations is not None:
        found = explanations.get(item.id)
        values["causes"] = None if found is None else list(found.causes)
        values["label_score"] = None if found is None else _finite(found.label_score)
    return values


def _characters(words: Iterable[Word]) -> Iterator[Word]:
    """The characters of ``words``, which share the time of their word evenly."""
    for word in words:
        length = (word.end - word.start) / len(word.text)
        for index, character in enumerate(word.text):
            start = word.start + index * length
            yield replace(word, text=character, start=start, end=start + length)


def _finite(value: float) -> float:
    """JSON has no infinity."""
    return round(max(min(value, 1e9), -1e9), 4)


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
