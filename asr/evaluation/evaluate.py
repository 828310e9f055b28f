"""Evaluation of a model on a manifest: recognition, scores, latency, and what they came from."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from asr.audio.inputs import AudioInput
from asr.data.leakage import Leakage, find_leakage
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.explanation import Explanation
from asr.evaluation.interval import Interval, wer_interval
from asr.evaluation.normalization import model_normalization
from asr.evaluation.results import Results, common_values, read_results, score_values
from asr.evaluation.scoring import Score, score
from asr.files import sha256
from asr.lm.overlap import ModelOverlap, model_overlap
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.recognition.words import Word
from asr.text import Vocabulary

RECORDINGS = 25
"""The largest number of recordings whose latency is measured."""


@dataclass(frozen=True)
class Evaluation:
    """The utterances of a ``manifest``, their transcripts, and the scores of these.

    ``references`` and ``hypotheses`` are the texts that were compared, with spaces between words,
    or between characters if the model's words are not separated by spaces. ``interval`` is that of
    the word error rate. ``unseen`` scores the utterances whose text is in none of the training
    manifests that were given, and ``leakage`` says what the test set has in common with these.
    ``lm_overlap`` says how much of the references the language model holds. ``seconds`` is the time
    from audio to text.
    """

    manifest: Path
    utterances: list[Utterance]
    transcripts: list[Transcript]
    references: list[str]
    hypotheses: list[str]
    score: Score
    interval: Interval | None
    unseen: Score | None
    leakage: Leakage | None
    lm_overlap: ModelOverlap | None
    seconds: float

    @property
    def duration(self) -> float:
        """The seconds of audio."""
        return sum(item.duration for item in self.transcripts)


@dataclass(frozen=True)
class Latency:
    """The seconds from opening a file to its text, each file alone: the ``median`` and the 95 %
    quantile ``p95`` over a number of ``utterances``."""

    utterances: int
    median: float
    p95: float


def evaluate(
    manifest: str | Path,
    transcriber: Transcriber,
    training_manifests: Sequence[str | Path] = (),
    batch_size: int = 16,
) -> Evaluation:
    """Transcribe every utterance of ``manifest`` and score the transcripts; none is left out.

    Where the model's words are not separated by spaces, characters are scored as words.

    Args:
        manifest: a JSON Lines manifest with texts.
        transcriber: the model and its decoder.
        training_manifests: the data that the model was trained on, for :attr:`Evaluation.leakage`
            and :attr:`Evaluation.unseen`.
        batch_size: the number of recordings that are recognised at once.

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
    sources = [item.source for item in utterances]
    for item, result in zip(
        utterances, transcriber.transcribe_many(sources, batch_size), strict=True
    ):
        if isinstance(result, AsrError):
            raise DataError(f"{item.id}: {result}; every utterance of {manifest} must be readable")
        transcripts.append(result)
    seconds = time.perf_counter() - started
    space_units, unit = vocabulary.space_units, model_normalization(vocabulary).unit
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
        leakage=find_leakage(utterances, training) if training else None,
        lm_overlap=model_overlap(lm, [item.text for item in utterances if item.text])
        if lm
        else None,
        seconds=seconds,
    )


def _score(pairs: Sequence[tuple[str, str]], unit: str) -> Score:
    references, hypotheses = zip(*pairs, strict=True)
    return score(references, hypotheses, unit)


def measure_latency(sources: Sequence[AudioInput], transcriber: Transcriber) -> Latency:
    """Transcribe up to :data:`RECORDINGS` of ``sources`` one by one, spread evenly over them, and
    return how long each took. At least one is needed.

    Raises:
        AudioError: a recording that cannot be read.
    """
    places = np.unique(np.linspace(0, len(sources) - 1, RECORDINGS).round().astype(int))
    seconds = []
    for place in places:
        started = time.perf_counter()
        transcriber.transcribe(sources[place])
        seconds.append(time.perf_counter() - started)
    median, p95 = np.quantile(seconds, [0.5, 0.95])
    return Latency(len(seconds), round(float(median), 4), round(float(p95), 4))


def as_results(source: str | Path | Results | Evaluation) -> Results:
    """Return what a comparison needs of an evaluation, or of the ``results.json`` of one.

    Raises:
        DataError: the file cannot be used (:func:`asr.evaluation.results.read_results`).
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


def results_values(
    evaluation: Evaluation,
    transcriber: Transcriber,
    explanations: Mapping[str, Explanation] | None = None,
    latency: Latency | None = None,
) -> dict[str, Any]:
    """Return the contents of ``results.json`` (:mod:`asr.evaluation.results`).

    Args:
        evaluation: as ``transcriber`` gave it.
        transcriber: whose model and decoder are described.
        explanations: by utterance id; without them there are no causes of errors.
        latency: as measured on the same recordings.
    """
    model, manifest = transcriber.model, evaluation.manifest
    folder = manifest.absolute().parent
    utterances = [
        _values(item, transcript, folder, explanations, model.vocabulary)
        for item, transcript in zip(evaluation.utterances, evaluation.transcripts, strict=True)
    ]
    applied = model_normalization(model.vocabulary)
    values = common_values(utterances, evaluation.score, evaluation.interval, applied)
    return values | {
        "unseen_texts": None if evaluation.unseen is None else score_values(evaluation.unseen),
        "overlap": None if evaluation.leakage is None else asdict(evaluation.leakage),
        "lm_overlap": None if evaluation.lm_overlap is None else asdict(evaluation.lm_overlap),
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
    """Return the entry of an utterance in ``results.json``."""
    measures = transcript.measures
    values: dict[str, Any] = {
        "id": item.id,
        "speaker": item.speaker,
        "audio": os.path.relpath(item.audio, folder).replace(os.sep, "/"),
        **({} if item.offset is None else {"offset": item.offset}),
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
    """Yield the characters of ``words``, which share the time of their word evenly."""
    for word in words:
        length = (word.end - word.start) / len(word.text)
        for index, character in enumerate(word.text):
            start = word.start + index * length
            yield replace(word, text=character, start=start, end=start + length)


def _finite(value: float) -> float:
    """Round a number; an infinite one becomes a large one, because JSON has no infinity."""
    return round(max(min(value, 1e9), -1e9), 4)


def decoder_values(transcriber: Transcriber) -> dict[str, Any]:
    """Return the decoder of a transcriber and its settings as plain values."""
    search = transcriber.search
    if search is None:
        return {"name": transcriber.decoder}
    return {
        "name": transcriber.decoder,
        "options": asdict(search.options),
        "lm": None if search.lm is None else {"unit": search.lm.unit, "ngrams": search.lm.counts},
        "rescore_lm": None
        if search.rescore_lm is None
        else {"unit": search.rescore_lm.unit, "words": len(search.rescore_lm.words)},
        "attention": None if search.attention is None else {"kind": search.attention.kind},
        "lexicon": None if search.lexicon is None else len(search.lexicon),
        "hotwords": search.hotwords,
    }
