"""Faults 1, 6 to 10: what is not audio, containers and encodings, channels, rates, bad samples."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio import MAX_CHANNELS, read_audio, stream_audio
from asr.errors import AudioError


def encode(samples, rate=16000, **options):
    data = io.BytesIO()
    soundfile.write(data, samples, rate, **options)
    return data.getvalue()


def sine(rate, seconds=1.0, frequency=440.0):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(
        np.float32
    )


# Fault 1
def test_missing_empty_folder_and_text(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("This is not audio, whatever its name says.\n" * 100)
    for name, message in [
        ("none.wav", "no such file"),
        ("empty.wav", "0 bytes"),
        ("text.wav", "not readable as audio"),
        ("", "is a folder"),
    ]:
        with pytest.raises(AudioError, match=message) as error:
            read_audio(tmp_path / name, 16000)
        assert str(tmp_path / name) in str(error.value)


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


# Fault 6
@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [
        ("WAV", "PCM_24", 1e-5),
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "DOUBLE", 1e-6),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "ALAW", 3e-2),
        ("WAV", "ULAW", 3e-2),
        ("WAVEX", "PCM_16", 1e-4),
        ("RF64", "PCM_16", 1e-4),
        ("NIST", "PCM_16", 1e-4),
        ("FLAC", "PCM_16", 1e-4),
    ],
)
def test_encodings(container, subtype, tolerance):
    samples = sine(16000)
    audio = read_audio(encode(samples, format=container, subtype=subtype), 16000)
    assert audio.source_rate == 16000 and audio.duration == 1.0
    np.testing.assert_allclose(audio.samples, samples, atol=tolerance)


def test_trailing_chunks_are_not_audio():
    samples = sine(16000)
    data = encode(samples, format="WAV", subtype="PCM_24")
    data += b"LIST" + (4).to_bytes(4, "little") + b"junk"
    data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    np.testing.assert_allclose(read_audio(data, 16000).samples, samples, atol=1e-5)


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


# Fault 7
@pytest.mark.parametrize("channels", [2, 6, MAX_CHANNELS])
def test_channels_are_averaged(channels):
    samples = np.stack([noise(1000, seed) for seed in range(channels)], axis=1)
    audio = read_audio(encode(samples, format="WAV", subtype="FLOAT"), 16000)
    assert audio.channels == channels
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=1e-6)


def test_too_many_channels():
    data = encode(np.zeros((10, MAX_CHANNELS + 1)), format="WAV")
    with pytest.raises(AudioError, match="17 channels; at most 16"):
        read_audio(data, 16000)


# Fault 8
@pytest.mark.parametrize("rate", [1, 1999, 10_000_000])
def test_absurd_rates(rate):
    with pytest.raises(AudioError, match=f"sample rate {rate} Hz; needs 2000 to 384000"):
        read_audio(encode(np.zeros(100), rate, format="WAV"), 16000)


def test_rate_zero():
    data = bytearray(encode(np.zeros(100), format="WAV"))
    data[24:28] = bytes(4)
    with pytest.raises(AudioError):
        read_audio(bytes(data), 16000)


# Fault 9
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_resampling_keeps_a_tone(rate):
    audio = read_audio(encode(sine(rate), rate, format="WAV", subtype="FLOAT"), 16000)
    assert (audio.source_rate, len(audio.samples)) == (rate, 16000)
    np.testing.assert_allclose(audio.samples[500:-500], sine(16000)[500:-500], atol=2e-3)


# Fault 10
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(value):
    samples = noise(5000)
    samples[1234] = value
    with pytest.raises(AudioError, match="sample 1234 is"):
        read_audio(encode(samples, format="WAV", subtype="FLOAT"), 16000)


def test_length_is_counted_while_decoding():
    data = encode(np.zeros(16000 * 3), format="FLAC")
    with pytest.raises(AudioError, match="split it"):
        read_audio(data, 16000, max_seconds=2)


def test_standard_input():
    program = "from asr.audio import read_audio; a = read_audio('-', 16000); print(len(a.samples))"
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
    data = encode(np.zeros(0), rate, format="WAV")
    assert sum(map(len, stream_audio(data, 16000))) == 0


@pytest.mark.parametrize("read", [read_audio, lambda *given: list(stream_audio(*given))])
def test_faults_late_in_a_recording(read):
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
