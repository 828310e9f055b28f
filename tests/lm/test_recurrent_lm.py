"""Recurrent language models give the scores of torch, in batches and in pieces."""

import json
import math
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_cases import NETWORK_WORDS, make_lm

from asr.errors import DataError
from asr.lm.kneser_ney import estimate
from asr.lm.perplexity import best_weights, count, mix, perplexity, token_scores
from asr.lm.recurrent_lm import METADATA, RecurrentLm, read_recurrent_lm
from asr.lm.sampling import sample_texts
from asr.training.lm.config import NetworkConfig, TextConfig
from asr.training.lm.data import Texts, read
from asr.training.lm.export import to_onnx

CHARACTERS = ("</s>", "<unk>", "<space>", "a", "b")
TEXTS = ["a b", "a b c", "", "x dd", "c c c c c c c", "dd"]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_pieces_equal_torch_on_the_whole(cell, layers):
    network, lm = make_lm(cell, layers)
    tokens = torch.randint(len(NETWORK_WORDS), (3, 12), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(tokens, torch.tensor([12, 12, 12])).log_softmax(-1).numpy()
    states = np.zeros((layers * (2 if cell == "lstm" else 1), 3, 8), np.float32)
    pieces = []
    for first, last in ((0, 1), (1, 6), (6, 12)):
        piece = tokens[:, first:last].numpy()
        log_probs, states = lm.run(piece, np.full(3, last - first), states)
        pieces.append(log_probs)
    np.testing.assert_allclose(np.concatenate(pieces, 1), expected, atol=1e-4)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_what_is_behind_a_length_changes_nothing(cell):
    """Tokens after the end of a text do not change its scores."""
    _, lm = make_lm(cell)
    tokens = np.array([[0, 2, 3, 4], [0, 5, 1, 1], [0, 1, 1, 1]])
    lengths = np.array([4, 2, 1])
    none = np.zeros((4 if cell == "lstm" else 2, 3, 8), np.float32)
    log_probs, states = lm.run(tokens, lengths, none)
    for row, length in enumerate(lengths):
        alone, after = lm.run(tokens[row : row + 1, :length], lengths[row : row + 1], none[:, :1])
        np.testing.assert_allclose(log_probs[row, :length], alone[0], atol=1e-5)
        np.testing.assert_allclose(states[:, row], after[:, 0], atol=1e-5)


def test_scores_are_the_log_probabilities_of_torch(monkeypatch):
    network, lm = make_lm()
    monkeypatch.setattr("asr.lm.recurrent_lm.BATCH_VALUES", 60)  # this makes several batches
    sentences = [lm.encode(text) for text in TEXTS]
    assert sentences[3] == [1, 5]
    for ids, scores in zip(sentences, lm.score(sentences), strict=True):
        tokens = torch.tensor([[0, *ids]])
        with torch.no_grad():
            log_probs = network(tokens, torch.tensor([len(ids) + 1])).log_softmax(-1)[0]
        expected = [float(log_probs[t, id]) for t, id in enumerate([*ids, 0])]
        np.testing.assert_allclose(scores * math.log(10), expected, atol=1e-4)


@pytest.mark.parametrize("unit", ["word", "token"])
def test_a_batch_equals_one_by_one(unit):
    _, lm = make_lm(unit=unit, words=NETWORK_WORDS if unit == "word" else CHARACTERS)
    texts = [text.replace("dd", "b") for text in TEXTS]
    together = perplexity(lm, texts)
    alone = [perplexity(lm, [text]) for text in texts]
    assert together.log10_total == pytest.approx(sum(item.log10_total for item in alone), abs=1e-4)
    for name in ("tokens", "words", "characters", "oovs", "sentences"):
        assert getattr(together, name) == sum(getattr(item, name) for item in alone)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from("abcx"), max_size=5).map(" ".join), max_size=8),
    history=st.lists(st.sampled_from("ab"), max_size=2).map(" ".join),
    ends=st.booleans(),
    unit=st.sampled_from(["word", "token"]),
)
def test_texts_with_common_beginnings(texts, history, ends, unit):
    _, lm = make_lm(unit=unit, words=NETWORK_WORDS if unit == "word" else CHARACTERS)
    before = lm.encode(history + " " * (unit == "token" and history != ""))
    expected = [
        lm.score([[*before, *lm.encode(text)]])[0][len(before) : None if ends else -1].sum()
        for text in texts
    ]
    found = lm.score_texts(texts, history, ends)
    np.testing.assert_allclose(found, np.array(expected) * math.log(10), atol=1e-4)


def test_perplexity_by_hand():
    # With all weights 0 every unit is as likely as every other, the end included.
    network, _ = make_lm()
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    lm = RecurrentLm(
        to_onnx(network, NetworkConfig("gru", 2, 8), Texts("word", NETWORK_WORDS, [], []), {})
    )
    result = perplexity(lm, ["a b", "x dd"])
    assert (result.sentences, result.tokens, result.words, result.oovs) == (2, 6, 6, 1)
    assert result.characters == 3 + 1 + 4 + 1
    for value in (result.including_oovs, result.excluding_oovs, result.per_word):
        assert value == pytest.approx(6.0)
    assert result.per_character == pytest.approx(6 ** (6 / 9))


def test_mixtures():
    """The weights found give the lowest perplexity, and mixed scores are those computed by hand."""
    texts = ["a b c", "b b", "a", "c b a x"]
    _, first = make_lm(seed=1)
    _, second = make_lm(seed=2)
    scores = [token_scores(model, texts) for model in (first, second)]
    weights = best_weights(scores)
    assert sum(weights) == pytest.approx(1)
    totals = {
        share: count(texts, mix(scores, [share, 1 - share])).including_oovs
        for share in np.linspace(0, 1, 101)
    }
    best = min(totals, key=totals.get)
    assert weights[0] == pytest.approx(best, abs=0.02)
    assert totals[1.0] == pytest.approx(perplexity(first, texts).including_oovs)
    by_hand = 0.25 * 10 ** scores[0].log10_probs + 0.75 * 10 ** scores[1].log10_probs
    np.testing.assert_allclose(10 ** mix(scores, [0.25, 0.75]).log10_probs, by_hand)


def test_an_n_gram_model_of_the_same_words_can_be_mixed_in():
    texts = ["a b c", "x b"]
    ngram = estimate(["a b c", "dd"], 2, vocabulary=NETWORK_WORDS[2:]).model
    _, lm = make_lm()
    assert len(mix([token_scores(model, texts) for model in (ngram, lm)], [0.5, 0.5]).unknown) == 7
    other = estimate(["a b x"], 2).model
    with pytest.raises(DataError, match="know the same words; build them with one --vocabulary"):
        best_weights([token_scores(model, texts) for model in (other, lm)])


def test_samples_follow_the_probabilities():
    _, lm = make_lm(layers=1)
    log_probs, _ = lm.start(lm.encode("a b"))
    for temperature in (0.5, 1.0, 2.0):
        texts = sample_texts(lm, "a b", temperature, count=4000, max_tokens=1, seed=3)
        drawn = [text.removeprefix("a b").strip() for text in texts]
        probs = np.exp(log_probs[0].astype(float) / temperature)
        probs[1] = 0  # <unk>
        probs /= probs.sum()
        for word, prob in zip(("", *NETWORK_WORDS[1:]), probs, strict=True):
            spread = math.sqrt(prob * (1 - prob) / 4000)
            assert drawn.count(word) / 4000 == pytest.approx(prob, abs=5 * spread + 1e-9)


def test_samples_are_seeded_begin_with_the_prompt_and_end():
    _, lm = make_lm()
    first = sample_texts(lm, "dd a", count=5, max_tokens=7, seed=1)
    assert first == sample_texts(lm, "dd a", count=5, max_tokens=7, seed=1)
    assert first != sample_texts(lm, "dd a", count=5, max_tokens=7, seed=2)
    assert all(text.startswith("dd a") and len(text.split()) <= 9 for text in first)
    surest = sample_texts(lm, "a", temperature=0, max_tokens=3)
    ids = lm.encode("a")
    for _ in range(3):
        choice = lm.start(ids)[0][0]
        choice[1] = -np.inf
        if choice.argmax() == 0:
            break
        ids.append(int(choice.argmax()))
    assert surest == [lm.decode(ids)]
    _, characters = make_lm(unit="token", words=CHARACTERS)
    assert sample_texts(characters, "a b", max_tokens=1)[0].startswith("a b")
    with pytest.raises(
        DataError, match="after 'a', the prompt 'a x b' has a word or character that"
    ):
        sample_texts(lm, "a x b")
    with pytest.raises(
        DataError,
        match=r"^the prompt 'x b' begins with a word or character that the model does not",
    ):
        sample_texts(lm, "x b")


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "lm.onnx"
    with pytest.raises(DataError, match=r"cannot read .*lm.onnx: No such file"):
        read_recurrent_lm(path)
    path.write_bytes(b"no model")
    with pytest.raises(DataError, match=r"lm.onnx: not a recurrent language model of asr lm train"):
        read_recurrent_lm(path)
    _, lm = make_lm()
    proto = onnx.load_from_string(lm.data)
    values = json.loads(proto.metadata_props[0].value)
    for changes, message in (
        ({"schema_version": 2}, "schema_version is 2, this version of asr reads 1"),
        (None, "not a recurrent language model of asr lm train"),
    ):
        text = json.dumps(values | changes) if changes else "[]"
        onnx.helper.set_model_props(proto, {METADATA: text})
        path.write_bytes(proto.SerializeToString())
        with pytest.raises(DataError, match=message):
            read_recurrent_lm(path)


def test_texts_are_numbered(tmp_path):
    (tmp_path / "train.txt").write_text("B a\n\na a c\n")
    (tmp_path / "dev.txt").write_text("a d\n")
    (tmp_path / "words.txt").write_text("c\na\n")
    config = TextConfig(train=(str(tmp_path / "train.txt"),), dev=(str(tmp_path / "dev.txt"),))
    texts = read(config)
    assert texts.words == ("</s>", "<unk>", "a", "b", "c")
    assert (texts.train, texts.dev) == ([[3, 2], [2, 2, 4]], [[2, 1]])
    assert read(replace(config, min_count=2)).words == ("</s>", "<unk>", "a")
    listed = replace(config, vocabulary=str(tmp_path / "words.txt"))
    assert read(listed).words == ("</s>", "<unk>", "a", "c")
    characters = read(replace(config, unit="character"))
    assert characters.words == ("</s>", "<unk>", "<space>", "a", "b", "c")
    assert characters.train[0] == [4, 2, 3]
    with pytest.raises(DataError, match="needs texts to train on and others"):
        read(TextConfig(train=config.train))
    (tmp_path / "dev.txt").write_text("a </s>\n")
    with pytest.raises(DataError, match="hold <s> or </s> as a word"):
        read(replace(config, train=config.dev))
