"""Fixtures: small models and recordings made here, and the corpora where they are at hand."""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared/data"
AN4 = Path(os.environ.get("ASR_AN4_ARCHIVE", DATA / "an4_sphere.tar.gz"))
FSDD = Path(os.environ.get("ASR_FSDD_ARCHIVE", DATA / "free-spoken-digit-dataset.tar.gz"))
LIBRISPEECH = Path(os.environ.get("ASR_LIBRISPEECH_SAMPLE", DATA / "librispeech_sample"))
sys.path[:0] = [str(ROOT / folder) for folder in ("recipes/an4", "recipes/cells", "scripts")]


def pytest_configure(config):
    """Threads, which would wait for each other with models as small as these, and a cache."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # numba does not see changes in a file that a compiled function calls: a cache for each state.
    sources = b"".join(path.read_bytes() for path in sorted((ROOT / "asr/decoding").glob("*.py")))
    state = hashlib.sha256(sources).hexdigest()[:16]
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba" / state))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """In CI a skipped test is a failure: nobody reads what was not run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def make_info(**encoder):
    """A description of a small model."""
    from asr.model.config import EncoderConfig, FeatureConfig
    from asr.model.directory import ModelInfo
    from asr.text import Vocabulary

    options = {"layers": 2, "hidden_size": 16, "channels": 4} | encoder
    vocabulary = Vocabulary.from_characters(" 'abcdefghijklmnopqrstuvwxyz")
    return ModelInfo(vocabulary, FeatureConfig(), EncoderConfig(**options))


def make_network(info, seed=0):
    """A torch model with random weights."""
    import torch

    from asr.training.model import AcousticModel

    torch.manual_seed(seed)
    return AcousticModel(info.features, info.encoder, len(info.vocabulary)).eval()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """A model directory with random weights."""
    from asr.training.export import export_model

    folder = tmp_path_factory.mktemp("small") / "model"
    info = make_info()
    export_model(folder, make_network(info), info)
    return folder


@pytest.fixture(scope="session")
def speech():
    """Three seconds of a self-made recording at 16 kHz, float32."""
    samples, rate = soundfile.read(ROOT / "samples/flite-slt-spelled-name.wav", dtype="float32")
    assert rate == 16000
    return samples


@pytest.fixture(scope="session")
def an4(tmp_path_factory):
    """The folder of the prepared AN4 corpus."""
    import prepare

    if not AN4.exists():
        pytest.skip(f"the AN4 archive is not at {AN4}; set ASR_AN4_ARCHIVE to its path")
    folder = tmp_path_factory.mktemp("an4")
    prepare.prepare(AN4, folder)
    return folder


@pytest.fixture(scope="session")
def fsdd(tmp_path_factory):
    """The folder of the prepared spoken digits."""
    import miniatures

    if not FSDD.exists():
        pytest.skip(f"the archive of FSDD is not at {FSDD}; set ASR_FSDD_ARCHIVE to its path")
    folder = tmp_path_factory.mktemp("fsdd")
    miniatures.load("fsdd").prepare(FSDD, folder)
    return folder


@pytest.fixture(scope="session")
def librispeech():
    """The folder of the LibriSpeech sample."""
    if not LIBRISPEECH.is_dir():
        pytest.skip(f"no LibriSpeech sample at {LIBRISPEECH}; name it in ASR_LIBRISPEECH_SAMPLE")
    return LIBRISPEECH


def noise(count, seed=0, level=0.1):
    """White noise (count,) float32."""
    return np.random.default_rng(seed).normal(0, level, count).astype(np.float32)


def tone(hertz, seconds=1.0, rate=16000):
    """A tone (round(seconds * rate),) float64 of amplitude 0.5."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
