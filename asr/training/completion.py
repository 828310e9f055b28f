"""Completion of the model directory at the end of training.

Besides the graphs, the directory holds what is measured with the trained model: calibrated
confidences, word offsets, the training domain, golden clips with their output, and the model card;
and what it keeps of the model that it began as. All is measured with a draft in a temporary folder,
so that the directory itself is never incomplete.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from asr.audio.read import read_audio
from asr.errors import ConfigError
from asr.evaluation.word_times import measure_offsets
from asr.model.directory import ATTENTION, CARD, GRAPH, ModelInfo, write_model
from asr.model.domain import DOMAIN, domain_to_json
from asr.model.session import AcousticSession
from asr.recognition.golden import golden_files
from asr.recognition.transcriber import Transcriber
from asr.training.attention import AttentionDecoder
from asr.training.attention_graph import build_decoder_graph
from asr.training.card import write_card
from asr.training.data import SpeechData
from asr.training.development import recognise_development
from asr.training.domain import measure_domain
from asr.training.export import build_graph
from asr.training.inheritance import inherit
from asr.training.model import AcousticModel
from asr.training.preparation import Corpus
from asr.training.synthetic_clips import make_signals


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
        draft = Path(place) / "model"
        write_model(draft, info, files)
        session = AcousticSession(draft)
        transcriber = Transcriber(draft, session=session)
        development = recognise_development(transcriber, corpus.dev, seed)
        calibrators = {"greedy": development.calibrator}
        kept = inherit(
            data.config.training.init_from, draft, session, corpus.dev, seed, development
        )
        if kept is not None:
            transcriber, development = kept.transcriber, kept.development
            calibrators["beam"] = development.calibrator
            files |= kept.files
        offsets = measure_offsets(session, corpus.dev, seed)
        files |= golden_files(transcriber, golden or make_signals(info.sample_rate))
    print(f"word offsets: {offsets.method}", file=sys.stderr)
    domain = measure_domain(data, corpus, info, development.confidences)
    info = replace(
        info,
        word_offsets=(offsets.start, offsets.end),
        calibrators=calibrators,
        decoder=transcriber.decoder,
        provenance={
            **info.provenance,
            "word_offsets": offsets.method,
            "golden": "recordings" if golden else "synthetic",
        },
    )
    card = write_card(info, corpus, domain, development.errors, development.recordings)
    return write_model(folder, info, {**files, DOMAIN: domain_to_json(domain), CARD: card.encode()})


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
