"""Faults 11 and 12, batches against single files, and what callers hand in."""

import numpy as np
import pytest
import soundfile
from conftest import ROOT, noise

import asr
from asr.errors import AudioError
from asr.transcriber import Transcriber, Transcript, _batches

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.fixture(scope="module")
def transcriber():
    return Transcriber()


# Fault 11
@pytest.mark.parametrize("level", [0.0, 0.5, -1.0])
def test_silence_and_direct_current(transcriber, level):
    transcript = transcriber.transcribe(np.full(32000, level, np.float32))
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.warnings == ("no signal: all samples are equal",)


@pytest.mark.parametrize("level", [5.0, 1.0, 0.1, 1e-5])
def test_noise_is_no_speech(transcriber, level):
    """From full scale, clipped, to the last bits: no text, or none that the model is sure of."""
    for seed in range(3):
        samples = np.clip(noise(48000, seed, level), -1, 1)
        assert np.isfinite(transcriber.log_probs(samples)).all()
        words = transcriber.transcribe(samples).words
        assert all(word.confidence < 0.5 for word in words)


def test_silence_inside_a_batch_has_finite_features(transcriber):
    assert np.isfinite(transcriber.log_probs(np.zeros(16000, np.float32))).all()


# Fault 12
@pytest.mark.parametrize("count", [0, 1, 399, 639])
def test_shorter_than_one_window_or_frame(transcriber, count):
    transcript = transcriber.transcribe(noise(count))
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.duration == count / 16000
    assert "shorter than one frame of 40 ms" in transcript.warnings[0]


@pytest.mark.parametrize("count", [640, 641, 1000])
def test_the_shortest_that_is_recognised(transcriber, count):
    assert transcriber.transcribe(noise(count)).warnings == ()


def test_batches_equal_single_files(transcriber, tmp_path):
    for index, seconds in enumerate((0.0, 0.01, 0.3, 1.7)):
        soundfile.write(tmp_path / f"{index}.wav", noise(int(16000 * seconds), index), 16000)
    paths = [*SAMPLES, *sorted(tmp_path.iterdir())]
    single = [transcriber.transcribe(path) for path in paths]
    for size in (1, 3, 16):
        many = list(transcriber.transcribe_many(paths, size))
        for ours, expected in zip(many, single, strict=True):
            assert (ours.text, ours.duration, ours.warnings) == (
                expected.text,
                expected.duration,
                expected.warnings,
            )
            for a, b in zip(ours.words, expected.words, strict=True):
                assert (a.text, a.start, a.end) == (b.text, b.start, b.end)
                assert a.confidence == pytest.approx(b.confidence, abs=1e-3)


def test_order_survives_more_files_than_are_read_ahead(transcriber):
    paths = [SAMPLES[i % 3] for i in range(40)]
    texts = [item.text for item in transcriber.transcribe_many(paths, 2)]
    assert texts == [transcriber.transcribe(path).text for path in paths[:3]] * 13 + texts[:1]


def test_errors_stand_in_their_place(transcriber):
    results = list(transcriber.transcribe_many([SAMPLES[0], "none.wav", SAMPLES[1]]))
    assert isinstance(results[1], AudioError)
    assert isinstance(results[0], Transcript) and isinstance(results[2], Transcript)


def test_words_lie_in_order_inside_the_audio(transcriber):
    for path in SAMPLES:
        transcript = transcriber.transcribe(path)
        times = [time for word in transcript.words for time in (word.start, word.end)]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= transcript.duration
        assert " ".join(word.text for word in transcript.words) == transcript.text


def test_samples_at_another_rate(transcriber):
    samples, rate = soundfile.read(SAMPLES[0], dtype="float64")
    expected = transcriber.transcribe(SAMPLES[0])
    assert transcriber.transcribe(samples, rate) == expected
    doubled = np.repeat(samples, 2)
    assert transcriber.transcribe(doubled, 2 * rate).duration == expected.duration


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 100), np.float32), None, r"shape \(n,\)"),
        (np.zeros(100, np.int16), None, "int16"),
        (np.array([0, np.nan]), None, "sample 1 is nan"),
        (np.zeros(100), 10, "sample_rate is 10"),
    ],
)
def test_unusable_samples(transcriber, samples, rate, message):
    with pytest.raises(AudioError, match=message):
        transcriber.transcribe(samples, rate)


def test_batches_are_bounded():
    waves = {i: noise(n) for i, n in enumerate([100, 900, 100, 120, 800, 5000])}
    assert _batches(waves, 2, 2000) == [[0, 2], [3, 4], [1], [5]]


def test_python_interface():
    assert asr.transcribe(SAMPLES[0]) == asr.load().transcribe(SAMPLES[0].read_bytes())
