"""Measurement of the training domain on training and development recordings."""

from collections.abc import Sequence

import numpy as np

from asr.audio.meter import AudioMeter, Measures
from asr.errors import AudioError
from asr.model.directory import ModelInfo
from asr.model.domain import Domain, describe
from asr.training.data import SpeechData
from asr.training.preparation import Corpus
from asr.training.seeding import rng

MOST = 1000
"""The most training recordings that are measured."""


def measure_domain(
    data: SpeechData, corpus: Corpus, info: ModelInfo, confidences: Sequence[float]
) -> Domain:
    """Measure the training domain on training recordings with speech, as they are and augmented.

    ``confidences`` are the mean confidences of the words of each development recording.
    """
    spoken = np.flatnonzero(corpus.train.spoken)
    chosen = rng(data.config.seed).permutation(spoken)[:MOST].tolist()
    measures = [item for index in chosen for item in _measure(data, index, info)]
    texts = (" ".join(corpus.vocabulary.split_words(text)) for text in corpus.train.texts())
    return describe(measures, confidences, texts)


def _measure(data: SpeechData, index: int, info: ModelInfo) -> list[Measures]:
    try:
        samples = data.train.read(index)
    except AudioError:  # training has already reported it
        return []
    augmenter = data.train.augmenter
    versions = [samples]
    if augmenter is not None:
        versions.append(augmenter(samples, 1.0, rng(data.config.seed, index)))
    measures = []
    for version in versions:
        meter = AudioMeter(info.sample_rate, info.min_samples)
        meter.add(version)
        if meter.measures:
            measures.append(meter.measures)
    return measures
