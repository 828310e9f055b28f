"""Packed n-gram models score as their definition, tables made by hand, and kenlm do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_cases import HAND_MADE, WORDS, Reference, estimated, prune_at_random, sentences

from asr.errors import ConfigError, DataError
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram import assemble
from asr.lm.ngram_file import read_lm
from asr.lm.packed import Header
from asr.lm.packing import pack
from asr.lm.perplexity import perplexity
from asr.native import library
from asr.native.structures import LmState


@pytest.fixture
def model(tmp_path):
    (tmp_path / "hand.arpa").write_text(HAND_MADE)
    return read_lm(tmp_path / "hand.arpa")


def lacks_suffixes(model):
    """Return True if the suffix of some n-gram is missing, so that records were added."""
    header = model._header
    return header.records != header.counts


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_against_kenlm(order, pruned, tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed (the extra: peers)")
    ngrams = estimated(order)
    if pruned:
        ngrams = prune_at_random(ngrams)
        # The suffix of a 3-gram is a 2-gram, unless that was left out.
        three = ngrams.suffix[slice(*ngrams.bounds[3:5])] if order > 2 else np.zeros(1)
        assert (three < ngrams.bounds[2]).any()
    write_arpa(tmp_path / "lm.arpa", ngrams)
    peer = kenlm.Model(str(tmp_path / "lm.arpa"))
    model = pack(ngrams)
    assert lacks_suffixes(model) == (pruned and order > 2)
    texts = sentences(10_000, 2, [*WORDS, "unheard", "of"])
    for text, scores in zip(texts, model.score(list(map(model.encode, texts))), strict=True):
        expected = [score for score, _, _ in peer.full_scores(text)]
        np.testing.assert_allclose(scores, expected, atol=1e-4)
        assert scores.sum() == pytest.approx(peer.score(text), abs=1e-4)


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_against_the_definition(order, pruned):
    ngrams = prune_at_random(estimated(order)) if pruned else estimated(order)
    reference, model = Reference(ngrams), pack(ngrams)
    assert (model.order, model.counts, model.words) == (order, ngrams.counts, ngrams.words)
    texts = sentences(1000, 2, [*WORDS, "unheard", "of"])
    ids = [model.encode(text) for text in texts]
    assert ids == [reference.encode(text) for text in texts]
    for scores, expected in zip(model.score(ids), reference.score(ids), strict=True):
        np.testing.assert_allclose(scores, expected, atol=1e-6, rtol=0)


@st.composite
def tables(draw):
    """N-grams of a few words, whose first words are n-grams and whose last ones may not be."""
    words = ["<unk>", "<s>", "</s>", *"abc"[: draw(st.integers(0, 3))]]
    number = st.floats(-9, 0, width=32)
    count, grams = len(words), [np.arange(len(words), dtype=np.int32)[None]]
    while len(grams) < draw(st.integers(1, 6)):
        pairs = st.tuples(st.integers(0, grams[-1].shape[1] - 1), st.integers(0, count - 1))
        chosen = draw(st.lists(pairs, max_size=12, unique=True)) if grams[-1].size else []
        longer = [[*grams[-1][:, context], word] for context, word in chosen]
        grams.append(np.array(longer, np.int32).reshape(-1, len(grams) + 1).T)
    values = [
        np.array(draw(st.lists(number, min_size=n, max_size=n)), np.float32)
        for n in (*(ids.shape[1] for ids in grams), *(ids.shape[1] for ids in grams[:-1]))
    ]
    return assemble(words, grams, values[: len(grams)], values[len(grams) :])


@settings(deadline=None)
@given(tables(), st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=4))
def test_any_table(ngrams, texts):
    texts = [[id for id in text if id < len(ngrams.words)] for text in texts]
    reference, model, coded = Reference(ngrams), pack(ngrams), pack(ngrams, bits=8)
    for scores, expected in zip(model.score(texts), reference.score(texts), strict=True):
        np.testing.assert_allclose(scores, expected, atol=1e-5, rtol=0)
    # So few values are all kept.
    for scores, exact in zip(coded.score(texts), model.score(texts), strict=True):
        np.testing.assert_array_equal(scores, exact)
    ids, position, _, held = model.match(texts)
    for t, start in enumerate(position):
        for k in range(1, model.order + 1):
            gram = tuple(ids[t - k + 1 : t + 1].tolist())
            assert held[k - 1, t] == (k <= start + 1 and gram in reference.probs)


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("order", [2, 3, 5])
def test_eight_bits_are_nearly_as_good(order, pruned):
    ngrams = prune_at_random(estimated(order)) if pruned else estimated(order)
    exact, coded = pack(ngrams), pack(ngrams, bits=8)
    assert (exact.bits, coded.bits) == (32, 8)
    assert len(coded.block) < 0.55 * len(exact.block)
    texts = sentences(1000, 2, [*WORDS, "unheard", "of"])
    scores, expected = (
        np.concatenate(model.score([model.encode(text) for text in texts]))
        for model in (coded, exact)
    )
    assert np.abs(scores - expected).max() < 0.2
    assert np.sqrt(np.square(scores - expected).mean()) < 0.01
    assert scores.mean() == pytest.approx(expected.mean(), rel=1e-3)
    # Without a context, the probabilities of words are exact.
    ids = np.array([id for word in range(len(exact.words)) for id in (-1, word)], np.int32)
    results = np.empty((2, len(ids)))
    for model, row in zip((coded, exact), results, strict=True):
        held = np.empty(len(ids), np.uint8)
        library.lm_score(model.native, LmState(), ids, len(ids), row, held)
        assert held.tolist() == len(exact.words) * [0, 1]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[1, 1::2], ngrams.log10_probs[1 : 1 + len(exact.words)])


def test_other_bits():
    with pytest.raises(ConfigError, match="takes 8 or 32 bits, got 16"):
        pack(estimated(1), bits=16)


def test_perplexity_against_kenlm(tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed (the extra: peers)")
    write_arpa(tmp_path / "lm.arpa", estimated(3))
    model = pack(estimated(3))
    peer = kenlm.Model(str(tmp_path / "lm.arpa"))
    texts = sentences(200, 3, [*WORDS, "unheard"])
    found = [score for text in texts for score in peer.full_scores(text)]
    known = [score for score, _, unknown in found if not unknown]
    result = perplexity(model, texts)
    assert (result.sentences, result.tokens) == (200, len(found))
    assert result.oovs == len(found) - len(known) > 0
    assert result.including_oovs == pytest.approx(10 ** -np.mean([s for s, _, _ in found]))
    assert result.excluding_oovs == pytest.approx(10 ** -np.mean(known))


def test_scores_by_hand(model):
    table = {
        "a b": [-0.4, -0.15, -0.05 - 0.9],
        "": [-0.5 - 0.7],
        "b a": [-0.5 - 0.8, -0.35, -0.2 - 0.7],
        "a a b": [-0.4, -0.1 - 0.2 - 0.6, -0.3, -0.05 - 0.9],
        "x a": [-0.5 - 1.0, -0.6, -0.2 - 0.7],
    }
    scores = model.score([model.encode(text) for text in table])
    for found, expected in zip(scores, table.values(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert model.score([]) == []


def test_what_is_known_of_a_model(model):
    assert model.words == ("<unk>", "<s>", "</s>", "a", "b")
    assert (model.order, model.unit, model.counts) == (3, "word", (5, 4, 1))
    assert (model.word_id("b"), model.word_id("x"), model.unknown_id) == (4, 0, 0)


def test_states_by_hand(model):
    def parts(words):
        state = model.state(words)
        return state.words[: state.length], np.round(state.backoffs[: state.length], 6).tolist()

    start, end, a, b = 1, 2, 3, 4
    assert parts([]) == ([start], [-0.5])
    assert parts([a]) == ([a, start], [-0.2, -0.1])
    assert parts([a, b]) == ([b, a], [-0.3, -0.05])
    assert parts([end]) == ([end], [0.0])
    assert parts([b, b]) == ([b], [-0.3])


def test_perplexity_by_hand(model):
    result = perplexity(model, ["a b", "x a"])
    assert (result.sentences, result.tokens, result.oovs) == (2, 6, 1)
    assert result.log10_total == pytest.approx(-1.5 - 3.0)
    assert result.including_oovs == pytest.approx(10 ** (4.5 / 6))
    assert result.excluding_oovs == pytest.approx(10 ** (3.0 / 5))
    assert str(result) == (
        "perplexity 5.62 with and 3.98 without unknown words [6 tokens, 1 unknown, 2 sentences]"
    )
    with pytest.raises(DataError, match="at least one sentence"):
        perplexity(model, [])


def test_a_model_of_characters():
    model = estimate(["go on", "no"], 2, "token").model
    assert model.unit == "token"
    assert [model.words[id] for id in model.encode("o nx")] == ["o", "<space>", "n", "<unk>"]


def test_words_that_differ_in_case_share_the_lowest_id(tmp_path):
    text = HAND_MADE.replace("1=5", "1=7").replace("-0.8\tb", "-0.8\tÉ\n-0.8\te\u0301\n-0.8\tb")
    (tmp_path / "a.arpa").write_text(text)
    model = read_lm(tmp_path / "a.arpa")
    assert model.words.index("É") == model.word_id("\u00e9") == 4


def test_the_structures_are_those_of_the_library(model):
    state = LmState()
    library.lm_state(model.native, np.array([1, 3], np.int32), 2, state)
    assert (state.length, *state.words[:2]) == (2, 3, 1)


def test_a_header_of_millions():
    """Three million n-grams of 65,000 words take less than 16 MB."""
    header = Header((65_000, 1_000_000, 1_935_000), (65_000, 1_000_000, 1_935_000), 8, 250_000)
    assert sum(header.sizes()) < 15e6


def test_the_table_is_that_of_an_arpa_file(tmp_path):
    write_arpa(tmp_path / "lm.arpa", estimated(3))
    assert np.array_equal(read_lm(tmp_path / "lm.arpa").block, pack(estimated(3)).block)
    assert read_arpa(tmp_path / "lm.arpa").counts == pack(estimated(3)).counts
