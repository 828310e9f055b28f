"""Borders of speech, joined recordings, and word offsets against a network with a known bias."""

import dataclasses

import numpy as np
import pytest
import soundfile
from conftest import make_info

from asr.data.manifest import Utterance
from asr.evaluation.word_times import (
    Clip,
    border_errors,
    decode,
    fit_offsets,
    join,
    measure_offsets,
    spoken,
)
from asr.model.session import Session

INFO = make_info(padding=0)
RATE, STRIDE = INFO.sample_rate, INFO.frame_stride
LETTERS = "abcdefgh"


def test_where_a_recording_is_spoken():
    """Speech is from the first loud frame to the last, or all if no frame is quiet."""
    samples = np.full(800, 1e-4, np.float32)
    samples[170:420] = 0.5
    for loud in (20.0, 35.0):
        assert spoken(samples, 8000, loud, 35.0) == (160, 480)
        assert spoken(np.ones(130, np.float32), 8000, loud, 35.0) == (0, 130)


def test_a_breath_is_not_speech_and_a_soft_consonant_is():
    levels = [0, 0.01, 0, 0, 0.015, 0.5, 0.4, 0.01, 0, 0.011]  # 0.01 is 34 dB below 0.5
    samples = np.repeat(np.array(levels, np.float32), 80)
    assert spoken(samples, 8000) == (320, 640)


def test_clips_are_joined_with_known_borders_and_unknown_ones():
    clips = [
        Clip(("a", "b", "c"), np.ones(800, np.float32), 0.01, 0.09),
        Clip(("d",), np.ones(400, np.float32), float("nan"), 0.04),
    ]
    joined = join(clips, 8000, np.random.default_rng(1))
    assert joined.words == ("a", "b", "c", "d")
    begins = np.flatnonzero(np.diff(joined.samples, prepend=0) > 0) / 8000
    first, second = begins
    nan = pytest.approx(float("nan"), nan_ok=True)
    assert joined.borders == (
        (pytest.approx(first + 0.01), nan), (nan, nan), (nan, pytest.approx(first + 0.09)),
        (nan, pytest.approx(second + 0.04)),
    )  # fmt: skip


class Planted(Session):
    """A network that hears a tone as the letter of its level.

    It gives the letter out ``late`` frames after the tone begins and the space ``early`` frames
    before it ends; if it is ``deaf``, it gives out nothing.
    """

    at_once = 1
    info = INFO

    def __init__(self, late=2, early=3, deaf=False):
        self.late, self.early, self.deaf = late, early, deaf

    def _run(self, batch, lengths):
        vocabulary = INFO.vocabulary
        (samples,) = batch
        frames = INFO.num_frames(len(samples))
        rows = np.full((1, frames, len(vocabulary)), 1e-6, np.float32)
        path = np.zeros(frames, int)
        loud = np.abs(samples) > 0
        edges = np.diff(loud.astype(int), prepend=0, append=0)
        for begin, end in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
            letter = LETTERS[round(float(np.abs(samples[begin:end]).max()) * 10) - 1]
            first, last = begin // STRIDE + self.late, end // STRIDE - self.early
            if not self.deaf:
                path[first:last] = vocabulary.encode(letter)[0]
                path[last] = vocabulary.space_id
        rows[0, np.arange(frames), path] = 1
        return np.log(rows / rows.sum(-1, keepdims=True)), np.array([frames])

    def features(self, samples):
        raise NotImplementedError

    def _run_features(self, batch, lengths):
        raise NotImplementedError


@pytest.fixture
def utterances(tmp_path):
    """Sixty utterances, each a square wave that stands for a letter, with silence around it."""
    items = []
    for number in range(60):
        letter = number % len(LETTERS)
        samples = np.zeros(RATE, np.float32)
        samples[4800:12800] = 0.1 * (letter + 1)
        samples[4801:12800:2] *= -1
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        items.append(Utterance(path, 1.0, LETTERS[letter], path.stem, f"speaker {number % 3}"))
    return items


def test_a_known_bias_is_found(utterances):
    found = measure_offsets(Planted(), utterances)
    frame = STRIDE / RATE
    # A frame begins up to one frame before the tone does, half a frame on average.
    assert found.start == pytest.approx(-2 * frame + frame / 2, abs=frame / 2)
    assert found.end == pytest.approx(3 * frame + frame / 2, abs=frame / 2)
    assert found.method.startswith("measured on 60 starts and 60 ends of words on 15 joined")
    assert measure_offsets(Planted(), utterances) == found
    other = measure_offsets(Planted(late=0, early=0), utterances)
    assert other.start > found.start + frame and other.end < found.end - frame


def test_offsets_leave_no_bias(utterances):
    clips = [
        Clip((item.text,), soundfile.read(item.audio, dtype="float32")[0], 0.3, 0.8)
        for item in utterances
    ]
    recordings = [
        join(clips[i : i + 4], RATE, np.random.default_rng(i)) for i in range(0, len(clips), 4)
    ]
    items = decode(Planted(), recordings)
    moved = dataclasses.replace(INFO, word_offsets=fit_offsets(items, INFO, ["greedy"]))
    before, after = (border_errors(items, "greedy", info) for info in (INFO, moved))
    assert len(before) == len(after) == 60
    assert (np.abs(np.median(after, axis=0)) <= 0.0051).all()
    assert (np.abs(np.median(before, axis=0)) >= 0.04).all()


def test_without_enough_words_that_are_right_there_are_no_offsets(utterances, tmp_path):
    few = measure_offsets(Planted(), utterances[:10])
    assert (few.start, few.end) == (0.0, 0.0)
    assert few.method.startswith("not measured: only 10 starts and 10 ends of words")
    deaf = measure_offsets(Planted(deaf=True), utterances)
    assert (deaf.start, deaf.end) == (0.0, 0.0) and "only 0 starts" in deaf.method
    assert measure_offsets(Planted(), []).method.startswith("not measured: only 0 starts")


def test_recordings_without_a_quiet_frame_outside_tell_nothing(utterances):
    for item in utterances:
        samples = soundfile.read(item.audio, dtype="float32")[0]
        samples[samples == 0] = 0.05  # Noise as loud as this hides where a word begins.
        soundfile.write(item.audio, samples, RATE, subtype="FLOAT")
    assert "only 0 starts and 0 ends" in measure_offsets(Planted(), utterances).method


def test_recordings_that_cannot_be_read_are_passed_over(utterances):
    utterances[0].audio.write_bytes(b"RIFF nothing")
    assert measure_offsets(Planted(), utterances).method.startswith("measured on 59 starts")
