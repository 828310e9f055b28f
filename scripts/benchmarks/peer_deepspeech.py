"""This module trains deepspeech.pytorch's own model with its own loader, for a benchmark.

They come from a checkout of its last version. Its configuration classes cannot be imported since
Python 3.11, and it reads audio through a part of torchaudio that is gone. So this module replaces
what surrounds its model and its loader by the least that they ask for: plain objects for its
configuration, and soundfile for reading. Its model, its batches and its spectrograms are its own
code. Its speed perturbation, which starts a process of sox for every utterance, is left out. The
model gets the cell, the layers and the hidden size of our configuration.
"""

import enum
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import soundfile
import torch
import torchaudio
from torch import nn

from asr.errors import DataError
from asr.training.cells import load_cell
from asr.training.config import Config
from asr.training.preparation import Corpus


def deepspeech(
    config: Config, corpus: Corpus, batch_size: int, checkout: Path, folder: Path
) -> tuple[Callable[[], None], nn.Module]:
    """Return a function that trains its model for one epoch, and the model.

    Raises:
        DataError: ``checkout`` is not a checkout of deepspeech.pytorch.
    """
    if not (checkout / "deepspeech_pytorch" / "model.py").exists():
        raise DataError(f"{checkout} is not a checkout of deepspeech.pytorch")
    _stand_in()
    sys.path.insert(0, str(checkout))
    model_module = importlib.import_module("deepspeech_pytorch.model")
    loader_module = importlib.import_module("deepspeech_pytorch.loader.data_loader")
    bidirectional = sys.modules["deepspeech_pytorch.configs.train_config"].BiDirectionalConfig
    rate = config.features.sample_rate
    spectrum = SimpleNamespace(
        sample_rate=rate,
        window_size=0.02,
        window_stride=0.01,
        window=SimpleNamespace(value="hamming"),
    )
    labels = ["_", *corpus.vocabulary.tokens[1:]]
    cell = SimpleNamespace(value=load_cell(config.encoder.cell).torch_layer)
    model = model_module.DeepSpeech(
        labels=labels,
        model_cfg=bidirectional(
            rnn_type=cell,
            hidden_size=config.encoder.hidden_size,
            hidden_layers=config.encoder.layers,
        ),
        precision=32,
        optim_cfg=SimpleNamespace(),
        spect_cfg=spectrum,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-4)
    dataset = loader_module.SpectrogramDataset(
        spectrum, str(_manifest(corpus, folder)), labels, normalize=True
    )
    sampler = loader_module.DSRandomSampler(dataset, batch_size)
    loader = loader_module.AudioDataLoader(dataset=dataset, batch_sampler=sampler)

    def epoch() -> None:
        for index, batch in enumerate(loader):
            loss = model.training_step(batch, index)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 400)
            optimizer.step()

    return epoch, model


def _manifest(corpus: Corpus, folder: Path) -> Path:
    samples = []
    for index, item in enumerate(corpus.train):
        text = folder / f"{index}.txt"
        text.write_text(item.text)
        samples.append({"wav_path": str(item.audio), "transcript_path": str(text)})
    path = folder / "deepspeech.json"
    path.write_text(json.dumps({"root_path": "/", "samples": samples}))
    return path


def _stand_in() -> None:
    """Replace the modules that its model and loader import, as far as training asks for them."""

    class Anything:
        def __init__(self, *_: Any, **options: Any) -> None:
            self.__dict__.update(options)

    names = ("SpectConfig", "AugmentationConfig", "OptimConfig", "AdamConfig", "SGDConfig")
    kinds = {name: type(name, (Anything,), {}) for name in (*names, "UniDirectionalConfig")}
    kinds["BiDirectionalConfig"] = type("BiDirectionalConfig", (Anything,), {})
    metric = type("Metric", (nn.Module,), {"__init__": lambda self, **_: nn.Module.__init__(self)})
    modules: dict[str, dict[str, Any]] = {
        "omegaconf": {"OmegaConf": SimpleNamespace(get_type=type)},
        "sox": {},
        "deepspeech_pytorch.configs.train_config": kinds,
        "deepspeech_pytorch.decoder": {"GreedyDecoder": Anything},
        "deepspeech_pytorch.validation": {"CharErrorRate": metric, "WordErrorRate": metric},
        "deepspeech_pytorch.enums": {"RNNType": enum.Enum},
    }
    for name, contents in modules.items():
        module = ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module

    def load(path: str) -> tuple[torch.Tensor, int]:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T), rate

    def no_init(self: Any, data_source: Any = None) -> None:
        pass

    torch.utils.data.Sampler.__init__ = no_init  # type: ignore[assignment]
    torchaudio.load = load
    torchaudio.set_audio_backend = lambda name: None
