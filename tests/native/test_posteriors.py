"""Posteriors of words equal those that plain edit distances between hypotheses give."""

import ctypes
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.lm.word_hash import BASE, MASK, hash_words
from asr.native import library
from asr.native.structures import Prefixes

TEXTS = ["", " ", "a", "b", "ab", " a", " ba"]  # of the tokens; 0 is the blank
SPACE = 1


def posteriors(hypotheses, totals, chosen):
    """Return the tokens of a hypothesis and the logarithms of their posteriors, by the library.

    The hypotheses are put into a trie of prefixes as a search has it.
    """
    nodes = {(): 0}
    parents, tokens = [-1], [-1]
    for hypothesis in hypotheses:
        for end in range(1, len(hypothesis) + 1):
            if hypothesis[:end] not in nodes:
                nodes[hypothesis[:end]] = len(tokens)
                parents.append(nodes[hypothesis[: end - 1]])
                tokens.append(hypothesis[end - 1])
    texts = [text.strip() for text in TEXTS]
    codes = hash_words(texts)
    powers = np.array([pow(BASE, len(text), MASK + 1) for text in texts], np.uint64)
    boundaries = np.array([text.startswith(" ") for text in TEXTS])
    arrays = [np.array(parents, np.int32), np.array(tokens, np.int32), boundaries, codes, powers]
    prefixes = Prefixes(*(array.ctypes.data for array in arrays), SPACE)
    beam = np.array([nodes[hypothesis] for hypothesis in hypotheses], np.int32)
    length = len(hypotheses[chosen])
    found, logs = np.empty(length, np.int32), np.empty(length)
    assert library.token_posteriors(
        ctypes.byref(prefixes), beam, np.array(totals, float), len(beam), chosen, found, logs
    )
    return found.tolist(), logs.tolist()


def words(hypothesis):
    return "".join(TEXTS[token] for token in hypothesis).split()


def same_words(ours, theirs):
    """Return the places of our words that theirs have too, with the fewest edits between them.

    From the end on, words are rather aligned with each other than skipped, and ours are rather
    skipped than theirs.
    """

    @cache
    def distance(a, b):
        if not a or not b:
            return a + b
        change = distance(a - 1, b - 1) + (ours[a - 1] != theirs[b - 1])
        return min(change, distance(a - 1, b) + 1, distance(a, b - 1) + 1)

    places = set()
    a, b = len(ours), len(theirs)
    while a and b:
        same = ours[a - 1] == theirs[b - 1]
        if distance(a, b) == distance(a - 1, b - 1) + (not same):
            a, b = a - 1, b - 1
            if same:
                places.add(a)
        elif distance(a, b) == distance(a - 1, b) + 1:
            a -= 1
        else:
            b -= 1
    return places


def expected(hypotheses, totals, chosen):
    """Return the logarithms of the posteriors of the tokens of a hypothesis, by the definition."""
    weights = np.exp(np.array(totals) - max(totals))
    weights[(weights < 1e-6) & (np.arange(len(weights)) != chosen)] = 0.0
    ours = words(hypotheses[chosen])
    shares = np.zeros(len(ours))
    for hypothesis, weight in zip(hypotheses, weights, strict=True):
        for place in same_words(ours, words(hypothesis)):
            shares[place] += weight
    logs = []
    for end in range(1, len(hypotheses[chosen]) + 1):
        count = len(words(hypotheses[chosen][:end]))
        share = shares[count - 1] / weights.sum() if count else 1.0
        logs.append(np.log(max(share, 1e-10)))
    return logs


@settings(max_examples=300, deadline=None)
@given(
    hypotheses=st.lists(
        st.lists(st.integers(1, len(TEXTS) - 1), max_size=12).map(tuple), min_size=1, max_size=8
    ),
    spread=st.sampled_from([0.0, 1.0, 20.0]),
    seed=st.integers(0, 10_000),
)
def test_plain_edit_distances(hypotheses, spread, seed):
    rng = np.random.default_rng(seed)
    totals = rng.normal(-50, spread, len(hypotheses)).tolist()
    chosen = int(rng.integers(len(hypotheses)))
    tokens, logs = posteriors(hypotheses, totals, chosen)
    assert tokens == list(hypotheses[chosen])
    assert logs == pytest.approx(expected(hypotheses, totals, chosen), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_hypotheses_with_much_in_common(seed):
    """As those of a search are: they differ in a few places of a long text."""
    rng = np.random.default_rng(seed)
    text = rng.integers(1, len(TEXTS), 60)
    hypotheses = []
    for _ in range(6):
        other = text.copy()
        places = rng.integers(0, len(text), rng.integers(0, 4))
        other[places] = rng.integers(1, len(TEXTS), len(places))
        hypotheses.append(tuple(np.delete(other, rng.integers(0, 60, rng.integers(0, 3))).tolist()))
    totals = rng.normal(0, 1, len(hypotheses)).tolist()
    assert posteriors(hypotheses, totals, 0)[1] == pytest.approx(
        expected(hypotheses, totals, 0), abs=1e-9
    )


def test_three_hypotheses():
    """The texts are "a b", "a ab b" and "b", of probabilities 1/2, 1/4 and 1/4."""
    hypotheses = [(2, 1, 3), (2, 1, 4, 1, 3), (3,)]
    logs = posteriors(hypotheses, np.log([0.5, 0.25, 0.25]), 0)[1]
    assert np.exp(logs) == pytest.approx([0.75, 0.75, 1.0])


def test_a_word_is_the_same_however_it_is_divided_into_tokens():
    assert np.exp(posteriors([(4, 3), (2, 3, 3)], [0.0, 0.0], 0)[1]) == pytest.approx([1.0, 1.0])


def test_the_empty_hypothesis():
    assert posteriors([(), (2,)], [0.0, 0.0], 0) == ([], [])
    assert np.exp(posteriors([(2,), ()], [0.0, 0.0], 0)[1]) == pytest.approx([0.5])
