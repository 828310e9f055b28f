"""The score that a search gives a text is the one that it reports when it finds the text."""

import math

import numpy as np
import pytest
from lm_cases import make_lm
from search_cases import (
    CASES,
    LEXICON,
    UNPRUNED,
    VOCABULARY,
    all_texts,
    language_model,
    random_log_probs,
    text_score,
)

from asr.decoding.beam import BeamSearch
from asr.errors import DataError
from asr.text import Vocabulary

WEIGHTS = {"lm_weight": 0.7, "word_bonus": 0.0, "unknown_score": -2.0}


def make_search(name, **options):
    """Return the search of a case, with its n-gram model and these options."""
    case = WEIGHTS | CASES[name] | options
    if "lm" in case:
        case["lm"] = language_model(*case["lm"])
    return BeamSearch(VOCABULARY, **case)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_the_score_of_a_text_is_what_a_wide_search_reports_of_it(name, second):
    lm = make_lm(words=("</s>", "<unk>", "a", "ab", "b", "ba"))[1] if second else None
    rescoring = {"rescore_lm": lm, "rescore_count": 5000, "rescore_weight": 0.9}
    search = make_search(name, **UNPRUNED, **rescoring)
    for frames in (0, 1, 6):
        log_probs = random_log_probs(frames, len(VOCABULARY), frames, 2.0)
        hypotheses = search.n_best(log_probs, 10000)
        assert hypotheses
        for item in hypotheses:
            text = VOCABULARY.decode(item.tokens)
            found = search.score(log_probs, text)
            assert search.allows(text)
            assert found.score == pytest.approx(item.score, abs=1e-4)
            assert found.acoustic_score == pytest.approx(item.acoustic_score, abs=1e-4)
            assert found.lm_score == pytest.approx(item.lm_score, abs=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_it_is_that_of_the_definition_however_narrow_the_search(name):
    """The score of a text is that of the definition, however narrow the search is."""
    search = make_search(name, beam_size=1)
    case = WEIGHTS | CASES[name]
    log_probs = random_log_probs(5, len(VOCABULARY), 9)
    for text, acoustic in all_texts(log_probs).items():
        found = search.score(log_probs, text)
        assert found.acoustic_score == pytest.approx(acoustic, abs=1e-4)
        value = text_score(text, search.lm, search.lexicon, search.hotwords, case)
        assert search.allows(text) == (value is not None)
        expected = -math.inf if value is None else acoustic + value[0]
        assert found.score == pytest.approx(expected, abs=1e-4)


def test_what_cannot_come_out():
    """A text that the lexicon forbids or the vocabulary cannot spell is not allowed."""
    search = BeamSearch(VOCABULARY, lexicon=LEXICON, hotwords={"bb a": 1.0})
    assert search.allows("") and search.allows("a bb ba")
    assert not search.allows("a b") and not search.allows("x")
    assert BeamSearch(VOCABULARY).allows("b") and not BeamSearch(VOCABULARY).allows("ab x")
    assert not BeamSearch(Vocabulary.from_characters("ab")).allows("a b")
    log_probs = random_log_probs(3, len(VOCABULARY), 1)
    assert search.score(log_probs, "b").score == -np.inf
    assert search.score(log_probs, "b").acoustic_score > -np.inf
    assert search.score(log_probs, "ba ba").acoustic_score == -np.inf  # its five tokens do not fit
    with pytest.raises(DataError, match=r"characters \['x'\]"):
        search.score(log_probs, "x")
    with pytest.raises(DataError, match="these are probabilities"):
        search.score(np.exp(log_probs), "a")
