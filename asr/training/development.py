"""Recognition of the development recordings by a model whose training has ended."""

from dataclasses import dataclass

import numpy as np

from asr.data.manifest import Utterance
from asr.evaluation.reliability import fit_words
from asr.evaluation.scoring import ErrorCounts, word_errors
from asr.model.calibration import Calibrator
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.training.seeding import rng

MOST = 1000
"""The most development recordings that are recognised."""


@dataclass(frozen=True)
class Development:
    """The results of a model on development recordings: its ``errors`` in a number of
    ``recordings``, the ``calibrator`` of its words, and the mean calibrated confidence of the words
    of each recording."""

    recordings: int
    errors: ErrorCounts
    calibrator: Calibrator
    confidences: list[float]


def recognise_development(
    transcriber: Transcriber, utterances: list[Utterance], seed: int
) -> Development:
    """Recognise up to ``MOST`` development recordings.

    Unreadable ones are left out, since training has already reported them.
    """
    chosen = rng(seed, "development").permutation(len(utterances))[:MOST].tolist()
    items = [utterances[index] for index in chosen]
    results = transcriber.transcribe_many([item.source for item in items])
    pairs = [
        (item.text, result)
        for item, result in zip(items, results, strict=True)
        if isinstance(result, Transcript)
    ]
    vocabulary = transcriber.model.vocabulary
    errors = word_errors(
        [vocabulary.space_units(text) for text, _ in pairs],
        [vocabulary.space_units(result.text) for _, result in pairs],
    )
    heard = [(text, result.words) for text, result in pairs if result.words]
    references = [" ".join(vocabulary.split_words(text)) for text, _ in heard]
    calibrator = fit_words(references, [words for _, words in heard])
    means = [float(np.mean([calibrator(word.confidence) for word in words])) for _, words in heard]
    return Development(len(pairs), errors, calibrator, means)
