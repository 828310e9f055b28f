"""Hot words: words and phrases that the search is told to prefer, or to avoid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.text import Vocabulary


@dataclass(frozen=True)
class HotWords:
    """An automaton over tokens whose state is the part of a hot word that a text ends with.

    It is that of Aho and Corasick (1975), except that a match begins and ends where a word does.
    State 0 is the beginning of a word, state 1 the inside of a word that is not hot.

    ``next`` (states, V) is the state after one more token. ``gain`` (states,) is the sum of the
    boosts of the hot words that end in a state; a text gets it when the text ends there or goes on
    with another word. ``potential`` (states,) is lent to a text in the middle of a hot word: the
    share of the boost that corresponds to the part read so far. It is taken back unless the hot
    word is completed.
    """

    next: npt.NDArray[np.int32]
    gain: npt.NDArray[np.float64]
    potential: npt.NDArray[np.float64]


INSIDE = 1
"""The state inside a word that is not hot."""

LARGEST_BOOST = 100.0


def build_hotwords(boosts: Mapping[str, float], vocabulary: Vocabulary) -> HotWords:
    """Build the automaton of words or phrases with their boosts.

    A boost is added to the natural logarithm of a text's score; a negative one makes a word less
    likely.

    Raises:
        DataError: a word is empty or cannot be spelled by the vocabulary, or a boost is beyond
            :data:`LARGEST_BOOST`.

    >>> automaton = build_hotwords({"ab": 2.0}, Vocabulary.from_characters(" ab"))
    >>> automaton.gain, automaton.potential
    (array([0., 0., 0., 2.]), array([0., 0., 1., 2.]))
    """
    size = len(vocabulary)
    space = vocabulary.space_id
    children: list[dict[int, int]] = [{}, {}]
    spelled: list[tuple[int, ...]] = [(), ()]
    gain, potential = [0.0, 0.0], [0.0, 0.0]
    for word, boost in boosts.items():
        text = vocabulary.normalize(word)
        if not text or not abs(boost) <= LARGEST_BOOST:
            raise DataError(
                f"hot word {word!r} with boost {boost}: needs a word and a number between "
                f"-{LARGEST_BOOST:g} and {LARGEST_BOOST:g}"
            )
        if unknown := vocabulary.unknown_characters(text):
            raise DataError(
                f"hot word {word!r}: the model has no symbol for {' '.join(map(repr, unknown))}"
            )
        tokens = without_space(vocabulary.encode(text), vocabulary)
        state = 0
        for count, token in enumerate(tokens, start=1):
            if token not in children[state]:
                children[state][token] = len(children)
                children.append({})
                spelled.append((*spelled[state], token))
                gain.append(0.0)
                potential.append(0.0)
            state = children[state][token]
            potential[state] = max(potential[state], boost * count / len(tokens))
        gain[state] += boost
    following = np.zeros((len(children), size), np.int32)
    following[:2] = INSIDE
    for token in np.flatnonzero(vocabulary.word_boundaries).tolist():
        following[:2, token] = 0 if token == space else children[0].get(token, INSIDE)
    for token, child in children[0].items():
        following[0, token] = child
    # States by length, so that the shorter state a state falls back to is complete before it.
    for state in sorted(range(2, len(children)), key=lambda state: len(spelled[state])):
        shorter = _fall_back(spelled[state], children, vocabulary)
        gain[state] += gain[shorter]
        potential[state] = max(potential[state], potential[shorter])
        following[state] = following[shorter]
        for token, child in children[state].items():
            following[state, token] = child
    return HotWords(following, np.array(gain), np.array(potential))


def without_space(tokens: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    """Return ``tokens`` without the space that may be the first symbol of a word."""
    return list(tokens[tokens[:1] == [vocabulary.space_id] :])


def _fall_back(tokens: tuple[int, ...], children: Any, vocabulary: Vocabulary) -> int:
    """Return the state of the longest suffix of ``tokens`` that begins where a word does and is a
    prefix of a hot word."""
    space = vocabulary.space_id
    for begin in range(1, len(tokens) + 1):
        after_space = tokens[begin - 1] == space
        if after_space or (begin < len(tokens) and vocabulary.word_boundaries[tokens[begin]]):
            state = 0
            for token in tokens[begin:]:
                state = children[state].get(token, -1)
                if state < 0:
                    break
            else:
                return state
    return INSIDE
