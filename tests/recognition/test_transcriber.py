"""The transcriber handles silence, noise, odd samples, batches and long recordings."""

import itertools
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import ROOT, noise

import asr
from asr.errors import AudioError
from asr.recognition.batches import divide
from asr.recognition.live import LiveConfig
from asr.recognition.recordings import LiveRecording
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.fixture(scope="module")
def transcriber():
    """A transcriber with the default model."""
    return Transcriber()


@pytest.mark.parametrize("level", [0.0, 0.5, -1.0])
def test_silence_and_direct_current(transcriber, level):
    transcript = transcriber.transcribe(np.full(32000, level, np.float32))
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.warnings == ("no signal: all samples are equal",)


@pytest.mark.parametrize("level", [5.0, 1.0, 0.1, 1e-5])
def test_noise_is_no_speech(transcriber, level):
    """Noise of any level gives no text, or words of which the model is not sure.

    The levels go from full scale, where samples are clipped, down to the last bits.
    """
    for seed in range(3):
        samples = np.clip(noise(48000, seed, level), -1, 1)
        assert np.isfinite(transcriber.log_probs(samples)).all()
        words = transcriber.transcribe(samples).words
        assert all(word.confidence < 0.5 for word in words)


def test_silence_inside_a_batch_has_finite_features(transcriber):
    assert np.isfinite(transcriber.log_probs(np.zeros(16000, np.float32))).all()


@pytest.mark.parametrize("count", [0, 1, 399, 639])
def test_shorter_than_one_window_or_frame(transcriber, count):
    transcript = transcriber.transcribe(noise(count))
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.duration == count / 16000
    assert "shorter than one frame of 40 ms" in transcript.warnings[0]


@pytest.mark.parametrize("count", [640, 641, 1000])
def test_the_shortest_that_is_recognised(transcriber, count):
    warnings = transcriber.transcribe(noise(count)).warnings
    assert not any("nothing to recognise" in warning for warning in warnings)


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
    """The result of a file that cannot be read is its error."""
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
        (np.array([0, 0, 1e30]), None, "sample 2 is 1"),
        (np.zeros(100), 10, "sample_rate is 10"),
    ],
)
def test_unusable_samples(transcriber, samples, rate, message):
    with pytest.raises(AudioError, match=message):
        transcriber.transcribe(samples, rate)


def test_batches_are_bounded():
    lengths = dict(enumerate([100, 900, 100, 120, 800, 5000]))
    assert divide(lengths, 2, 2000) == [[0, 2], [3, 4], [1], [5]]


def test_a_named_pipe_is_heard_once(transcriber, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(SAMPLES[0].read_bytes()))
    writer.start()
    heard, read = transcriber.transcribe(pipe), transcriber.transcribe(SAMPLES[0])
    writer.join()
    # The statistics of a stream are summed up by other means than those of a file.
    sure = [word.confidence for word in read.words]
    assert [word.confidence for word in heard.words] == pytest.approx(sure, abs=1e-4)
    words = zip(heard.words, read.words, strict=True)
    words = tuple(replace(word, confidence=same.confidence) for word, same in words)
    assert replace(heard, words=words) == read


def test_python_interface():
    """The functions of the package give the transcripts of the transcriber."""
    assert asr.transcribe(SAMPLES[0]) == asr.load().transcribe(SAMPLES[0].read_bytes())


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory):
    """A recording of three minutes, and the time at which each sample begins.

    It consists of the samples with faint noise of two seconds between them.
    """
    path = tmp_path_factory.mktemp("long") / "long.flac"
    parts, borders, seconds = [], [], 0.0
    for index in itertools.count():
        samples, rate = soundfile.read(SAMPLES[index % len(SAMPLES)], dtype="float32")
        parts += [samples, noise(2 * rate, index, 1e-4)]
        borders.append(seconds)
        seconds += len(samples) / rate + 2
        if seconds > 180:
            break
    soundfile.write(path, np.concatenate(parts), rate)
    return path, [*borders, seconds]


@pytest.mark.parametrize("decoder", ["greedy", "beam"])
def test_a_long_recording_is_the_sum_of_its_parts(long_recording, decoder):
    """A long recording has a segment for each sample that it was made of."""
    path, borders = long_recording
    transcriber = Transcriber(decoder=decoder)
    transcript = transcriber.transcribe(path)
    assert transcript.duration == pytest.approx(soundfile.info(path).duration)
    # Each sample has a segment of its own, in its place.
    parts = zip(transcript.segments, itertools.pairwise(borders), strict=True)
    assert all(begin < part.start and part.end < end - 1.5 for part, (begin, end) in parts)
    # The loudest sets the level of all, so they are not recognised as well as one by one.
    texts = [path.with_suffix(".txt").read_text() for path in SAMPLES] * 9
    said = [segment.text for segment in transcript.segments]
    assert asr.score(texts[: len(said)], said).wer < 0.15
    assert transcript.text == " ".join(said)
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times) and times[-1] <= transcript.duration
    assert list(transcriber.transcribe_many([path])) == [transcript]
    samples, _ = soundfile.read(path, dtype="float32")
    assert transcriber.transcribe(samples) == transcript


def test_a_long_recording_is_recognised_as_in_one_piece(long_recording, transcriber, monkeypatch):
    windowed = transcriber.transcribe(long_recording[0])
    monkeypatch.setattr("asr.recognition.transcriber.SHORT_SECONDS", 1000.0)
    whole = transcriber.transcribe(long_recording[0])
    # The network need not give a space where a pause parts two words.
    assert windowed.text.replace(" ", "") == whole.text.replace(" ", "")
    frame = transcriber.model.frame_stride / transcriber.model.sample_rate
    places = {(word.text, round(word.start / frame)) for word in whole.words}
    near = [
        any((word.text, round(word.start / frame) + move) in places for move in (-1, 0, 1))
        for word in windowed.words
    ]
    assert np.mean(near) > 0.8  # the rest are words that it did not part


def test_segments_come_while_the_recording_is_read(long_recording):
    """Readable segments come later: many words are read together (see test_display)."""
    transcriber = Transcriber(display=False)
    stream = transcriber.stream(long_recording[0])
    segments = []
    for segment in stream:
        segments.append(segment)
        if len(segments) == 1:
            assert stream.transcript is None and stream.position < 60
    assert tuple(segments) == stream.transcript.segments
    assert list(stream) == []
    other = transcriber.stream(long_recording[0])
    assert next(iter(other)) == segments[0]
    assert other.finish() == stream.transcript


def test_live_segments_come_when_the_pause_is_long_enough(long_recording, transcriber, monkeypatch):
    """The delay is counted in audio that was read until then, without reading ahead."""
    monkeypatch.setattr(
        "asr.recognition.transcriber.prefetch_groups", lambda items, _: ([item] for item in items)
    )
    path, borders = long_recording
    samples, rate = soundfile.read(path, dtype="float32", stop=round(16000 * borders[4]))
    read, partials = [], []

    def blocks(meter):
        for block in np.array_split(samples, 10 * len(samples) // rate):
            read.append(len(block))
            meter.add(block)
            yield block

    config = LiveConfig(endpoint_seconds=0.8)
    stream = transcriber._stream(LiveRecording(blocks), config, partials.append)
    late = [sum(read) / rate - segment.end for segment in stream]
    assert len(late) == 4
    assert min(late) > 0.3 and max(late) < 0.8 + 0.3
    assert any(partial.stable for partial in partials)
    assert len(stream.transcript.segments) == len(late)


def test_log_probs_of_a_long_recording(long_recording, transcriber):
    path, _ = long_recording
    samples, _ = soundfile.read(path, dtype="float32")
    (many,) = transcriber.log_probs_many([path])
    np.testing.assert_array_equal(many, transcriber.log_probs(samples))
    assert len(many) == transcriber.model.num_frames(len(samples))


def test_long_and_short_and_broken_recordings_together(long_recording, transcriber, tmp_path):
    path, _ = long_recording
    samples, rate = soundfile.read(path, dtype="float32")
    samples[170 * rate] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, rate, "FLOAT")
    told = []
    sources = [SAMPLES[0], path, tmp_path / "nan.wav", SAMPLES[1], "none.wav"]
    results = list(transcriber.transcribe_many(sources, 2, progress=told.append))
    assert isinstance(results[2], AudioError) and "finite" in str(results[2])
    assert isinstance(results[4], AudioError)
    for index in (0, 1, 3):
        assert results[index] == transcriber.transcribe(sources[index])
    assert told == sorted(told) and told[-1] == pytest.approx(results[1].duration, abs=5)
