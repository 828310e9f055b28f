"""Training of an acoustic model, from manifests to a complete model directory."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from asr.config import from_mapping, to_mapping
from asr.errors import DataError
from asr.files import sha256
from asr.model.directory import ModelInfo, read_model
from asr.training.checkpoints import LAST, check_checkpoints
from asr.training.completion import complete_model, read_golden
from asr.training.config import Config
from asr.training.data import SpeechData
from asr.training.dev_sets import DevSets
from asr.training.engine import RUNS, check_folder, hashes, run
from asr.training.export import start_decoder_from, start_from
from asr.training.module import CTCModule
from asr.training.preparation import prepare, read_vocabulary
from asr.training.resumption import differing, read_record, record_of, take_up
from asr.training.subwords import keep_pieces, kept_pieces
from asr.training.table import manifest_digest


def fit(
    config: Config,
    resume: bool = False,
    folder: Path | None = None,
    golden: Sequence[str | Path] = (),
    anyway: bool = False,
) -> Path:
    """Train as ``config`` says; return the model directory, ``<run folder>/model``.

    The run folder (``runs/<name>`` unless given) is that of :func:`asr.training.engine.run`; epochs
    are compared by the greedy WER on the development set, or the CER where words are not spaced.
    ``golden`` names recordings that become the model's golden clips; without any, they are
    synthetic. To ``resume`` a run that has ended writes its model directory anew. A run whose data
    have changed goes on only if it shall do so ``anyway``, with the vocabulary that it began with.

    Raises:
        AudioError: a golden clip is not usable as audio.
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: the data of a run to resume have changed, a manifest cannot be used, there are
            characters outside the vocabulary, or more than ``data.max_dropped`` of the utterances
            are unfit for training.
        ModelError: the checkpoints of a run to resume are incomplete, or of another network.
        TrainingError: there was no finite gradient, ``training.max_skipped`` times in a row.
    """
    folder = folder or RUNS / config.name
    clips = read_golden(golden, config.features.sample_rate)
    begun, config = check_folder(folder, config, resume)
    values = to_mapping(begun)
    of_pieces = config.data.unit == "piece"
    manifests = [*config.data.train, *config.data.dev]
    manifests += filter(None, [config.augment.noise.manifest])
    digest = partial(manifest_digest, cache=config.data.cache)
    vocabulary = resumed = None
    if resume:
        old = read_record(folder)
        vocabulary = kept_pieces(folder, config.data) if of_pieces else read_vocabulary(config)
        new = record_of(manifests, vocabulary.tokens, vocabulary.scores, old=old, digest=digest)
        resumed = take_up(folder, old, new, anyway)
        vocabulary = replace(
            vocabulary, tokens=tuple(resumed.symbols), scores=tuple(resumed.scores)
        )
    corpus = prepare(config, folder / "skipped.jsonl", vocabulary)
    vocabulary = corpus.vocabulary
    if of_pieces:
        keep_pieces(folder, vocabulary)
    data = SpeechData(config, corpus)
    torch.manual_seed(config.seed)
    module = CTCModule(config, vocabulary, DevSets(corpus.dev) if config.data.dev_sets else None)
    init_from = config.training.init_from
    left_out: list[str] = []
    if resume:
        check_checkpoints(folder, module)
    elif init_from:
        left_out = start_from(init_from, module.model, vocabulary)
        left_out += start_decoder_from(init_from, module.decoder, vocabulary)
    allowed = config.data.max_dropped * (len(corpus.train) + len(corpus.skipped))
    greeting = (
        f"{len(corpus.train)} training and {len(corpus.dev)} development utterances "
        f"({len(corpus.skipped)} left out), {len(vocabulary)} symbols, "
        f"{module.parameter_count() / 1e6:.2f} M parameters; writing to {folder}",
        *(f"not taken from {init_from}: {name}" for name in left_out),
        *(data.mix.lines() if data.mix else ()),
    )
    provenance = run(
        module,
        data,
        folder,
        values,
        resume,
        greeting,
        lambda: (
            resumed or record_of(manifests, vocabulary.tokens, vocabulary.scores, digest=digest)
        ),
        corpus.skipped,
        max_rejected=allowed - len(corpus.skipped),
    )
    if provenance is None:
        return folder / "model"
    info = ModelInfo(
        vocabulary=vocabulary,
        features=config.features,
        encoder=config.encoder,
        provenance={**provenance, "data": hashes([*config.data.train, *config.data.dev])},
        scores={"dev": {module.measure.name.lower(): module.dev_rate}},
    )
    complete_model(folder / "model", module.model, info, data, corpus, clips, module.decoder)
    return folder / "model"


def fit_once(config: Config, folder: Path | None = None) -> Path:
    """Train as :func:`fit` does, or go on where that was stopped, or leave a finished model as it
    is; return the model directory.

    Raises:
        DataError: the finished model was trained with another configuration or on other data.
    """
    folder = folder or RUNS / config.name
    model = folder / "model"
    if not model.exists():
        return fit(config, resume=(folder / LAST).exists(), folder=folder)
    provenance = read_model(model).provenance
    # Options that are newer than the model had what is now their default.
    begun = to_mapping(from_mapping(Config, provenance["config"]))
    changes = differing(begun, to_mapping(config))
    data = {path: sha256(path) for path in (*config.data.train, *config.data.dev)}
    changes += differing(provenance["data"], data)
    if changes:
        raise DataError(
            f"{model} was trained with another configuration or on other data "
            f"({'; '.join(changes)}); remove {folder}, or name another folder"
        )
    return model
