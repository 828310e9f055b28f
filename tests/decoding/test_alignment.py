"""Forced alignment agrees with a full trellis in plain Python and with the sum over every path."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from search_cases import random_log_probs

from asr.audio.read import read_audio
from asr.counts import counted
from asr.data.manifest import read_manifest
from asr.decoding import alignment
from asr.decoding.alignment import align
from asr.errors import DataError
from asr.model.directory import default_model
from asr.model.session import AcousticSession
from asr.text import min_frames


def collapse(path, blank=0):
    """Return the tokens that a path spells: runs of a symbol count once, blanks not at all."""
    return [token for token, _ in itertools.groupby(path) if token != blank]


def by_brute_force(log_probs, tokens):
    """Return the largest score of all paths that spell ``tokens``."""
    frames, size = log_probs.shape
    scores = [
        sum(float(log_probs[t, token]) for t, token in enumerate(path))
        for path in itertools.product(range(size), repeat=frames)
        if collapse(path) == tokens
    ]
    return max(scores, default=-np.inf)


def by_full_trellis(log_probs, tokens, blank=0):
    """Return starts, ends and score, found with every state of every frame and all its moves."""
    symbols = [blank]
    for token in tokens:
        symbols += [token, blank]
    frames, states = len(log_probs), len(symbols)
    score = np.full((frames + 1, states), -np.inf)
    moves = np.zeros((frames, states), int)
    score[0, 0] = 0
    for t in range(frames):
        for s, symbol in enumerate(symbols):
            steps = [0, 1, 2] if s % 2 and s > 1 and symbols[s - 2] != symbol else [0, 1]
            options = [score[t, s - step] if s >= step else -np.inf for step in steps]
            moves[t, s] = int(np.argmax(options))
            score[t + 1, s] = max(options) + float(log_probs[t, symbol])
    last = [s for s in (states - 1, states - 2) if s >= 0]
    state = max(last, key=lambda s: score[frames, s])
    total = score[frames, state]
    path = []
    for t in range(frames - 1, -1, -1):
        path.append(state)
        state -= moves[t, state]
    path.reverse()
    places = [[t for t, s in enumerate(path) if s == 2 * k + 1] for k in range(len(tokens))]
    return [p[0] for p in places], [p[-1] + 1 for p in places], total


def path_score(log_probs, tokens, starts, ends, blank=0):
    """Return the score of an answer's path: its tokens on their frames, blanks elsewhere."""
    symbols = np.full(len(log_probs), blank)
    for token, start, end in zip(tokens, starts, ends, strict=True):
        symbols[start:end] = token
    assert collapse(symbols.tolist()) == list(tokens)
    return log_probs[np.arange(len(log_probs)), symbols].sum(dtype=np.float64)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(0, 6),
    size=st.integers(2, 4),
    impossible=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_brute_force(frames, size, impossible, seed, data):
    log_probs = random_log_probs(frames, size, seed, 2.0, impossible)
    tokens = data.draw(st.lists(st.integers(1, size - 1), max_size=4))
    best = by_brute_force(log_probs, tokens)
    if best == -np.inf:
        with pytest.raises(DataError):
            align(log_probs, tokens, 0)
        return
    starts, ends, score = align(log_probs, tokens, 0)
    assert score == pytest.approx(best, abs=1e-5)
    assert path_score(log_probs, tokens, starts, ends) == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_full_trellis(seed):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(60, 5, seed, impossible=0.05 * (seed % 2), sharpness=4)
    tokens = rng.integers(1, 5, rng.integers(0, 20)).tolist()
    expected_starts, expected_ends, expected = by_full_trellis(log_probs, tokens)
    starts, ends, score = align(log_probs, tokens, 0)
    assert score == pytest.approx(expected, abs=1e-4)
    assert (starts.tolist(), ends.tolist()) == (expected_starts, expected_ends)


def test_another_blank():
    """The index of the blank changes no alignment."""
    log_probs = random_log_probs(30, 4, 1, 2.0)
    starts, ends, score = align(log_probs[:, [1, 2, 3, 0]], [0, 2, 2], 3)
    same = align(log_probs, [1, 3, 3], 0)
    np.testing.assert_array_equal((starts, ends), same[:2])
    assert score == same[2]


def test_repeated_tokens_have_a_blank_between():
    log_probs = random_log_probs(3, 3, 0, 2.0)
    starts, ends, score = align(log_probs, [1, 1], 0)
    assert (starts.tolist(), ends.tolist()) == ([0, 2], [1, 3])
    assert score == pytest.approx(float(log_probs[[0, 1, 2], [1, 0, 1]].sum()))


@pytest.mark.parametrize("tokens", [[1], [1, 2, 1], [1, 1, 2, 2]])
def test_text_that_just_fits(tokens):
    needed = min_frames(tokens)
    starts, ends, _ = align(random_log_probs(needed, 3, 0, 2.0), tokens, 0)
    assert (ends - starts).tolist() == [1] * len(tokens)
    with pytest.raises(
        DataError, match=f"needs {counted(needed, 'frame')}, the audio has {needed - 1}"
    ):
        align(random_log_probs(needed - 1, 3, 0, 2.0), tokens, 0)


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_empty_text_is_all_blank(frames):
    log_probs = random_log_probs(frames, 3, 0, 2.0)
    starts, ends, score = align(log_probs, [], 0)
    assert len(starts) == len(ends) == 0
    assert score == pytest.approx(float(log_probs[:, 0].sum()))


def test_what_is_no_text_of_the_log_probs():
    """Tokens outside the vocabulary, the blank and log-probs of a wrong shape are refused."""
    for tokens in ([3], [-1], [0], [1, 0]):
        with pytest.raises(DataError, match="0 <= token < V = 3, without the blank 0"):
            align(random_log_probs(9, 3, 0, 2.0), tokens, 0)
    for blank in (-1, 3):
        with pytest.raises(DataError, match=f"0 <= blank_id < V = 3, got {blank}"):
            align(random_log_probs(9, 3, 0, 2.0), [1], blank)
    with pytest.raises(DataError, match="shape"):
        align(np.zeros(3, np.float32), [1], 0)


def test_a_text_of_probability_0():
    log_probs = random_log_probs(9, 3, 0, 2.0)
    log_probs[:, 2] = -np.inf
    with pytest.raises(DataError, match="probability 0"):
        align(log_probs, [1, 2], 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("threshold", [0.0, np.inf])
def test_what_no_network_gives(value, threshold, monkeypatch):
    """Such values lead to no path or to one of the text, but never out of the arrays."""
    monkeypatch.setattr(alignment, "THRESHOLDS", (threshold, np.inf))
    monkeypatch.setattr(alignment, "BLOCK", 16)
    rng = np.random.default_rng(4)
    for share in (0.01, 0.1, 0.5):
        log_probs = random_log_probs(60, 4, 4, 2.0)
        log_probs[rng.random(log_probs.shape) < share] = value
        try:
            starts, ends, _ = align(log_probs, [1, 2, 2, 3] * 4, 0)
        except DataError:
            continue
        assert (starts < ends).all() and (ends[:-1] <= starts[1:]).all()


def test_log_probs_of_another_layout():
    log_probs = random_log_probs(30, 4, 1, 2.0)
    for same in (np.asfortranarray(log_probs), np.repeat(log_probs, 2, axis=0)[::2]):
        np.testing.assert_array_equal(align(same, [1, 3], 0)[:2], align(log_probs, [1, 3], 0)[:2])


@pytest.mark.parametrize("block", [1, 2, 7, 99, 100, 101])
def test_blocks_change_nothing(block, monkeypatch):
    log_probs = random_log_probs(100, 5, 3, 2.0, impossible=0.05)
    tokens = np.random.default_rng(3).integers(1, 5, 30).tolist()
    whole = align(log_probs, tokens, 0)
    monkeypatch.setattr(alignment, "BLOCK", block)
    pieces = align(log_probs, tokens, 0)
    np.testing.assert_array_equal(whole[:2], pieces[:2])
    assert whole[2] == pieces[2]


@pytest.mark.parametrize("threshold", [0.0, 3.0, 30.0])
def test_what_pruning_cuts_off_is_found_without(threshold, monkeypatch):
    """The end of the text is always reached, if need be with the later thresholds."""
    log_probs = random_log_probs(80, 5, 5, sharpness=6)
    tokens = np.random.default_rng(5).integers(1, 5, 40).tolist()
    monkeypatch.setattr(alignment, "THRESHOLDS", (threshold, np.inf))
    starts, ends, score = align(log_probs, tokens, 0)
    assert path_score(log_probs, tokens, starts, ends) == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("missing", [(), range(40, 60)], ids=["whole", "text with a hole"])
def test_pruning_changes_nothing_on_speech(an4, monkeypatch, missing):
    """Pruning changes no alignment of speech, even where a minute of it is not in the text."""
    session = AcousticSession(default_model())
    items = read_manifest(an4 / "test.jsonl")
    recordings = [read_audio(item.audio, session.info.sample_rate).samples for item in items]
    log_probs = np.concatenate(session.log_probs(recordings))
    text = " ".join(item.text for index, item in enumerate(items) if index not in missing)
    tokens = session.info.vocabulary.encode(text)
    pruned = align(log_probs, tokens, 0)
    monkeypatch.setattr(alignment, "THRESHOLDS", (np.inf,))
    full = align(log_probs, tokens, 0)
    np.testing.assert_array_equal(pruned[:2], full[:2])
    assert pruned[2] == full[2]


HOUR = """
import numpy as np
from asr.decoding.alignment import align

def peak():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

frames, count = 90_000, 15_000
rng = np.random.default_rng(0)
tokens = rng.integers(1, 29, count)
log_probs = np.full((frames, 29), np.log(0.01 / 28), np.float32)
log_probs[:, 0] = np.log(0.99)
places = 6 * np.arange(count) + rng.integers(0, 5, count)
log_probs[places] = np.log(0.01 / 28)
log_probs[places, tokens] = np.log(0.99)
align(log_probs[:10], [1], 0)  # what the first call loads is not measured
before = peak()
starts, ends, _ = align(log_probs, tokens.tolist(), 0)
np.testing.assert_array_equal(starts, places)
np.testing.assert_array_equal(ends, places + 1)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux gives it")
def test_memory_of_an_hour():
    """The alignment of an hour takes less than 40 MB.

    An hour is 90,000 frames at 40 ms; the moves of its whole trellis would take 2.7 GB. Here a
    token in the wrong place costs 2 x 7.9: states are in use up to 20,000 / 15.8 tokens away on
    both sides. The moves of a block take 2048 frames x (states in use + 2 a frame) bytes.
    """
    done = subprocess.run(
        [sys.executable, "-c", HOUR], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 10e6 < int(done.stdout) < 40e6
