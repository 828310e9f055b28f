"""Reading and streaming of recordings; test_faults.py reads faulty ones."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import noise
from fuzz_audio import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.read import MAX_CHANNELS, open_audio, read_audio, stream_audio
from asr.errors import AudioError


def sine(rate, seconds=1.0, frequency=440.0):
    """Return a sine (int(rate * seconds),) float32 of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(
        np.float32
    )


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_arbitrary_bytes_are_decoded_or_refused(data):
    try:
        audio = read_audio(data, 16000)
    except AudioError:
        return
    assert np.isfinite(audio.samples).all()


@settings(deadline=None)
@given(st.data())
def test_damaged_wav_is_decoded_or_refused(data):
    good = bytearray(encode(noise(400), format="WAV"))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, 99))] = data.draw(st.integers(0, 255))
    try:
        audio = read_audio(bytes(good), 16000)
    except AudioError:
        return
    assert audio.samples.ndim == 1 and np.isfinite(audio.samples).all()


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "OPUS"), ("OGG", "VORBIS"), ("MP3", None)]
)
def test_lossy_encodings_keep_the_tone(container, subtype):
    samples = sine(16000)
    audio = read_audio(encode(samples, format=container, subtype=subtype), 16000)
    assert abs(audio.duration - 1.0) < 0.1
    middle = audio.samples[4000:12000] * np.hanning(8000)
    spectrum = np.abs(np.fft.rfft(middle))
    assert abs(np.argmax(spectrum) * 16000 / 8000 - 440) <= 2


def test_length_is_counted_while_decoding():
    """Audio that is longer than the limit is refused while it is decoded."""
    data = encode(np.zeros(16000 * 3), format="FLAC")
    with pytest.raises(AudioError, match="split it"):
        read_audio(data, 16000, max_seconds=2)


def test_standard_input():
    """The name - stands for standard input."""
    program = (
        "from asr.audio.read import read_audio; a = read_audio('-', 16000); print(len(a.samples))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=encode(sine(16000), format="FLAC"),
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == b"16000"


@pytest.mark.parametrize(
    "rate", [2000, 7999, 8000, 11025, 16000, 22050, 44100, 48000, 96000, 384000]
)
def test_a_stream_is_what_reading_gives(rate):
    """The blocks of a stream are the samples that reading at once gives."""
    samples = np.stack([noise(int(2.7 * rate) + 13, seed) for seed in (0, 1)], axis=1)
    data = encode(samples, rate, format="WAV", subtype="FLOAT")
    whole = read_audio(data, 16000).samples
    blocks = list(stream_audio(data, 16000))
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    streamed = np.concatenate(blocks)
    assert len(streamed) == len(whole)
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_stream_without_samples(rate):
    """A file without samples gives a stream without samples."""
    data = encode(np.zeros(0), rate, format="WAV")
    assert sum(map(len, stream_audio(data, 16000))) == 0


@pytest.mark.parametrize("read", [read_audio, lambda *given: list(stream_audio(*given))])
def test_faults_late_in_a_recording(read):
    """Reading and streaming refuse the same recordings with the same messages."""
    samples = noise(200_000)
    samples[150_000] = np.nan
    with pytest.raises(AudioError, match="sample 150000 is nan"):
        read(encode(samples, format="WAV", subtype="FLOAT"), 16000)
    with pytest.raises(AudioError, match="longer than"):
        read(encode(np.zeros(16000 * 3), format="FLAC"), 16000, 2)
    with pytest.raises(AudioError, match="17 channels"):
        read(encode(np.zeros((10, MAX_CHANNELS + 1)), format="WAV"), 16000)
    with pytest.raises(AudioError, match="not readable as audio"):
        read(b"not audio", 16000)


def mp3_without_count(samples):
    """Return an MP3 without its first, silent frame, which counts the others, as recorders do."""
    data = encode(samples, format="MP3")
    assert b"Info" in data[:200] or b"Xing" in data[:200]
    return data[data.index(data[:2], 100) :]


def test_mp3_whose_header_does_not_count():
    """An MP3 is read to its end without a warning, with and without a count of frames."""
    quiet_then_loud = np.concatenate(
        [np.zeros(16000 * 5, np.float32), noise(16000 * 20, level=0.3)]
    )
    for data in (mp3_without_count(quiet_then_loud), encode(quiet_then_loud, format="MP3")):
        audio = read_audio(data, 16000)
        assert audio.warnings == ()
        assert abs(audio.duration - 25) < 0.1


def test_what_a_stream_says_of_itself(tmp_path):
    """A stream tells its name, rate, channels and length, and at its end its warnings."""
    path = tmp_path / "stereo.wav"
    path.write_bytes(encode(np.zeros((88200, 2)), 44100, format="WAV")[:-44100])
    with open_audio(path, 16000) as stream:
        assert (stream.name, stream.source_rate, stream.channels) == (str(path), 44100, 2)
        assert (stream.claimed_seconds, stream.warnings) == (2.0, [])
        count = sum(map(len, stream))
        assert next(stream, None) is None
    assert abs(count / 16000 - 1.75) < 0.001
    assert stream.warnings == ["the header promises 2.0 s, the file holds 1.8 s: truncated?"]


def test_a_stream_that_is_left_early(tmp_path):
    """A stream that is left early closes its file and gives no more blocks."""
    path = tmp_path / "long.flac"
    path.write_bytes(encode(noise(500_000), format="FLAC"))
    opened = len(os.listdir("/dev/fd"))
    with open_audio(path, 16000) as stream:
        assert len(next(stream)) and len(os.listdir("/dev/fd")) > opened
    assert len(os.listdir("/dev/fd")) == opened
    assert next(stream, None) is None


@pytest.mark.parametrize("container", ["MP3", "OGG"])
def test_files_that_fail_are_closed(tmp_path, monkeypatch, container):
    monkeypatch.setenv("PATH", "")
    path = tmp_path / "cut"
    path.write_bytes(encode(noise(16000), format=container)[:300])
    opened = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(AudioError, match="not readable"):
            read_audio(path, 16000)
    assert len(os.listdir("/dev/fd")) == opened


def test_headerless_files():
    """Raw samples are read at the rate that is given."""
    samples = noise(1000)
    data = encode(samples, format="RAW", subtype="PCM_16", endian="LITTLE")
    with open_audio(data, 16000, raw_rate=16000) as stream:
        np.testing.assert_allclose(np.concatenate(list(stream)), samples, atol=1e-4)
    assert stream.claimed_seconds is None
    with pytest.raises(AudioError, match="sample rate 1 Hz"):
        open_audio(data, 16000, raw_rate=1)
