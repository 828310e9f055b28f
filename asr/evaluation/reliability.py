"""May a word's confidence be believed? Its share of right words beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asr.data.manifest import read_manifest
from asr.decoding.bundle import NONE, Bundle
from asr.errors import AsrError
from asr.evaluation.word_alignment import align
from asr.model.calibration import Calibrator, fit_calibrator
from asr.model.directory import ModelInfo, read_files, write_model
from asr.recognition.transcriber import Transcriber, Transcript
from asr.recognition.words import Word

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The ``words`` whose confidence lies between ``low`` and ``high``: their mean confidence, and
    the share of them that is right."""

    low: float
    high: float
    words: int
    confidence: float
    correct: float


@dataclass(frozen=True)
class Calibration:
    """Bins of equal width that hold words, and the expected calibration error ``ece``: the mean
    distance between confidence and share of right words (Guo et al. 2017, equation 3)."""

    words: int
    ece: float
    bins: tuple[Bin, ...]


def calibrate(confidences: Sequence[float], correct: Sequence[bool]) -> Calibration | None:
    """Of words with these confidences, 0 to 1, each right or not; None for no words."""
    if not confidences:
        return None
    values, right = np.array(confidences), np.array(correct)
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            bins.append(
                Bin(
                    low=place / BINS,
                    high=(place + 1) / BINS,
                    words=int(inside.sum()),
                    confidence=float(values[inside].mean()),
                    correct=float(right[inside].mean()),
                )
            )
    error = sum(item.words * abs(item.confidence - item.correct) for item in bins)
    return Calibration(len(values), error / len(values), tuple(bins))


def judge(reference: str, hypothesis: str) -> list[bool]:
    """Whether each word of ``hypothesis`` is right."""
    steps = align(reference.split(), hypothesis.split())
    return [step.kind == "C" for step in steps if step.hypothesis is not None]


def fit_words(references: Sequence[str], words: Sequence[Sequence[Word]]) -> Calibrator:
    """The calibrator for words whose confidences are as the decoder gave them."""
    confidences: list[float] = []
    correct: list[bool] = []
    for reference, recognised in zip(references, words, strict=True):
        confidences += [word.confidence for word in recognised]
        correct += judge(reference, " ".join(word.text for word in recognised))
    return fit_calibrator(confidences, correct)


def calibrate_beam(folder: str | Path, manifest: str | Path, bundle: Bundle) -> ModelInfo:
    """Put into a model directory what the words of beam search, with its settings and the language
    model and lexicon of ``bundle``, say of their confidences on a development manifest.

    Raises:
        DataError: audio that cannot be read.
        ModelError: the directory is not sound.
    """
    lm, lexicon = bundle.lm or NONE, bundle.lexicon or NONE
    transcriber = Transcriber(folder, decoder="beam", lm=lm, lexicon=lexicon)
    utterances = read_manifest(manifest)
    results = list(transcriber.transcribe_many([item.audio for item in utterances]))
    failed = [result for result in results if isinstance(result, AsrError)]
    if failed:
        raise failed[0]
    words = [result.words for result in results if isinstance(result, Transcript)]
    info = transcriber.model
    references = [" ".join(info.vocabulary.words(item.text)) for item in utterances]
    calibrators = {**info.calibrators, "beam": fit_words(references, words)}
    return write_model(folder, replace(info, calibrators=calibrators), read_files(folder, info))
