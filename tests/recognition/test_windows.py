"""Windows give a long recording the frames of the whole, and change little else."""

import numpy as np
import pytest
from conftest import make_info, make_network, noise, write_network
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.read import read_audio
from asr.data.manifest import read_manifest
from asr.model.directory import default_model
from asr.model.normalization import normalize_stretches
from asr.model.session import AcousticSession
from asr.recognition.windows import CONTEXT_SECONDS, WINDOW_SECONDS, OnePiece, open_windows


@pytest.fixture(scope="module")
def session(small_model):
    """A session of the small model."""
    return AcousticSession(small_model)


def in_blocks(samples, size=65536):
    """Return a function that yields the samples in blocks."""
    return lambda: (samples[i : i + size] for i in range(0, len(samples), size))


def joined(windows):
    """Return the log-probs of all windows joined, and the number of frames of each."""
    parts = list(windows.log_probs())
    return np.concatenate(parts), [len(part) for part in parts]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60_000), block=st.integers(500, 20_000))
def test_frame_counts(session, count, block):
    windows = open_windows(session, in_blocks(noise(count), block), 0.4, 0.2)
    assert windows.samples == count
    log_probs, _ = joined(windows)
    assert len(log_probs) == windows.frames == session.info.num_frames(count)


@pytest.mark.parametrize("context", [0, 0.2, 2])
@pytest.mark.parametrize("border", range(-2, 3))
def test_around_the_length_of_a_window(session, context, border):
    """A recording shorter than one window and its context is computed as without windows."""
    stride = session.info.frame_stride
    size = 25 * stride + max(stride, round(context * 16000))
    for count in (size + border, size + 25 * stride + border):
        samples = noise(count)
        windows = open_windows(session, in_blocks(samples), 1, context)
        log_probs, _ = joined(windows)
        whole = session.log_probs([samples])[0]
        assert log_probs.shape == whole.shape
        assert isinstance(windows, OnePiece) == (count < size)
        if count < size:
            np.testing.assert_array_equal(log_probs, whole)


def test_no_samples(session):
    windows = open_windows(session, lambda: iter(()))
    assert (windows.samples, windows.frames, list(windows.log_probs())) == (0, 0, [])


def test_parts_of_a_long_recording_are_normalised_apart(session):
    """What is heard in a minute does not depend on how loud the minutes before and after it are."""
    minute = noise(16000 * 60)
    found = []
    for level in (0.001, 1):
        samples = np.concatenate([level * minute, minute, level * minute])
        log_probs, _ = joined(open_windows(session, in_blocks(samples), 20, 5))
        found.append(log_probs[25 * 80 : 25 * 100])
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)
    assert found[0].std() > 0.02


@pytest.mark.parametrize("seconds", [15, 20.003, 44.99, 45.0, 45.015])
def test_features_of_parts_are_those_of_the_whole(session, seconds):
    samples = noise(round(16000 * seconds))
    windows = open_windows(session, in_blocks(samples), 1, 0.5)
    values = np.concatenate([*windows.features()])
    whole = session.features(samples)
    assert len(whole) == session.info.features.num_frames(len(samples))
    np.testing.assert_allclose(values.reshape(whole.shape), whole, atol=2e-4)


def test_without_room_for_the_features_the_recording_is_read_again(session, monkeypatch):
    samples, opened = noise(16000 * 21), []

    def blocks():
        opened.append(True)
        return in_blocks(samples)()

    kept = joined(open_windows(session, blocks, 2, 0.5))
    assert len(opened) == 1
    monkeypatch.setattr("asr.recognition.passes.MAX_IN_MEMORY", 0)
    stored = joined(open_windows(session, blocks, 2, 0.5))
    assert len(opened) == 2 and stored[1] == kept[1]
    np.testing.assert_array_equal(stored[0], kept[0])
    opened.clear()
    monkeypatch.setattr("asr.recognition.passes.MAX_ON_DISK", 0)
    again = joined(open_windows(session, blocks, 2, 0.5))
    assert len(opened) == 2 and again[1] == kept[1]
    np.testing.assert_allclose(again[0], kept[0], atol=1e-4)


def test_windows_meet_on_the_frame_grid(session):
    """The frames of two windows follow each other without a gap.

    With a context that reaches the recording's beginning, the last window is all of it.
    """
    samples = noise(16000 * 5 + 77)
    windows = open_windows(session, in_blocks(samples), 0.5, 4.4)
    log_probs, parts = joined(windows)
    (features,) = normalize_stretches([session.features(samples)], session.info.features)
    (whole,) = session.log_probs_of_features([features])
    first = windows.window + session.info.encoder.padding
    assert parts == [first, len(whole) - first]
    np.testing.assert_array_equal(log_probs[first:], whole[first:])
    np.testing.assert_allclose(log_probs[:first], whole[:first], atol=1e-3)


def test_windows_of_a_pyramid_join_the_frames_that_the_whole_joins(tmp_path):
    """With an odd number of frames between windows, some would join other pairs."""
    info = make_info(layers=3, pyramid=1)
    write_network(tmp_path / "model", make_network(info), info)
    session = AcousticSession(tmp_path / "model")
    for count in (16000 * 9, 16000 * 9 + 700, 16000 * 11 + 1300):
        samples = noise(count)
        windows = open_windows(session, in_blocks(samples), 1, 3.08)
        log_probs, parts = joined(windows)
        assert len(log_probs) == windows.frames and len(parts) >= 8
        whole = session.log_probs([samples])[0]
        np.testing.assert_allclose(log_probs, whole, atol=2e-3)
        assert whole.std() > 0.02


@pytest.mark.parametrize(("seconds", "count"), [(9, 12), (11.7, 12), (12.1, 16), (39.7, 40)])
def test_windows_are_as_long_as_each_other(session, seconds, count):
    """A recording has a multiple of four windows, the longest of which are kept for a second."""
    windows = open_windows(session, in_blocks(noise(int(16000 * seconds))), 1, 0.1)
    _, parts = joined(windows)
    padding = session.info.encoder.padding
    assert len(parts) == count and windows.window <= 25
    assert parts[0] == windows.window + padding
    assert set(parts[1:-1]) == {windows.window} and 0 < parts[-1] <= windows.window + padding


def test_threads_change_nothing(session, monkeypatch):
    samples = noise(16000 * 9)
    results = []
    for threads in (1, 2, 3, 16):
        monkeypatch.setattr(session, "at_once", threads)
        results.append(joined(open_windows(session, in_blocks(samples), 1, 0.5)))
    for log_probs, parts in results[1:]:
        assert parts == results[0][1]
        np.testing.assert_allclose(log_probs, results[0][0], atol=1e-5)


def test_a_recording_of_minutes_is_recognised_as_in_one_piece(an4):
    """Minutes of AN4 give nearly the same posteriors in windows as in one piece.

    The figures for five minutes stand in asr/recognition/windows.py.
    """
    session = AcousticSession(default_model())
    rate = session.info.sample_rate
    recordings = [
        read_audio(item.audio, rate).samples for item in read_manifest(an4 / "test.jsonl")
    ]
    samples = np.concatenate(recordings)[: 290 * rate]
    whole = session.log_probs([samples])[0]
    log_probs, parts = joined(
        open_windows(session, in_blocks(samples), WINDOW_SECONDS, CONTEXT_SECONDS)
    )
    assert len(parts) == 4 and log_probs.shape == whole.shape
    differences = np.abs(np.exp(log_probs) - np.exp(whole)).max(axis=1)
    assert np.median(np.abs(log_probs - whole).max(axis=1)) < 2e-3
    assert np.mean(differences > 0.01) < 2e-3 and differences.max() < 0.1
    assert np.mean(log_probs.argmax(axis=1) != whole.argmax(axis=1)) < 1e-3
