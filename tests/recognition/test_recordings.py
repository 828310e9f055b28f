"""Short recordings are read whole, long ones as far as is needed to know that they are long."""

import os

import numpy as np
import pytest
from conftest import noise
from fuzz_audio import encode

from asr.audio.meter import AudioMeter
from asr.audio.read import read_audio
from asr.errors import AudioError
from asr.model.directory import read_model
from asr.recognition import recordings
from asr.recognition.recordings import LongRecording, ShortRecording, read_recording

RATE = 16000
SAMPLES = noise(20 * RATE)
FLAC = encode(SAMPLES, format="FLAC")
EXPECTED = read_audio(FLAC, RATE).samples


@pytest.fixture
def decoded(monkeypatch):
    """A list of the sources that are opened for decoding."""
    opened, open_audio = [], recordings.open_audio

    def counted(source, *args, **options):
        opened.append(source)
        return open_audio(source, *args, **options)

    monkeypatch.setattr(recordings, "open_audio", counted)
    return opened


@pytest.fixture
def no_files_left():
    """A check that every file that the test opens is closed."""
    before = len(os.listdir("/dev/fd"))
    yield
    assert len(os.listdir("/dev/fd")) == before


def check(blocks, expected=EXPECTED):
    """Assert that blocks, joined, are the expected samples."""
    np.testing.assert_array_equal(np.concatenate([*blocks]), expected)


@pytest.mark.parametrize("seconds", [19, 21])
def test_reading_a_recording(small_model, decoded, no_files_left, seconds):
    info = read_model(small_model)
    data = encode(SAMPLES, format="WAV", subtype="FLOAT")[:-4000]
    recording = read_recording(data, info, seconds)
    meter = AudioMeter(info.sample_rate, info.min_samples)
    if seconds == 19:
        assert isinstance(recording, LongRecording)
        check(recording.open(meter), SAMPLES[:-1000])
        assert len(decoded) == 1  # the pass went on where the beginning had been read
        check(recording.open(None), SAMPLES[:-1000])
    else:
        assert isinstance(recording, ShortRecording)
        check([recording.samples], SAMPLES[:-1000])
        meter = recording.meter
    assert meter.duration == 20 - 1000 / RATE
    assert meter.warnings == ["the header promises 20.0 s, the file holds 19.9 s: truncated?"]
    assert len(decoded) == (2 if seconds == 19 else 1)


def test_a_long_recording_that_is_not_opened_is_closed(small_model, tmp_path, no_files_left):
    path = tmp_path / "a.flac"
    path.write_bytes(FLAC)
    recording = read_recording(path, read_model(small_model), 5)
    assert isinstance(recording, LongRecording)
    del recording


def test_a_fault_behind_the_beginning(small_model):
    """A sample that is not finite is found behind the first five seconds too."""
    samples = SAMPLES.copy()
    samples[15 * RATE] = np.nan
    data = encode(samples, format="WAV", subtype="FLOAT")
    recording = read_recording(data, read_model(small_model), 5)
    with pytest.raises(AudioError, match=f"sample {15 * RATE} is nan"):
        list(recording.open(None))
