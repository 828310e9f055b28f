"""Words get times and confidences from the frames of their tokens, and word offsets move them."""

import dataclasses
import itertools
import json
import math
import shutil

import numpy as np
import pytest
from conftest import make_info
from hypothesis import given
from hypothesis import strategies as st

from asr.decoding.hypothesis import Hypothesis
from asr.errors import ModelError
from asr.model.calibration import Calibrator
from asr.model.directory import read_files, read_model, write_model
from asr.recognition.words import END_SHARE, to_words


def words(text, duration=10.0, posterior=0.9, padding=2):
    """Return the words of a text that has one token on every second frame."""
    info = make_info(padding=padding)
    ids = tuple(info.vocabulary.encode(text))
    starts = tuple(range(2, 2 + 2 * len(ids), 2))
    scores = tuple(math.log(posterior) for _ in ids)
    return to_words(
        Hypothesis(ids, starts, tuple(s + 1 for s in starts), scores, 0.0), info, duration
    )


def test_times_are_frames_times_stride_less_the_padding():
    one, two = words("go on")
    assert (one.text, two.text) == ("go", "on")
    # A frame has 640 samples, 40 ms. Two frames are padding, so frame 2 begins at 0.
    assert (one.start, one.end) == pytest.approx((0.0, 0.12))
    assert (two.start, two.end) == pytest.approx((0.24, 0.36))


def test_times_stay_inside_the_audio():
    assert words("a", duration=0.03)[0].end == 0.03
    assert words("a", padding=5)[0].start == 0.0


def test_confidence_is_the_geometric_mean():
    info = make_info()
    ids = tuple(info.vocabulary.encode("ab"))
    hypothesis = Hypothesis(ids, (2, 3), (3, 4), (math.log(0.9), math.log(0.4)), 0.0)
    (word,) = to_words(hypothesis, info, 1.0)
    assert word.confidence == pytest.approx(0.6)


@pytest.mark.parametrize("text", ["", " ", "  "])
def test_spaces_alone_are_no_words(text):
    assert words(text) == ()


def test_extra_spaces_make_no_words():
    assert [word.text for word in words("  a  bc ")] == ["a", "bc"]


def test_no_drift_over_hours():
    info = make_info()
    frame = 25 * 3600 * 10 + 2
    hypothesis = Hypothesis((2,), (frame,), (frame + 1,), (0.0,), 0.0)
    assert to_words(hypothesis, info, 1e6)[0].start == 36000.0


def moved(starts, ends, offsets, duration=10.0):
    """Return the times, in frames of 40 ms, of words of one letter whose frames are given."""
    info = dataclasses.replace(make_info(padding=0), word_offsets=offsets)
    letter, space = info.vocabulary.encode("a ")
    places = []
    for start, end in zip(starts, ends, strict=True):
        places += [(letter, start, end), (space, end, end)]
    tokens, firsts, lasts = zip(*places, strict=True)
    hypothesis = Hypothesis(tokens, firsts, lasts, (0.0,) * len(tokens), 0.0)
    return [(word.start / 0.04, word.end / 0.04) for word in to_words(hypothesis, info, duration)]


def test_offsets_move_starts_and_ends():
    ((start, end),) = moved([10], [12], (-0.04, 0.08))
    assert (start, end) == pytest.approx((9, 14))
    ((start, end),) = moved([10], [15], (0.04, -0.08))
    assert (start, end) == pytest.approx((11, 13))


def test_offsets_share_the_pause_between_words():
    one, two = moved([10, 16], [12, 18], (-0.4, 0.4))
    assert one == pytest.approx((0, 12 + 4 * END_SHARE))
    assert two[0] == pytest.approx(one[1])
    one, two = moved([10, 12], [12, 14], (-0.04, 0.04))  # they have no pause between them
    assert (one[1], two[0]) == pytest.approx((12, 12))


def test_offsets_stay_inside_the_audio():
    ((start, end),) = moved([0], [10], (-0.04, 0.08), duration=0.4)
    assert (start, end) == (0, pytest.approx(10))


@given(
    frames=st.lists(st.integers(0, 5), min_size=2, max_size=12),
    offsets=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    duration=st.floats(0.01, 3),
)
def test_words_stay_in_order_whatever_the_offsets(frames, offsets, duration):
    borders = np.cumsum(frames[: len(frames) // 2 * 2]).tolist()
    words = moved(borders[::2], borders[1::2], offsets, duration)
    times = [0.0, *itertools.chain(*words), duration / 0.04]
    assert times == sorted(times)


def test_offsets_are_the_models(small_model, tmp_path):
    info = read_model(small_model)
    assert info.word_offsets == (0.0, 0.0)
    written = dataclasses.replace(info, word_offsets=(-0.05, 0.065))
    write_model(tmp_path / "model", written, read_files(small_model, info))
    assert read_model(tmp_path / "model") == written


def described(model, folder, name, value):
    """Return a copy of ``model`` whose description has this field or, for None, lacks it."""
    shutil.copytree(model, folder)
    path = folder / "model.json"
    values = json.loads(path.read_text())
    del values[name]
    if value is not None:
        values[name] = value
    path.write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize(
    ("value", "status"),
    [(None, "sound"), ([0, 2], "between -1 and 1"), ([0.1], "unpack"), (["x", 0], "float")],
)
def test_offsets_in_the_description(small_model, tmp_path, value, status):
    folder = described(small_model, tmp_path / "model", "word_offsets", value)
    if status == "sound":
        assert read_model(folder).word_offsets == (0.0, 0.0)
    else:
        with pytest.raises(ModelError, match=status):
            read_model(folder)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (None, "sound"),
        ({"greedy": {"slope": 0.5, "intercept": 1}}, "sound"),
        ({"greedy": {"slope": "steep"}}, r"calibrators\.greedy\.slope needs float"),
        ({"beam": {"tilt": 0.5}}, r"unknown key calibrators\.beam\.tilt"),
        ([0.5, 1.0], "attribute"),
    ],
)
def test_calibrators_in_the_description(small_model, tmp_path, value, status):
    folder = described(small_model, tmp_path / "model", "calibrators", value)
    if status == "sound":
        info = read_model(folder)
        assert info.calibrators == ({"greedy": Calibrator(0.5, 1.0)} if value else {})
        again = write_model(folder, info, read_files(folder, info))
        assert again == info
    else:
        with pytest.raises(ModelError, match=status):
            read_model(folder)
