"""Hot words: words and phrases that the search is told to prefer (or to avoid)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.text import Vocabulary


@dataclass(frozen=True)
class HotWords:
    """An automaton over tokens that knows which hot word a text is in the middle of.

    It is that of Aho and Corasick (1975), except that a match begins and ends where a word does.
    State 0 is the beginning of a word, state 1 the inside of a word that is not hot.

    ``next`` (states, V): the state after one token more. ``gain`` (states,): what a text gets that
    ends here, or goes on with another word: the boosts of the hot words that end in this state.
    ``potential`` (states,): what it is lent meanwhile, the share of a boost that the part
    of the hot word stands for which has been read; only a hot word's end turns it into a gain.
    """

    next: npt.NDArray[np.int32]
    gain: npt.NDArray[np.float64]
    potential: npt.NDArray[np.float64]


INSIDE = 1
LARGEST_BOOST = 100.0


def build_hotwords(boosts: Mapping[str, float], vocabulary: Vocabulary) -> HotWords:
    """The automaton of words or phrases with their boosts (natural logarithm; a negative one makes
    a word less likely).

    Raises:
        DataError: a word that the vocabulary cannot spell, an empty one, or a boost beyond
            ``LARGEST_BOOST``.
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
    """``tokens`` without the space that may be the first symbol of a word."""
    return list(tokens[tokens[:1] == [vocabulary.space_id] :])


def _fall_back(tokens: tuple[int, ...], children: Any, vocabulary: Vocabulary) -> int:
    """The state of the longest end of ``tokens`` that begins where a word does and is the beginning
    of a hot word."""
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
