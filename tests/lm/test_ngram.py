"""Scores of n-gram models agree with kenlm and with sums by hand, and binary files keep them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_cases import HAND_MADE, WORDS, estimated, prune_at_random, same, sentences

from asr.errors import AsrError, DataError, ModelError
from asr.lm import ngram_file
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram import assemble
from asr.lm.ngram_file import read_binary, read_lm, write_binary
from asr.lm.perplexity import perplexity


@pytest.fixture
def model(tmp_path):
    """The model of the ARPA file made by hand."""
    (tmp_path / "hand.arpa").write_text(HAND_MADE)
    return read_arpa(tmp_path / "hand.arpa")


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_against_kenlm(order, pruned, tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed (the extra: peers)")
    model = estimated(order)
    if pruned:
        model = prune_at_random(model)
        # The suffix of a 3-gram is a 2-gram, unless this was left out.
        three = model.suffix[slice(*model.bounds[3:5])] if order > 2 else np.zeros(1)
        assert (three < model.bounds[2]).any()
    write_arpa(tmp_path / "lm.arpa", model)
    peer = kenlm.Model(str(tmp_path / "lm.arpa"))
    texts = sentences(10_000, 2, [*WORDS, "unheard", "of"])
    for text, scores in zip(texts, model.score(list(map(model.encode, texts))), strict=True):
        expected = [score for score, _, _ in peer.full_scores(text)]
        np.testing.assert_allclose(scores, expected, atol=1e-4)
        assert scores.sum() == pytest.approx(peer.score(text), abs=1e-4)


def test_perplexity_against_kenlm(tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed (the extra: peers)")
    model = estimated(3)
    write_arpa(tmp_path / "lm.arpa", model)
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


def test_the_arrays_by_hand(model):
    assert model.words == ("<unk>", "<s>", "</s>", "a", "b")
    assert (model.order, model.unit, model.lower, model.counts) == (3, "word", 10, (5, 4, 1))
    assert model.bounds == (0, 1, 6, 10, 11)
    assert model.trie.label.tolist() == [-1, 0, 1, 2, 3, 4, 3, 4, 2, 3, 4]
    # The suffixes are <s> a -> a, a b -> b, b </s> -> </s>, b a -> a, <s> a b -> a b.
    assert model.suffix.tolist() == [0, 0, 0, 0, 0, 0, 4, 5, 3, 4, 7]
    assert (model.word_id("b"), model.word_id("x"), model.unknown_id) == (4, 0, 0)


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


@pytest.mark.parametrize("order", [1, 2, 5])
def test_binary_round_trip(order, tmp_path):
    path = tmp_path / "lm.ngram"
    model = estimated(order)
    write_binary(path, model)
    read = read_lm(path)
    assert same(model, read)
    for array in (read.trie.first, read.log10_probs, read.suffix):
        base = array
        while not isinstance(base, np.memmap):
            base = base.base
        assert array.ctypes.data % 64 == 0 and base.mode == "c"
    texts = list(map(model.encode, sentences(50, 5)))
    for a, b in zip(model.score(texts), read.score(texts), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The bytes of a binary file with an n-gram model."""
    path = tmp_path_factory.mktemp("binary") / "lm.ngram"
    write_binary(path, estimate(["yes no", "no yes yes"], 3).model)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "the file is empty"),
        (lambda data: b"RIFF" + data[4:], "not a binary n-gram model"),
        (lambda data: data[:12], "damaged or cut short"),
        (lambda data: data[:-1], "damaged or cut short"),
        (lambda data: data + b"x", "damaged or cut short"),
        (lambda data: data[:200] + b"!" + data[201:], "damaged or cut short"),
        (lambda data: data[:8] + b"\x02" + data[9:], "has format 2, .* reads format 1; build it"),
    ],
)
def test_damaged_files(change, message, stored, tmp_path):
    (tmp_path / "lm.ngram").write_bytes(change(stored))
    with pytest.raises(ModelError, match=message):
        read_binary(tmp_path / "lm.ngram")


@given(st.data())
def test_corrupted_files_are_refused(stored, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "corrupted.ngram"
    content = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(content)
    with pytest.raises(AsrError):
        read_lm(path)


@given(st.binary(max_size=40), st.integers(0, 60))
def test_wrong_headers_are_refused_whatever_the_checksum(stored, tmp_path_factory, text, size):
    import struct
    import zlib

    path = tmp_path_factory.getbasetemp() / "header.ngram"
    old = struct.unpack_from("<I", stored, 12)[0]
    body = text + stored[20 + old :]
    prefix = struct.pack("<8sIII", ngram_file.MAGIC, 1, size, zlib.crc32(body))
    path.write_bytes(prefix + body)
    with pytest.raises(ModelError):
        read_lm(path)


def test_sizes_are_checked_before_memory_is_taken(stored, tmp_path):
    import zlib

    body = re.sub(rb'"counts": \[\d+', b'"counts": [9999999999', stored[20:])
    header = len(body) - len(stored[20:]) + int.from_bytes(stored[12:16], "little")
    prefix = stored[:12] + header.to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little")
    (tmp_path / "lm.ngram").write_bytes(prefix + body)
    with pytest.raises(ModelError, match="damaged"):
        read_binary(tmp_path / "lm.ngram")


def test_no_such_file(tmp_path):
    for read in (read_lm, read_binary):
        with pytest.raises(ModelError, match=r"cannot read the language model .*none: No such"):
            read(tmp_path / "none")


def test_the_first_bytes_tell_the_form(tmp_path, model):
    for name, write in (("a.bin", write_arpa), ("a.arpa.gz", write_arpa), ("b.arpa", write_binary)):
        write(tmp_path / name, model)
        assert same(read_lm(tmp_path / name), model)
    (tmp_path / "c").write_bytes(b"RIFF....WAVE")
    with pytest.raises(DataError, match="neither an ARPA file"):
        read_lm(tmp_path / "c")


def test_models_need_the_special_words(model):
    empty = [np.zeros(2)]
    with pytest.raises(DataError, match="needs the word <s>"):
        assemble(["a", "b"], [np.arange(2, dtype=np.int32)[None]], empty, [])
    with pytest.raises(DataError, match="order 1 to 6, got 0"):
        assemble([], [], [], [])
