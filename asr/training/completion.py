"""Completion of the model directory at the end of training.

Besides the graphs, the directory holds what is measured with the trained model: calibrated
confidences, word offsets, the training domain, golden clips with their output, and the model card.
All is measured with a draft in a temporary folder, so that the directory itself is never
incomplete.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asr.audio.read import read_audio
from asr.data.manifest import Utterance
from asr.errors import ConfigError
from asr.evaluation.reliability import fit_words
from asr.evaluation.scoring import ErrorCounts, word_errors
from asr.evaluation.word_times import measure_offsets
from asr.model.calibration import Calibrator
from asr.model.directory import ATTENTION, CARD, GRAPH, ModelInfo, write_model
from asr.model.domain import DOMAIN, domain_to_json
from asr.model.session import AcousticSession
from asr.recognition.golden import golden_files
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.training.attention import AttentionDecoder
from asr.training.attention_graph import build_decoder_graph
from asr.training.card import write_card
from asr.training.data import SpeechData
from asr.training.domain import measure_domain
from asr.training.export import build_graph
from asr.training.model import AcousticModel
from asr.training.preparation import Corpus
from asr.training.seeding import rng
from asr.training.synthetic_clips import make_signals

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


def complete_model(
    folder: Path,
    network: AcousticModel,
    info: ModelInfo,
    data: SpeechData,
    corpus: Corpus,
    golden: Mapping[str, bytes],
    decoder: AttentionDecoder | None = None,
) -> ModelInfo:
    """Write the complete model directory of a trained ``network`` and, if there is one, its
    ``decoder``.

    ``golden`` are audio files by their names, to be its golden clips; without any they are
    synthetic test signals.

    Raises:
        OutputError: the folder cannot be written.
    """
    half = data.config.training.half
    graph = build_graph(network, info, half, encodings=decoder is not None)
    files = {GRAPH: graph.SerializeToString()}
    if decoder is not None:
        files[ATTENTION] = build_decoder_graph(decoder, half).SerializeToString()
    seed = data.config.seed
    with tempfile.TemporaryDirectory() as place:
        write_model(Path(place) / "model", info, files)
        session = AcousticSession(Path(place) / "model")
        transcriber = Transcriber(Path(place) / "model", session=session)
        development = recognise_development(transcriber, corpus.dev, seed)
        offsets = measure_offsets(session, corpus.dev, seed)
        files |= golden_files(transcriber, golden or make_signals(info.sample_rate))
    print(f"word offsets: {offsets.method}", file=sys.stderr)
    domain = measure_domain(data, corpus, info, development.confidences)
    info = replace(
        info,
        word_offsets=(offsets.start, offsets.end),
        calibrators={"greedy": development.calibrator},
        provenance={
            **info.provenance,
            "word_offsets": offsets.method,
            "golden": "recordings" if golden else "synthetic",
        },
    )
    card = write_card(info, corpus, domain, development.errors, development.recordings)
    return write_model(folder, info, {**files, DOMAIN: domain_to_json(domain), CARD: card.encode()})


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


def read_golden(paths: Iterable[str | Path], sample_rate: int) -> dict[str, bytes]:
    """Read recordings that are to be golden clips; return their bytes by the names of their files.

    Raises:
        AudioError: a recording is not usable as audio.
        ConfigError: two files have the same name.
    """
    clips: dict[str, bytes] = {}
    for path in map(Path, paths):
        read_audio(path, sample_rate)
        if path.name in clips:
            raise ConfigError(f"{path}: another golden clip is called {path.name}; rename one")
        clips[path.name] = path.read_bytes()
    return clips
