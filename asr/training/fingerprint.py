"""What a model knows and how sure it may be, measured on what it was trained and chosen on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from asr.audio.meter import AudioMeter, Measures
from asr.errors import AudioError
from asr.evaluation.reliability import fit_words
from asr.model.directory import read_files, read_model, write_model
from asr.model.domain import DOMAIN, Domain, describe, domain_to_json
from asr.recognition.transcriber import Transcriber, Transcript
from asr.training.data import SpeechData
from asr.training.preparation import Corpus
from asr.training.seeding import rng

MOST = 1000
"""Training recordings that are measured, and development recordings that are recognised."""


def add_domain(folder: Path, data: SpeechData, corpus: Corpus) -> Domain:
    """Put ``domain.json`` into the model directory ``folder``: of spoken training recordings as
    they are and augmented, and of the words that the model gives for the development recordings;
    and what these say of the confidences of greedy decoding.

    Raises:
        ModelError: the directory is not sound.
    """
    info = read_model(folder)
    files = read_files(folder, info)
    if info.calibrators:  # of another time
        info = write_model(folder, replace(info, calibrators={}), files)
    transcriber = Transcriber(folder)
    chosen = rng(data.config.seed)
    spoken = [index for index, item in enumerate(corpus.train) if item.text]
    train = chosen.permutation(spoken)[:MOST].tolist()
    measures = [m for index in train for m in _measure(data, index, transcriber)]
    dev = [corpus.dev[index] for index in chosen.permutation(len(corpus.dev))[:MOST].tolist()]
    recognised = [
        (item.text, result.words)
        for item, result in zip(
            dev, transcriber.transcribe_many([item.audio for item in dev]), strict=True
        )
        if isinstance(result, Transcript) and result.words
    ]
    words_of = corpus.vocabulary.split_words
    references = [" ".join(words_of(text)) for text, _ in recognised]
    calibrator = fit_words(references, [words for _, words in recognised])
    means = [
        float(np.mean([calibrator(word.confidence) for word in words])) for _, words in recognised
    ]
    domain = describe(measures, means, (" ".join(words_of(item.text)) for item in corpus.train))
    calibrated = replace(info, calibrators={"greedy": calibrator})
    write_model(folder, calibrated, {**files, DOMAIN: domain_to_json(domain)})
    return domain


def _measure(data: SpeechData, index: int, transcriber: Transcriber) -> list[Measures]:
    try:
        samples = data.train.read(index)
    except AudioError:  # quarantined long ago
        return []
    augmenter = data.train.augmenter
    versions = [samples]
    if augmenter is not None:
        versions.append(augmenter(samples, 1.0, rng(data.config.seed, index)))
    measures = []
    for version in versions:
        meter = AudioMeter(transcriber.model.sample_rate, transcriber.model.min_samples)
        meter.add(version)
        if meter.measures:
            measures.append(meter.measures)
    return measures
