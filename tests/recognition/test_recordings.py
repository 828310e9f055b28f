"""A long recording is decoded once, if there is room to keep it for the second pass."""

import errno
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
from asr.recognition.recordings import LongRecording, Passes, ShortRecording, read_recording

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


@pytest.mark.parametrize("in_memory", [0, 300_000, 10 * 4 * RATE, 1 << 30])
def test_the_second_pass_gets_what_the_first_one_decoded(
    monkeypatch, decoded, no_files_left, in_memory
):
    monkeypatch.setattr(recordings, "MAX_IN_MEMORY", in_memory)
    passes = Passes(FLAC, RATE)
    check(passes())
    check(passes())
    assert len(decoded) == 1
    # Nothing is kept for a third pass.
    check(passes())
    assert len(decoded) == 2


def test_a_pass_goes_on_where_another_has_ended(monkeypatch, decoded, no_files_left):
    monkeypatch.setattr(recordings, "MAX_IN_MEMORY", 500_000)
    passes = Passes(FLAC, RATE)
    for count in (1, 3, 2, 4):
        begun = passes()
        for _ in range(count):
            next(begun)
        begun.close()
    check(passes())
    check(passes())
    assert len(decoded) == 1


def no_room(count, error):
    """Return a class of temporary files that have room for ``count`` writes.

    The write that follows is cut short, or raises ``error`` if there is one.
    """

    class Full:
        def __init__(self):
            self.left = count

        def write(self, data):
            self.left -= 1
            if self.left < 0:
                if error:
                    raise error
                return len(data) // 2
            return len(data)

        def seek(self, offset):
            return offset

        def close(self):
            pass

    return Full


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("error", [None, OSError(errno.ENOSPC, "No space left on device")])
def test_no_room_for_temporary_files(monkeypatch, decoded, no_files_left, count, error):
    monkeypatch.setattr(recordings, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(recordings, "_temporary_file", no_room(count, error))
    passes = Passes(FLAC, RATE)
    for _ in range(3):
        check(passes())
    assert len(decoded) == 3


def test_more_than_is_kept(monkeypatch, decoded, no_files_left):
    """A recording that is larger than the limits is decoded in each pass."""
    monkeypatch.setattr(recordings, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(recordings, "MAX_ON_DISK", 300_000)
    passes = Passes(FLAC, RATE)
    for _ in range(2):
        check(passes())
    assert len(decoded) == 2


def test_no_folder_for_temporary_files(monkeypatch, tmp_path, decoded):
    monkeypatch.setattr(recordings, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(recordings.tempfile, "tempdir", str(tmp_path / "none"))
    passes = Passes(FLAC, RATE)
    for _ in range(2):
        check(passes())
    assert len(decoded) == 2


@pytest.mark.parametrize("seconds", [19, 21])
def test_reading_a_recording(small_model, decoded, no_files_left, seconds):
    info = read_model(small_model)
    data = encode(SAMPLES, format="WAV", subtype="FLOAT")[:-4000]
    recording = read_recording(data, info, seconds)
    meter = AudioMeter(info.sample_rate, info.min_samples)
    if seconds == 19:
        assert isinstance(recording, LongRecording)
        check(recording.open(meter), SAMPLES[:-1000])
        check(recording.open(None), SAMPLES[:-1000])
    else:
        assert isinstance(recording, ShortRecording)
        check([recording.samples], SAMPLES[:-1000])
        meter = recording.meter
    assert meter.duration == 20 - 1000 / RATE
    assert meter.warnings == ["the header promises 20.0 s, the file holds 19.9 s: truncated?"]
    assert len(decoded) == 1


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
