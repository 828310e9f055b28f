"""The reliability of word confidences: their distance from the share of words that are right."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from asr.data.manifest import read_manifest
from asr.decoding.bundle import NONE, Bundle
from asr.errors import AsrError
from asr.evaluation.word_alignment import align_words
from asr.model.calibration import Calibrator, fit_calibrator
from asr.model.session import AcousticSession
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.recognition.words import Word

BINS = 10


@dataclass(frozen=True)
class Bin:
    """A bin of a reliability diagram: the number of ``words`` whose confidence lies between
    ``low`` and ``high``, their mean ``confidence``, and the share ``correct`` of them."""

    low: float
    high: float
    words: int
    confidence: float
    correct: float


@dataclass(frozen=True)
class Calibration:
    """The calibration of the confidences of a number of ``words``.

    ``ece`` is the expected calibration error, the mean distance between confidence and share of
    right words (Guo et al. 2017, equation 3); ``bins`` are of equal width, empty ones left out.
    """

    words: int
    ece: float
    bins: tuple[Bin, ...]


def calibrate(confidences: Sequence[float], correct: Sequence[bool]) -> Calibration | None:
    """Compare the ``confidences`` of words, 0 to 1, with the share of words that are ``correct``.

    The result is None if there are no words.

    >>> round(calibrate([0.9, 0.9, 0.9, 0.9], [True, True, True, False]).ece, 3)
    0.15
    """
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
    """Return True for each word of ``hypothesis`` that is right, and False for each other one.

    >>> judge("enter six", "enter sixty")
    [True, False]
    """
    steps = align_words(reference.split(), hypothesis.split())
    return [step.kind == "C" for step in steps if step.hypothesis is not None]


def fit_words(references: Sequence[str], words: Sequence[Sequence[Word]]) -> Calibrator:
    """Fit a calibrator to the recognised ``words`` of some recordings, with the confidences that
    the decoder gave them, and to the texts that were said (``references``)."""
    confidences: list[float] = []
    correct: list[bool] = []
    for reference, recognised in zip(references, words, strict=True):
        confidences += [word.confidence for word in recognised]
        correct += judge(reference, " ".join(word.text for word in recognised))
    return fit_calibrator(confidences, correct)


def fit_beam(
    folder: str | Path, manifest: str | Path, bundle: Bundle, attention: bool = False
) -> Calibrator:
    """Fit a calibrator to the words that beam search with ``bundle`` gives on a development
    manifest, for the model in ``folder``; with ``attention``, to those after its recurrent language
    model, if there is one, and the model's decoder have scored the best texts.

    Raises:
        DataError: a recording cannot be read.
        ModelError: the directory is not sound.
    """
    session = AcousticSession(folder)
    session.info = replace(session.info, calibrators={})
    transcriber = Transcriber(
        folder,
        decoder="beam",
        session=session,
        display=False,
        lm=bundle.lm or NONE,
        lexicon=bundle.lexicon or NONE,
        rescore_lm=bundle.rescore_lm if attention else None,
        attention=attention,
        **asdict(bundle.options),
    )
    utterances = read_manifest(manifest)
    results = list(transcriber.transcribe_many([item.source for item in utterances]))
    failed = [result for result in results if isinstance(result, AsrError)]
    if failed:
        raise failed[0]
    words = [result.words for result in results if isinstance(result, Transcript)]
    vocabulary = session.info.vocabulary
    references = [" ".join(vocabulary.split_words(item.text)) for item in utterances]
    return fit_words(references, words)
