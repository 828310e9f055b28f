"""Words are divided into segments at pauses, whatever the portions in which they come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_words import recordings, spoken

from asr.recognition.segments import Segment, Segmenter, split


def milliseconds(start, end):
    """Return the time from start to end in whole ms."""
    return round(1000 * end) - round(1000 * start)


def pauses(words):
    """Return the pauses between words in whole ms."""
    return [milliseconds(a.end, b.start) for a, b in itertools.pairwise(words)]


def texts(segments):
    """Return the texts of segments."""
    return [segment.text for segment in segments]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        ([(0, 200)], ["a"]),
        ([(0, 200), (799, 200)], ["a b"]),
        ([(0, 200), (800, 200)], ["a", "b"]),
        ([(5000, 0), (0, 0)], ["a b"]),  # silence before the first word is no pause between words
        ([(0, 7000), (100, 7900)], ["a b"]),  # these are 15 s
        ([(0, 7000), (100, 7901)], ["a", "b"]),
        ([(0, 16000), (100, 16000)], ["a", "b"]),  # a word is never cut
        # The longest pause lies behind a, the longest in the second half behind c.
        ([(0, 1000), (700, 3000), (0, 3000), (300, 4000), (200, 4000)], ["a b c", "d e"]),
        # The last of equal pauses is taken.
        ([(0, 8000), (100, 1000), (100, 1000), (50, 1000), (0, 5000)], ["a b", "c d e"]),
        # The second half has no pause, so the cut is before the long word.
        ([(0, 1000), (500, 1000), (100, 12500), (300, 100)], ["a b", "c d"]),
        # The part that stays open may be cut again.
        ([(0, 8000), (500, 5000), (100, 16000)], ["a", "b", "c"]),
    ],
)  # fmt: skip
def test_split(words, expected):
    assert texts(split(spoken(*words))) == expected


def test_a_pause_at_any_time():
    """A pause of 800 ms parts two segments, wherever it lies.

    Floats hold neither 4.4 nor 5.2, and their difference is less than 0.8.
    """
    for start in range(0, 40000, 100):
        assert len(split(spoken((start, 400), (800, 100)))) == 2


def test_segment():
    segment = Segment(tuple(spoken((100, 200), (40, 60))))
    assert (segment.text, segment.start, segment.end) == ("a b", 0.1, 0.4)


def test_segments_close_early():
    a, b, c, d = spoken((0, 200), (100, 300), (900, 200), (100, 100))
    segmenter = Segmenter()
    assert segmenter.advance(99.0) == []
    assert segmenter.add([a]) == []
    assert segmenter.advance(0.9) == []
    assert segmenter.add([b]) == []
    assert segmenter.advance(1.399) == []
    assert texts(segmenter.advance(1.4)) == ["a b"]
    assert segmenter.advance(1.5) == []
    assert segmenter.add([c, d]) == []
    assert texts(segmenter.finish()) == ["c d"]
    assert segmenter.finish() == []


@given(recordings())
def test_what_segments_are(words):
    """Segments hold all words in order, and each keeps the limits of length and pause."""
    segments = split(words)
    assert [word for segment in segments for word in segment.words] == words
    for segment in segments:
        assert len(segment.words) == 1 or milliseconds(segment.start, segment.end) <= 15000
        assert all(pause < 800 for pause in pauses(segment.words))
    for before, behind in itertools.pairwise(segments):
        (cut,) = pauses([before.words[-1], behind.words[0]])
        if cut < 800:  # it is no pause: another word would be too much, and no place was better
            late = [w for w in before.words if milliseconds(before.start, w.end) >= 7500]
            assert late or milliseconds(before.start, behind.words[0].end) > 15000
            assert all(pause <= cut for pause in pauses(late))


portions = st.lists(
    st.tuples(st.integers(1, 9), st.none() | st.sampled_from([0, 0.1, 1])), min_size=1
)


@given(recordings(), portions)
def test_portions_do_not_matter(words, portions):
    segmenter, segments, first = Segmenter(), [], 0
    for count, earlier in itertools.cycle(portions):
        segments += segmenter.add(words[first : first + count])
        first += count
        if first >= len(words):
            break
        if earlier is not None:
            segments += segmenter.advance(words[first].start - earlier)
    assert (*segments, *segmenter.finish()) == split(words)
