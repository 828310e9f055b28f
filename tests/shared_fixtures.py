"""Fixtures of all tests, those of recipes included.

They give small models and recordings, and the corpora where they are at hand.
"""

import os

import pytest
import soundfile
from conftest import AN4, FSDD, LIBRISPEECH, ROOT, make_info, make_network, write_network


def pytest_configure(config):
    """Give each process one thread: with models as small as these, threads would only wait."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Count a skipped test as a failure in CI, where nobody reads which tests were not run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """A model directory with random weights."""
    folder = tmp_path_factory.mktemp("small") / "model"
    info = make_info()
    write_network(folder, make_network(info), info)
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
    import miniatures

    if not AN4.exists():
        pytest.skip(f"the AN4 archive is not at {AN4}; set ASR_AN4_ARCHIVE to its path")
    folder = tmp_path_factory.mktemp("an4")
    miniatures.load("an4").prepare(AN4, folder)
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
