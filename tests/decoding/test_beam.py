"""Beam search agrees with its definition: a sum over all paths, and scores of whole texts."""

import itertools
import math
import re
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_cases import (
    CASES,
    LEXICON,
    TEXTS,
    UNPRUNED,
    VOCABULARY,
    all_texts,
    exact_score,
    language_model,
    random_log_probs,
    text_score,
)

from asr.decoding.beam import BeamSearch
from asr.decoding.config import DecodingConfig
from asr.decoding.greedy import greedy
from asr.errors import ConfigError, DataError
from asr.lm.arpa import write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import read_lm
from asr.native import library
from asr.text import Vocabulary


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("frames", [0, 1, 2, 4, 6])
def test_unpruned_equals_the_sum_over_all_paths(name, frames):
    case = dict(CASES[name])
    lm = language_model(*case.pop("lm")) if "lm" in case else None
    lexicon, hotwords = case.pop("lexicon", None), case.pop("hotwords", {})
    options = {"lm_weight": 0.7, "word_bonus": 0.0, "unknown_score": -2.0} | case
    search = BeamSearch(
        VOCABULARY, lm=lm, lexicon=lexicon, hotwords=hotwords, **UNPRUNED, **options
    )
    for seed in range(3):
        log_probs = random_log_probs(frames, len(VOCABULARY), seed, sharpness=1 + seed)
        if seed == 1 and frames > 1:
            log_probs[1, 2] = -np.inf
            log_probs[1] -= np.log(np.exp(log_probs[1]).sum())
        expected = {}
        for text, acoustic in all_texts(log_probs).items():
            value = text_score(text, lm, lexicon, hotwords, options)
            if value is not None:
                expected[text] = (acoustic + value[0], acoustic, value[1])
        hypotheses = search.n_best(log_probs, 10000)
        assert {search.vocabulary.decode(item.tokens).strip() for item in hypotheses} == {
            text.strip() for text in expected
        }
        for item in hypotheses:
            total, acoustic, lm_score = expected[VOCABULARY.decode(item.tokens)]
            assert item.score == pytest.approx(total, abs=1e-4)
            assert item.acoustic_score == pytest.approx(acoustic, abs=1e-4)
            assert item.lm_score == pytest.approx(lm_score, abs=1e-4)
        assert hypotheses[0].score == pytest.approx(max(v[0] for v in expected.values()), abs=1e-4)
        scores = [item.score for item in hypotheses]
        assert scores == sorted(scores, reverse=True)


@settings(deadline=None, max_examples=60)
@given(
    frames=st.integers(1, 40),
    seed=st.integers(0, 10**6),
    sharpness=st.floats(0.1, 8),
    beam_size=st.integers(1, 30),
    threshold=st.floats(0.5, 30),
)
def test_acoustic_score_never_exceeds_the_exact_one(frames, seed, sharpness, beam_size, threshold):
    size = len(VOCABULARY)
    log_probs = random_log_probs(frames, size, seed, sharpness)
    narrow = BeamSearch(
        VOCABULARY, beam_size=beam_size, beam_threshold=threshold, token_threshold=threshold
    )
    for item in narrow.n_best(log_probs, 5):
        assert item.acoustic_score <= exact_score(log_probs, item.tokens) + 1e-4
        assert item.score == pytest.approx(item.acoustic_score)


@settings(deadline=None, max_examples=60)
@given(
    frames=st.integers(0, 12),
    seed=st.integers(0, 10**6),
    impossible=st.floats(0, 0.9),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    case=st.sampled_from(list(CASES)),
)
def test_anything_is_decoded_and_pieces_equal_the_whole(frames, seed, impossible, cuts, case):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(frames, len(VOCABULARY), seed, 3.0)
    log_probs[rng.random(log_probs.shape) < impossible] = -np.inf
    log_probs[(log_probs == -np.inf).all(axis=1)] = np.log(1 / len(VOCABULARY))
    log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
    values = dict(CASES[case])
    if "lm" in values:
        values["lm"] = language_model(*values["lm"])
    search = BeamSearch(VOCABULARY, beam_size=8, **values)
    whole = search(log_probs)
    assert len(whole.tokens) == len(whole.start_frames) == len(whole.log_posteriors)
    borders = [*zip(whole.start_frames, whole.end_frames, strict=True), (frames, frames)]
    for (start, end), (following, _) in itertools.pairwise(borders):
        assert 0 <= start < end <= following
    assert all(-24 < value <= 1e-9 for value in whole.log_posteriors)
    stream = search.stream()
    places = [0, *sorted(min(cut, frames) for cut in cuts), frames]
    for begin, end in itertools.pairwise(places):
        stream.feed(log_probs[begin:end])
        stream.n_best(1)  # a look in between changes nothing
    assert stream.n_best(1)[0] == whole


def test_a_beam_of_one_without_merging_finds_the_obvious():
    """A beam of one finds the text whose best path is certain."""
    log_probs = np.log(np.full((6, 4), 0.01, np.float32) + np.eye(4, dtype=np.float32)[
        [2, 0, 2, 1, 3, 3]
    ] * 0.96)  # fmt: skip
    assert BeamSearch(VOCABULARY, beam_size=1)(log_probs).tokens == (2, 2, 1, 3)


def test_more_than_one_path_counts():
    # The best path is blank, blank, but "a" has three paths: 0.4 * 0.4 + 2 * 0.4 * 0.6 = 0.64.
    log_probs = np.log(np.array([[0.6, 0.0, 0.4, 0.0]] * 2, np.float32) + 1e-30)
    assert greedy(log_probs, 0).tokens == ()
    best = BeamSearch(VOCABULARY)(log_probs)
    assert best.tokens == (2,) and math.exp(best.acoustic_score) == pytest.approx(0.64)


def test_the_tree_grows_and_is_cleared():
    search = BeamSearch(VOCABULARY, beam_size=32)
    long = random_log_probs(3000, len(VOCABULARY), 0)
    stream = search.stream()
    for begin in range(0, 3000, 100):
        stream.feed(long[begin : begin + 100])
    assert stream.n_best(1)[0] == search(long)
    assert library.beam_room(stream._stream) < 40_000  # 3000 frames made a multiple of that


def test_a_list_is_decoded_in_its_order():
    items = [random_log_probs(count, len(VOCABULARY), count) for count in (5, 0, 30, 1, 12)]
    search = BeamSearch(VOCABULARY, beam_size=8)
    assert search(items) == [search(item) for item in items]
    assert search([]) == []


def test_skipping_certain_blanks_keeps_the_text():
    log_probs = random_log_probs(40, len(VOCABULARY), 3, 4.0)
    log_probs[5:20] = np.log(np.array([0.9999, 0.00004, 0.00003, 0.00003], np.float32))
    fast = BeamSearch(VOCABULARY, blank_skip=0.999)(log_probs)
    slow = BeamSearch(VOCABULARY, blank_skip=1.0)(log_probs)
    assert fast.tokens == slow.tokens
    assert slow.acoustic_score - 0.01 < fast.acoustic_score <= slow.acoustic_score


def test_no_word_is_begun_that_the_lexicon_lacks_even_where_the_audio_ends_inside_one():
    log_probs = np.log(np.array([[0.001, 0.001, 0.001, 0.997]] * 2, np.float32))
    search = BeamSearch(VOCABULARY, lexicon=["a", "ba"], beam_threshold=2.0)
    assert search(log_probs).tokens == ()


def test_hot_words_do_not_lift_what_only_begins_like_them():
    # "ab" is as likely as "aa"; the hot word "abb" must not tip the balance.
    log_probs = np.log(np.array(
        [[0.01, 0.01, 0.97, 0.01], [0.97, 0.01, 0.01, 0.01], [0.01, 0.01, 0.5, 0.48]], np.float32
    ))  # fmt: skip
    plain = BeamSearch(VOCABULARY)(log_probs)
    boosted = BeamSearch(VOCABULARY, hotwords={"abb": 30.0}, max_tokens=2)(log_probs)
    assert plain.tokens == boosted.tokens == (2, 2)
    assert boosted.score == pytest.approx(plain.score)
    lifted = BeamSearch(VOCABULARY, hotwords={"ab": 1.0})(log_probs)
    assert lifted.tokens == (2, 3) and lifted.score == pytest.approx(lifted.acoustic_score + 1.0)


def test_word_confidence_is_the_share_of_hypotheses_that_have_it():
    log_probs = np.log(np.array(
        [[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.7, 0.3]], np.float32
    ) + 1e-30)  # fmt: skip
    best = BeamSearch(VOCABULARY)(log_probs)
    assert best.tokens == (2, 1, 2)
    assert np.exp(best.log_posteriors) == pytest.approx([1.0, 1.0, 0.7], abs=1e-5)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(3), r"shape \(frames, 4\), got \(3,\)"),
        (np.zeros((3, 5)), r"shape \(frames, 4\), got \(3, 5\)"),
        (np.zeros((3, 4), int), "needs floats, got int64"),
        (np.full((3, 4), 0.25), "these are probabilities"),
        (np.random.default_rng(0).normal(0, 3, (3, 4)), "frame 0 sum to"),
        (np.log(np.array([[0.25] * 4, [np.nan] * 4])), "frame 1 holds NaN"),
        (np.full((2, 4), -np.inf), "sum to 0"),
        (np.full((2, 4), np.inf), "sum to inf"),
    ],
)
def test_input_that_is_not_log_probs(value, message):
    with pytest.raises(DataError, match=message):
        BeamSearch(VOCABULARY)(value)


def test_options_and_words_that_do_not_fit():
    """A search refuses unknown options, and words that its vocabulary cannot spell."""
    with pytest.raises(ConfigError, match=r"unknown key decoding\.beam; known here: beam_size"):
        BeamSearch(VOCABULARY, beam=3)
    with pytest.raises(ConfigError, match=r"decoding.beam_size is 0"):
        BeamSearch(VOCABULARY, beam_size=0)
    with pytest.raises(DataError, match="hot word 'abc': the model has no symbol for 'c'"):
        BeamSearch(VOCABULARY, hotwords={"abc": 1.0})
    with pytest.raises(DataError, match="word 'xa' of the lexicon: 'x'"):
        BeamSearch(VOCABULARY, lexicon=["a", "xa"])
    with pytest.raises(DataError, match="needs a vocabulary with a space"):
        BeamSearch(Vocabulary.from_characters("ab"), lexicon=["a"])


def test_one_symbol_besides_the_blank():
    """A search works with one symbol besides the blank, and with none."""
    vocabulary = Vocabulary.from_characters("a")
    log_probs = np.log(np.array([[0.2, 0.8], [0.9, 0.1], [0.3, 0.7]], np.float32))
    assert BeamSearch(vocabulary)(log_probs).tokens == (1, 1)
    assert BeamSearch(Vocabulary.from_characters(""))(np.zeros((3, 1))).tokens == ()


def test_a_language_model_in_capitals_is_one_of_the_same_words(tmp_path):
    lower = language_model(2, "word")
    write_arpa(tmp_path / "lower.arpa", estimate(TEXTS, 2).ngrams)
    text = (tmp_path / "lower.arpa").read_text()
    for word in {word for line in TEXTS for word in line.split()}:
        text = re.sub(rf"(?<=[\t ]){word}(?=[\t\n ])", word.upper(), text)
    (tmp_path / "upper.arpa").write_text(text)
    upper = read_lm(tmp_path / "upper.arpa")
    assert "BA" in upper.words and "ba" not in upper.words
    log_probs = random_log_probs(20, len(VOCABULARY), 1, 2.0)
    for options in ({}, {"lexicon": LEXICON}):
        same, expected = (
            BeamSearch(VOCABULARY, lm=lm, **options)(log_probs) for lm in (upper, lower)
        )
        assert same == expected and same.lm_score < 0


@pytest.mark.parametrize("threads", [1, 2])
def test_many_utterances_are_decoded_as_each_is(threads, monkeypatch):
    """Many are decoded by one call; some end inside of a word, some have no frames."""
    monkeypatch.setattr("asr.decoding.beam.VALUES_AT_ONCE", 200)
    log_probs = [random_log_probs(n, len(VOCABULARY), n) for n in [0, 3, 40, 0, 7, 12, 1, 100]]
    log_probs.append(np.log(np.array([[0.001, 0.001, 0.001, 0.997]] * 2)))
    log_probs.append(random_log_probs(20, len(VOCABULARY), 1).astype(np.float32))
    for options in {}, {"lexicon": ["a", "ba"], "beam_threshold": 2.0}, {"hotwords": {"ab": 3.0}}:
        search = BeamSearch(VOCABULARY, **options)
        alone = [search(item) for item in log_probs]
        assert search(log_probs, threads) == alone
        assert any(item.tokens for item in alone)


def test_the_utterance_that_is_wrong_among_many_is_named_by_its_own_frame():
    log_probs = [random_log_probs(10, len(VOCABULARY), seed) for seed in range(3)]
    log_probs[1][4] = np.nan
    with pytest.raises(DataError, match="frame 4 holds NaN"):
        BeamSearch(VOCABULARY)(log_probs, 1)
    with pytest.raises(DataError, match="needs floats, got int64"):
        BeamSearch(VOCABULARY)([log_probs[0], np.zeros((2, len(VOCABULARY)), np.int64)], 1)


def test_tables_that_disagree_are_refused():
    """The sets of next tokens let through what the lexicon does not hold."""
    search = BeamSearch(VOCABULARY, lexicon=["a", "ba"], **UNPRUNED)
    assert search._tables.lexicon_follow is not None
    search._tables.lexicon_follow[:] = 2 ** len(VOCABULARY) - 1
    stream = search.stream()
    with pytest.raises(RuntimeError, match=r"^the lexicon's tables disagree: a token may follow"):
        stream.feed(random_log_probs(30, len(VOCABULARY), 0))
    assert stream.n_best(1)  # of the frames before
    with pytest.raises(RuntimeError):
        search([random_log_probs(30, len(VOCABULARY), 0)] * 2, 1)


def test_other_options_on_the_same_tables():
    """A search with other options equals a new one, and the first search stays as it is."""
    log_probs = random_log_probs(30, len(VOCABULARY), 5, 2.0)
    knows = {"lm": language_model(2, "word"), "hotwords": {"ab": 9.0}}
    options = DecodingConfig(beam_size=5, beam_threshold=6.0, lm_weight=1.3, word_bonus=0.4)
    search = BeamSearch(VOCABULARY, **knows)
    before = search(log_probs)
    assert search.with_options(options)(log_probs) == BeamSearch(
        VOCABULARY, **knows, **asdict(options)
    )(log_probs)
    assert search(log_probs) == before and search.options == DecodingConfig()


@pytest.mark.parametrize("unit", ["word", "token"])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("history", ["", "ba", "a b ab", "b bb"])
@pytest.mark.parametrize("sentence_ends", [True, False])
def test_the_language_model_goes_on_from_what_was_said_before(unit, order, history, sentence_ends):
    lm = language_model(order, unit)
    weights = {"lm_weight": 0.8, "unknown_score": 0.0, "word_bonus": 0.0}
    search = BeamSearch(VOCABULARY, lm=lm, **weights, **UNPRUNED)
    stream = search.stream(history)
    stream.feed(random_log_probs(4, 4, seed=order))
    joint = "<space>" if unit == "token" else None
    for hypothesis in stream.n_best(20, sentence_ends):
        text = VOCABULARY.decode(hypothesis.tokens)
        if unit == "word":
            before, said = history.split(), text.split()
        else:
            before = [joint if c == " " else c for c in history] + [joint] * bool(history)
            said = [joint if c == " " else c for c in text]
        ids = [lm.word_id(word) for word in [*before, *said]]
        (scores,) = lm.score([ids])
        ends = sentence_ends and text.strip()  # silence is no sentence
        expected = scores[len(before) : len(scores) if ends else -1].sum() * np.log(10)
        assert hypothesis.lm_score == pytest.approx(expected, abs=1e-4)
        difference = hypothesis.score - hypothesis.acoustic_score
        assert difference == pytest.approx(0.8 * expected, abs=1e-4)
