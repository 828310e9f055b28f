"""Training of a tagger, from written texts to a model file."""

from pathlib import Path

import torch

from asr.config import to_mapping
from asr.display.features import WordFeatures
from asr.files import write_atomically
from asr.model.directory import TAGGER
from asr.training.checkpoints import check_checkpoints
from asr.training.engine import RUNS, check_folder, hashes, run
from asr.training.resumption import read_record, record_of, take_up
from asr.training.tagger.config import TaggerConfig
from asr.training.tagger.data import TagData, read
from asr.training.tagger.export import to_onnx
from asr.training.tagger.module import TaggerModule


def fit(
    config: TaggerConfig, resume: bool = False, folder: Path | None = None, anyway: bool = False
) -> Path:
    """Train a tagger; return its file, ``<run folder>/tagger.onnx``.

    The run folder (``runs/<name>`` unless given) is that of :func:`asr.training.engine.run`; epochs
    are compared by the F1 of commas, full stops and question marks. A run whose texts have changed
    goes on only if it shall do so ``anyway``, with the words that it began with.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: texts that cannot be used, or that have changed since a run to resume began.
        ModelError: the checkpoints of a run to resume are incomplete, or of another network.
        TrainingError: no finite gradient, ``training.max_skipped`` times in a row.
    """
    folder = folder or RUNS / config.name
    begun, config = check_folder(folder, config, resume)
    values = to_mapping(begun)
    old = read_record(folder) if resume else None
    files = [*config.data.train, *config.data.dev]
    texts = read(config.data, old.symbols if old else ())
    record = record_of([], texts.known, texts=files, old=old)
    if resume:
        record = take_up(folder, old, record, anyway)
    torch.manual_seed(config.seed)
    features = WordFeatures(texts.known, config.network.buckets)
    module = TaggerModule(config, features.rows)
    if resume:
        check_checkpoints(folder, module)
    greeting = (
        f"{len(texts.train)} words to train on and {len(texts.dev)} to choose by, "
        f"{len(texts.known)} with an embedding of their own, "
        f"{module.parameter_count() / 1e6:.2f} M parameters; writing to {folder}"
    )
    data = TagData(config, texts, features)
    provenance = run(module, data, folder, values, resume, [greeting], lambda: record)
    if provenance is None:
        return folder / TAGGER
    provenance |= {"data": hashes(files), "dev": module.results()}
    write_atomically(folder / TAGGER, to_onnx(module.model, config, texts, provenance))
    return folder / TAGGER
