"""Paths, small models and noise that tests share; the fixtures stand in shared_fixtures.py."""

import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared/data"
AN4 = Path(os.environ.get("ASR_AN4_ARCHIVE", DATA / "an4_sphere.tar.gz"))
FSDD = Path(os.environ.get("ASR_FSDD_ARCHIVE", DATA / "free-spoken-digit-dataset.tar.gz"))
LIBRISPEECH = Path(os.environ.get("ASR_LIBRISPEECH_SAMPLE", DATA / "librispeech_sample"))


def pytest_configure(config):
    """Register the fixtures, which recipes/conftest.py registers too."""
    config.pluginmanager.import_plugin("shared_fixtures")


def make_info(**encoder):
    """Return the description of a small model."""
    from asr.model.config import EncoderConfig, FeatureConfig
    from asr.model.directory import ModelInfo
    from asr.text import Vocabulary

    options = {"layers": 2, "hidden_size": 16, "channels": 4} | encoder
    vocabulary = Vocabulary.from_characters(" 'abcdefghijklmnopqrstuvwxyz")
    return ModelInfo(vocabulary, FeatureConfig(), EncoderConfig(**options))


def make_network(info, seed=0):
    """Return a torch model with random weights."""
    import torch

    from asr.training.model import AcousticModel

    torch.manual_seed(seed)
    return AcousticModel(info.features, info.encoder, len(info.vocabulary)).eval()


def write_network(folder, network, info):
    """Write a model directory that holds the graphs of a torch model and nothing else."""
    from asr.model.directory import write_model
    from asr.training.export import build_graph

    graph = build_graph(network, info).SerializeToString()
    return write_model(folder, info, {"model.onnx": graph})


def noise(count, seed=0, level=0.1):
    """Return white noise (count,) float32 whose standard deviation is ``level``."""
    return np.random.default_rng(seed).normal(0, level, count).astype(np.float32)


def tone(hertz, seconds=1.0, rate=16000):
    """Return a tone (round(seconds * rate),) float64 of amplitude 0.5."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
