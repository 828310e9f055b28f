"""Causes of word errors, in cases made to have one, and against sums over all paths."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_cases import (
    CASES,
    UNPRUNED,
    VOCABULARY,
    all_texts,
    language_model,
    random_log_probs,
    text_score,
)

from asr.decoding.beam import BeamSearch
from asr.decoding.config import DecodingConfig
from asr.decoding.greedy import greedy
from asr.errors import DataError
from asr.evaluation.attribution import CAUSES, attribute, count_causes
from asr.evaluation.word_alignment import align_words
from asr.text import normalize

WEIGHTS = {"lm_weight": 0.7, "word_bonus": 0.0, "unknown_score": -2.0}


def rows(*frames):
    """Return log-probs of frames that give probabilities of the blank, the space, a and b."""
    return np.log(np.array(frames, np.float32) + np.float32(1e-9))


def sure(text):
    """Return log-probs of a text: a frame for each character, and a blank after it."""
    places = [place for token in VOCABULARY.encode(text) for place in (token, 0)]
    return rows(*(0.96 * np.eye(4)[places] + 0.01))


def decoded(log_probs, search=None):
    """Return the normalised text that greedy or beam search finds."""
    found = greedy(log_probs, VOCABULARY.blank_id) if search is None else search(log_probs)
    return normalize(VOCABULARY.decode(found.tokens))


def causes(reference, log_probs, search=None):
    """Return the causes of the errors in the text that the decoder gives."""
    return attribute(reference, decoded(log_probs, search), log_probs, VOCABULARY, search)


# The best path is two blanks with 0.36, but three paths that spell "a" have 0.64 together.
HIDDEN = rows([0.6, 0, 0.4, 0], [0.6, 0, 0.4, 0])
RATHER_B = rows([0, 0, 0.4, 0.6])


def test_the_search_missed_it():
    """The cause is the search where it missed a text that has a better score."""
    assert causes("a", HIDDEN) == ("search",)
    narrow = BeamSearch(VOCABULARY, beam_size=1)
    assert (decoded(HIDDEN), decoded(HIDDEN, narrow)) == ("", "")
    assert causes("a", HIDDEN, narrow) == ("search",)
    assert causes("a", HIDDEN, BeamSearch(VOCABULARY)) == (None,)
    blind = BeamSearch(VOCABULARY, hotwords={"a": 20.0}, token_threshold=0.1)
    assert decoded(RATHER_B, blind) == "b"
    assert causes("a", RATHER_B, blind) == ("search",)


def test_the_language_model_spoilt_it():
    """The cause is the language model where it prefers the wrong text."""
    assert causes("b", RATHER_B) == (None,)
    search = BeamSearch(VOCABULARY, lm=language_model(2, "word"), lm_weight=3.0)
    assert decoded(RATHER_B, search) == "a"
    assert causes("b", RATHER_B, search) == ("language model",)


def test_what_else_is_beside_the_acoustics_is_of_the_language_model_too():
    """Hotwords and the word bonus count as the language model."""
    hot = BeamSearch(VOCABULARY, hotwords={"a": 1.0})
    assert causes("b", RATHER_B, hot) == ("language model",)
    rather_two = np.concatenate([sure("a"), rows([0.4, 0.6, 0, 0]), sure("b")])
    bonus = BeamSearch(VOCABULARY, word_bonus=-2.0)
    assert decoded(rather_two, bonus) == "ab"
    assert causes("a b", rather_two, bonus) == ("language model", "language model")


def test_the_acoustics_are_wrong():
    """The cause is the acoustics where they prefer the wrong text."""
    search = BeamSearch(VOCABULARY, lm=language_model(2, "word"), lm_weight=0.1)
    for decoder in (None, search):
        assert decoded(RATHER_B, decoder) == "b"
        assert causes("a", RATHER_B, decoder) == ("acoustics",)
        assert causes("", RATHER_B, decoder) == ("acoustics",)
        # Two frames have no room for "b b a".
        assert causes("b b a", RATHER_B, decoder) == ("acoustics", None, "acoustics")


class Prefers:
    """In place of a decoder with attention: one text is so likely, all others a hundredth of it."""

    def __init__(self, text, share=0.9):
        self.text, self.share = VOCABULARY.encode(text), share

    def score(self, encodings, texts):
        shares = [self.share if text == self.text else self.share / 100 for text in texts]
        return np.log(shares)


def test_the_decoder_with_attention_spoilt_it():
    encodings = np.zeros((1, 1), np.float32)
    search = BeamSearch(VOCABULARY, attention=Prefers("a"), attention_weight=1.0)

    def cause(reference, search):
        (best,) = search.n_best(RATHER_B, 1, encodings)
        output = VOCABULARY.decode(best.tokens)
        return output, attribute(reference, output, RATHER_B, VOCABULARY, search, encodings)

    assert cause("b", search) == ("a", ("attention",))
    assert cause("a", search) == ("a", (None,))
    # Without its help the language model's bonus of words would have won.
    options = DecodingConfig(attention_weight=0.0, word_bonus=50.0)
    assert cause("", search.with_options(options)) == ("b", ("acoustics",))
    with pytest.raises(DataError, match="needs the encodings of its 1 frames, got none"):
        attribute("b", "a", RATHER_B, VOCABULARY, search)


def test_out_of_vocabulary():
    """The cause is the vocabulary where it, or the lexicon, lacks the word."""
    closed = BeamSearch(VOCABULARY, lexicon=["a"])
    assert causes("b", RATHER_B, closed) == ("out of vocabulary",)
    hot = BeamSearch(VOCABULARY, lexicon=["a"], hotwords={"b": -2.0})
    assert causes("b", RATHER_B, hot) == ("language model",)
    for decoder in (None, closed, hot):
        assert causes("x", RATHER_B, decoder) == ("out of vocabulary",)
    # Errors in a row have one cause, so the second takes that of the first.
    assert causes("ax a", sure("ab")) == ("out of vocabulary", "out of vocabulary")


def test_each_stretch_has_a_cause_of_its_own():
    log_probs = np.concatenate([RATHER_B, sure(" ab "), HIDDEN, sure(" a")])
    assert decoded(log_probs) == "b ab a"
    found = attribute("a ab a a", "b ab a", log_probs, VOCABULARY)
    assert found == ("acoustics", None, "search", None)
    found = attribute("x ab a a", "b ab a", log_probs, VOCABULARY)
    assert found == ("out of vocabulary", None, "search", None)
    assert count_causes(found) == {
        "search": 1,
        "attention": 0,
        "language model": 0,
        "acoustics": 0,
        "out of vocabulary": 1,
    }


def test_texts_are_normalised():
    assert attribute(" A ", "b", RATHER_B, VOCABULARY) == ("acoustics",)
    assert attribute("b", "  B", RATHER_B, VOCABULARY) == (None,)


def test_nothing():
    """No frames and no words have no causes, and words without frames the acoustics."""
    nothing = np.zeros((0, len(VOCABULARY)), np.float32)
    for search in (None, BeamSearch(VOCABULARY, lm=language_model(2, "word"))):
        assert attribute("", "", nothing, VOCABULARY, search) == ()
        assert causes("a b", nothing, search) == ("acoustics", "acoustics")
    assert count_causes(()) == dict.fromkeys(CAUSES, 0)


def test_what_cannot_be_explained():
    """Unknown characters in a hypothesis, and what are no log-probs, are errors."""
    with pytest.raises(DataError, match=r"characters \['x'\] of 'x'"):
        attribute("a", "x", RATHER_B, VOCABULARY)
    with pytest.raises(DataError, match=r"shape \(frames, 4\), got \(1, 3\)"):
        attribute("a", "b", RATHER_B[:, :3], VOCABULARY)
    with pytest.raises(DataError, match="these are probabilities"):
        attribute("a", "b", np.exp(RATHER_B), VOCABULARY)


def test_a_space_more_in_the_output_is_no_other_text():
    # "a " has 0.35, "ab" 0.33 and "a" 0.32, so the search has missed nothing.
    log_probs = np.concatenate([sure("a"), rows([0.32, 0.35, 0, 0.33])])
    assert causes("ab", log_probs) == ("acoustics",)
    # Nor has it where a word is missed, but the spaces on both its sides are there.
    log_probs = np.concatenate([sure("a "), rows([0.6, 0, 0.4, 0]), sure(" b")])
    for decoder in (None, BeamSearch(VOCABULARY)):
        assert decoded(log_probs, decoder) == "a b"
        assert causes("a a b", log_probs, decoder).count("acoustics") == 1


@settings(deadline=None, max_examples=200)
@given(
    reference=st.lists(st.sampled_from(["a", "b", "ab", "ba", "bb", "ax"]), max_size=5),
    frames=st.integers(0, 5),
    seed=st.integers(0, 10**6),
    name=st.sampled_from([None, *CASES]),
    exact=st.booleans(),
)
def test_any_text(reference, frames, seed, name, exact):
    """Each cause is that of its definition, computed from the scores of all texts."""
    log_probs = random_log_probs(frames, len(VOCABULARY), seed, 2.0)
    case = WEIGHTS | CASES[name or "plain"]
    lm = language_model(*case.pop("lm")) if "lm" in case else None
    lexicon, hotwords = case.get("lexicon"), case.get("hotwords", {})
    search = None
    if name is not None:
        pruning = UNPRUNED if exact else {"beam_size": 1}
        search = BeamSearch(VOCABULARY, lm=lm, **case, **pruning)
    hypothesis = decoded(log_probs, search)
    steps = align_words(reference, hypothesis.split())
    found = attribute(" ".join(reference), hypothesis, log_probs, VOCABULARY, search)
    assert [cause is None for cause in found] == [step.kind == "C" for step in steps]
    assert sum(count_causes(found).values()) == sum(step.kind != "C" for step in steps)

    values = {}
    for text, acoustic in all_texts(log_probs).items():
        value = text_score(text, lm, lexicon, hotwords, case) or (-np.inf, 0.0)
        values[text] = acoustic + value[0], acoustic

    def best(words):
        """Return the best scores of the spellings of ``words`` with at most one space more."""
        words = [word for word in words if word]
        longest = len(" ".join(words)) + 1
        alike = [v for text, v in values.items() if text.split() == words and len(text) <= longest]
        return np.max([*alike, (-np.inf, -np.inf)], axis=0)

    known = {"a", "b", "ab", "ba", "bb"}
    if lexicon is not None:
        known = {*lexicon, *" ".join(hotwords).split()}
    output = best([step.hypothesis for step in steps])
    for right, run in groupby(range(len(steps)), lambda index: steps[index].kind == "C"):
        stretch = list(run)
        if right:
            continue
        (cause,) = {found[index] for index in stretch}
        words = {steps[index].reference for index in stretch} - {None}
        mended = best([step[0 if i in stretch else 1] for i, step in enumerate(steps)])
        missed, spoilt = mended > output
        expected = "search" if missed else "language model" if spoilt else "acoustics"
        assert cause == (expected if words <= known else "out of vocabulary")
    counts = count_causes(found)
    if name in (None, "plain"):
        assert counts["language model"] == 0
    if exact and search and len(search(log_probs).tokens) <= len(hypothesis) + 1:
        assert counts["search"] == 0
