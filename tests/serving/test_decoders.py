"""Decoders are processes that files cannot make outlive their limits."""

import io
import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from waiting import wait_for

from asr.audio.read import read_audio
from asr.errors import AudioError
from asr.serving.decoders import Decoders
from asr.serving.settings import Settings

NAME = ROOT / "samples/flite-slt-spelled-name.wav"


@pytest.fixture
def decoders():
    """A function that makes decoders with these settings; it counts those that died."""
    made = []

    def make(count=1, seconds=30.0, **settings):
        deaths = []
        made.append(Decoders(Settings(**settings), count, seconds, lambda: deaths.append(1)))
        made[-1].deaths = deaths
        return made[-1]

    yield make
    for item in made:
        item.close()


def processes(decoders):
    return [item._process for item in decoders._all]


def silence(seconds):
    """Return a file of silence."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(16000 * seconds, np.int16), 16000, format="FLAC")
    return file.getvalue()


def temporary(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    return path.open("rb")


@pytest.mark.parametrize("rate", [16000, 8000])
def test_same_samples(decoders, rate):
    pool, warnings = decoders(), []
    for _ in range(2):
        with NAME.open("rb") as file:
            samples = np.concatenate([*pool.decode(file, rate, warnings)])
        np.testing.assert_array_equal(samples, read_audio(NAME, rate).samples)
    assert len(processes(pool)) == 1 and not pool.deaths and warnings == []


def test_warnings(decoders, tmp_path):
    warnings = []
    with temporary(tmp_path, NAME.read_bytes()[:-20000]) as file:
        list(decoders().decode(file, 16000, warnings))
    assert "truncated?" in warnings[0]


def test_errors_are_those_of_reading(decoders, tmp_path):
    pool = decoders()
    with temporary(tmp_path, b"no audio") as file, pytest.raises(AudioError) as raised:
        list(pool.decode(file, 16000, []))
    assert str(raised.value).startswith("not readable as audio (unknown format)")
    with NAME.open("rb") as file:
        assert list(pool.decode(file, 16000, []))
    assert not pool.deaths


def test_duration(decoders, tmp_path):
    pool = decoders(max_seconds=60.0)
    with temporary(tmp_path, silence(90)) as file, pytest.raises(AudioError, match="longer than 1"):
        list(pool.decode(file, 16000, []))


def test_time(decoders, tmp_path):
    """One that takes too long is ended, and replaced for the next file."""
    pool = decoders(seconds=3.0)
    pool.warm()
    (process,) = processes(pool)
    process.send_signal(signal.SIGSTOP)
    with NAME.open("rb") as file:
        with pytest.raises(AudioError, match="takes too long"):
            list(pool.decode(file, 16000, []))
        assert process.returncode == -signal.SIGKILL
        assert list(pool.decode(file, 16000, []))
    assert len(pool.deaths) == 1


def test_memory(decoders, tmp_path):
    """One that needs too much memory fails; the server's own memory is not touched."""
    pool = decoders(decode_memory=100 << 20)
    with NAME.open("rb") as file, pytest.raises(AudioError):
        list(pool.decode(file, 16000, []))


def test_crash(decoders, tmp_path):
    pool = decoders()
    with temporary(tmp_path, silence(600)) as file:
        blocks = pool.decode(file, 16000, [])
        next(blocks)
        (process,) = processes(pool)
        process.send_signal(signal.SIGSEGV)
        with pytest.raises(AudioError, match="the decoder failed"):
            list(blocks)
        assert sum(map(len, pool.decode(file, 16000, []))) == 600 * 16000
    assert len(pool.deaths) == 1


def test_given_up(decoders, tmp_path):
    """A file that nobody waits for any more ends, and its decoder takes the next one."""
    pool = decoders()
    with temporary(tmp_path, silence(600)) as file:
        with closing(pool.decode(file, 16000, [])) as blocks:
            next(blocks)
        with pytest.raises(AudioError, match="nobody waits"):
            list(pool.decode(file, 16000, [], lambda: False))
    with NAME.open("rb") as file:
        assert list(pool.decode(file, 16000, []))
    assert len(processes(pool)) == 1 and not pool.deaths


def test_it_may_write_no_file_and_ends_with_the_pool(decoders):
    pool = decoders()
    pool.warm()
    (process,) = processes(pool)
    limits = Path(f"/proc/{process.pid}/limits")
    wait_for(lambda: "Max file size 0 0 bytes" in " ".join(limits.read_text().split()))
    pool.close()
    wait_for(lambda: not os.path.exists(f"/proc/{process.pid}"))
