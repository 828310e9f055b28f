"""Training of a recurrent language model, from texts to a model file."""

from pathlib import Path

import torch

from asr.config import to_mapping
from asr.files import write_atomically
from asr.training.checkpoints import check_checkpoints
from asr.training.engine import RUNS, check_folder, hashes, run
from asr.training.lm.config import LmConfig
from asr.training.lm.data import TextData, read
from asr.training.lm.export import to_onnx
from asr.training.lm.module import LmModule
from asr.training.resumption import read_record, record_of, take_up

FILE = "lm.onnx"


def fit(
    config: LmConfig, resume: bool = False, folder: Path | None = None, anyway: bool = False
) -> Path:
    """Train a language model; return its file, ``<run folder>/lm.onnx``.

    The run folder (``runs/<name>`` unless given) is that of :func:`asr.training.engine.run`; epochs
    are compared by the perplexity of the development text. A run whose texts have changed goes on
    only if it shall do so ``anyway``, with the words that it began with.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: texts that cannot be used, or that have changed since a run to resume began.
        ModelError: the checkpoints of a run to resume are incomplete, or of another network.
        TrainingError: no finite gradient, ``training.max_skipped`` times in a row.
    """
    folder = folder or RUNS / config.name
    begun, config = check_folder(folder, config, resume)
    values = to_mapping(begun)
    texts = read(config.data)
    files = [*config.data.train, *config.data.dev, *filter(None, [config.data.vocabulary])]
    old = read_record(folder) if resume else None
    record = record_of([], texts.words, texts=files, old=old)
    if resume:
        record = take_up(folder, old, record, anyway)
        if tuple(record.symbols) != texts.words:
            texts = read(config.data, tuple(record.symbols))
    torch.manual_seed(config.seed)
    module = LmModule(config, len(texts.words))
    if resume:
        check_checkpoints(folder, module)
    tokens = sum(len(row) + 1 for row in texts.train)
    greeting = (
        f"{len(texts.train)} training and {len(texts.dev)} development sentences, {tokens} "
        f"{config.data.unit}s to train on, {len(texts.words)} known, "
        f"{module.parameter_count() / 1e6:.2f} M parameters; writing to {folder}"
    )
    data = TextData(config, texts)
    provenance = run(module, data, folder, values, resume, [greeting], lambda: record)
    if provenance is None:
        return folder / FILE
    provenance |= {"data": hashes(files), "dev_perplexity": module.criterion}
    write_atomically(folder / FILE, to_onnx(module.model, config.network, texts, provenance))
    return folder / FILE
