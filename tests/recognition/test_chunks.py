"""A recording is cut into chunks at pauses, and nothing is lost or said twice."""

import numpy as np
import pytest
from conftest import make_info
from hypothesis import given
from hypothesis import strategies as st

from asr.decoding.greedy import greedy
from asr.recognition.chunks import Chunker, Cutter

INFO = make_info()
BLANK, SPACE = INFO.vocabulary.blank_id, INFO.vocabulary.space_id
PER_SECOND = 25


def log_probs_of(path):
    """Return log-probs whose best path is ``path``."""
    rows = np.full((len(path), len(INFO.vocabulary)), -5.0, np.float32)
    rows[np.arange(len(path)), path] = -0.1
    return rows


def cut(path, portions=(), pause_frames=5, longest=30):
    """Return the chunks of a path that is fed in portions."""
    chunks = Chunker(Cutter(INFO, longest / PER_SECOND, pause_frames / PER_SECOND))
    found = []
    for rows in np.split(log_probs_of(path), portions):
        found += chunks.feed(rows)
    return [*found, chunks.finish()]


def lengths(*arguments, **options):
    """Return the numbers of frames of the chunks that ``cut`` gives."""
    return [len(chunk.log_probs) for chunk in cut(*arguments, **options)]


A, B = 5, 6


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([], [0]),
        ([BLANK] * 9, [9]),
        ([BLANK] * 9 + [A], [10]),  # silence before the first letter is no pause
        ([A] + [BLANK] * 4 + [B], [6]),
        ([A] + [BLANK] * 5 + [B], [4, 3]),
        ([A, BLANK, SPACE, BLANK, BLANK, SPACE, B], [4, 3]),
        ([A] + [BLANK] * 5, [4, 2]),
        ([A] + [BLANK] * 20 + [B], [4, 18]),
        # Thirty frames have no pause: the cut is in the longest gap of the second half, else at the
        # last border between symbols, else at the limit.
        ([A, B] * 9 + [BLANK, BLANK] + [A, B, BLANK] * 5, [19, 16]),
        ([A] * 20 + [B] * 30, [20, 30, 0]),
        ([A] * 40, [30, 10]),
        ([BLANK] * 40, [23, 17]),
    ],
)
def test_table(path, expected):
    """The path of each row is cut into chunks of these lengths."""
    assert lengths(path) == expected


def test_which_pieces_end_in_a_pause():
    """A chunk that was cut at a pause says so, one that was cut elsewhere does not."""
    path = [A] + [BLANK] * 5 + [B, BLANK] * 30
    assert [chunk.pause for chunk in cut(path)][:2] == [True, False]
    assert cut(path)[-1].pause


@pytest.mark.parametrize(
    ("path", "known", "found"),
    [
        ([A] + [BLANK] * 5 + [B], 5, True),  # the pause became long enough in what is new
        ([A] + [BLANK] * 5 + [B], 6, False),  # it would have been found before, were it one
        ([A] + [BLANK] * 9, 8, True),  # it still goes on
        ([A] + [BLANK] * 5 + [B] + [BLANK] * 5, 7, True),  # after B
        ([A] + [BLANK] * 3 + [B], 5, True),  # B may come two frames later once more is heard
        ([A] + [BLANK] * 2 + [B], 0, False),
        ([A] + [BLANK] * 3, 0, False),  # it may get long enough
        ([A] + [BLANK] * 3 + [B], None, False),
    ],
)
def test_a_pause_of_a_stream_is_judged_once(path, known, found):
    place = Cutter(INFO, 30 / PER_SECOND, 5 / PER_SECOND).find(log_probs_of(path), known)
    assert (place is not None) == found
    assert place is None or path[place.silent_until - 1] == BLANK


PATHS = st.lists(
    st.tuples(st.sampled_from([BLANK, BLANK, SPACE, A, B]), st.integers(1, 9)), max_size=40
).map(
    lambda runs: [
        symbol
        for index, (symbol, count) in enumerate(runs)
        if not index or symbol != runs[index - 1][0]  # no run is longer than nine
        for _ in range(count)
    ]
)


@given(PATHS, st.data())
def test_pieces_do_not_depend_on_the_portions(path, data):
    whole = lengths(path)
    borders = sorted(data.draw(st.lists(st.integers(0, len(path)), max_size=9)))
    assert lengths(path, borders) == whole
    assert lengths(path, range(1, len(path))) == whole
    assert sum(whole) == len(path) and max(whole) <= 30


@given(PATHS)
def test_the_best_path_of_the_pieces_is_that_of_the_whole(path):
    whole = greedy(log_probs_of(path), BLANK)
    tokens, starts, ends = [], [], []
    for chunk in cut(path):
        part = greedy(chunk.log_probs, BLANK)
        tokens += part.tokens
        starts += [chunk.first + start for start in part.start_frames]
        ends += [chunk.first + end for end in part.end_frames]

    def letters(hypothesis_tokens, *frames):
        # A cut may part a space in two, which adds no word.
        return [item for item in zip(hypothesis_tokens, *frames, strict=True) if item[0] != SPACE]

    expected = letters(whole.tokens, whole.start_frames, whole.end_frames)
    assert letters(tokens, starts, ends) == expected
    text = INFO.vocabulary.decode(tuple(tokens)).split()
    assert text == INFO.vocabulary.decode(whole.tokens).split()
