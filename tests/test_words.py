import math

import pytest
from conftest import make_info

from asr.decoding.hypothesis import Hypothesis
from asr.words import to_words


def words(text, duration=10.0, posterior=0.9, padding=2):
    """One token a frame, on every second frame."""
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
    # Frames are 640 samples, 40 ms; two of them are padding: frame 2 begins at 0.
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
