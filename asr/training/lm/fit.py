"""Training of a recurrent language model, from texts to a model file."""

from pathlib import Path

import torch

from asr.config import to_mapping
from asr.files import write_atomically
from asr.training.checkpoints import LAST, load_state
from asr.training.engine import RUNS, check_folder, hashes, run
from asr.training.lm.config import LmConfig
from asr.training.lm.data import TextData, read
from asr.training.lm.export import to_onnx
from asr.training.lm.module import LmModule

FILE = "lm.onnx"


def fit(config: LmConfig, resume: bool = False, folder: Path | None = None) -> Path:
    """Train a language model; return its file, ``<run folder>/lm.onnx``.

    The run folder (``runs/<name>`` unless given) is that of :func:`asr.training.engine.run`; epochs
    are compared by the perplexity of the development text.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: texts that cannot be used.
        TrainingError: no finite gradient, ``training.max_skipped`` times in a row.
    """
    folder = folder or RUNS / config.name
    values = to_mapping(config)
    check_folder(folder, config, resume)
    texts = read(config.data)
    torch.manual_seed(config.seed)
    module = LmModule(config, len(texts.words))
    if resume:
        load_state(folder / LAST)  # refuses what is no checkpoint
    tokens = sum(len(row) + 1 for row in texts.train)
    greeting = (
        f"{len(texts.train)} training and {len(texts.dev)} development sentences, {tokens} "
        f"{config.data.unit}s to train on, {len(texts.words)} known, "
        f"{module.parameter_count() / 1e6:.2f} M parameters; writing to {folder}"
    )
    provenance = run(module, TextData(config, texts), folder, values, resume, [greeting])
    if provenance is None:
        return folder / FILE
    files = [*config.data.train, *config.data.dev, *filter(None, [config.data.vocabulary])]
    provenance |= {"data": hashes(files), "dev_perplexity": module.criterion}
    write_atomically(folder / FILE, to_onnx(module.model, config.network, texts, provenance))
    return folder / FILE
