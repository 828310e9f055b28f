"""The automaton of hot words gives the same gains as a count of the hot words in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.decoding.hotwords import build_hotwords
from asr.errors import DataError
from asr.text import Vocabulary

VOCABULARY = Vocabulary.from_characters(" ab")


def follow(automaton, text):
    """Return the state after ``text``, and the gain of the text so far."""
    state, gain = 0, 0.0
    for token in VOCABULARY.encode(text):
        if token == VOCABULARY.space_id:
            gain += automaton.gain[state]
        state = automaton.next[state, token]
    return state, gain


def count(phrase, text):
    """Return the number of places where the phrase stands between spaces or the ends."""
    return sum(
        text[begin : begin + len(phrase)] == phrase
        and text[begin - 1 : begin] in ("", " ")
        and text[begin + len(phrase) :][:1] in ("", " ")
        for begin in range(len(text))
    )


PHRASES = st.text("ab ", min_size=1, max_size=6).map(lambda text: " ".join(text.split()))


@given(
    st.dictionaries(PHRASES.filter(bool), st.floats(-3, 3), min_size=1, max_size=6),
    st.text("ab ", max_size=30),
)
def test_gain_is_the_boost_of_every_hot_word_that_stands_there_whole(boosts, text):
    automaton = build_hotwords(boosts, VOCABULARY)
    state, gain = follow(automaton, text)
    expected = sum(boost * count(phrase, text) for phrase, boost in boosts.items())
    assert gain + automaton.gain[state] == pytest.approx(expected, abs=1e-9)
    assert (automaton.potential >= 0).all()


def test_potential_grows_with_the_match_and_goes_with_it():
    automaton = build_hotwords({"abba": 4.0, "bb a": 2.0}, VOCABULARY)
    for text, potential in [
        ("a", 1.0), ("ab", 2.0), ("abb", 3.0), ("abba", 4.0), ("abbaa", 0.0), ("aa", 0.0),
        ("b", 0.5), ("bb", 1.0), ("bb ", 1.5), ("bb a", 2.0), ("bb b", 0.5), ("aab", 0.0),
        ("bb ab", 2.0),
    ]:  # fmt: skip
        assert automaton.potential[follow(automaton, text)[0]] == pytest.approx(potential), text


def test_nothing_hot():
    """An automaton without hot words gives no gain."""
    automaton = build_hotwords({}, VOCABULARY)
    assert automaton.gain.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("boosts", "message"),
    [
        ({"xa": 1.0}, "hot word 'xa': the model has no symbol for 'x'"),
        ({" ": 1.0}, "needs a word and a number"),
        ({"a": float("inf")}, "needs a word and a number"),
        ({"a": float("nan")}, "needs a word and a number"),
    ],
)
def test_unusable_hot_words(boosts, message):
    with pytest.raises(DataError, match=message):
        build_hotwords(boosts, VOCABULARY)
