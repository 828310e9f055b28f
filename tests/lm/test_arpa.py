"""ARPA files are read as other programs write them, survive a round trip, or are refused."""

import bz2
import gzip
import lzma
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_cases import HAND_MADE, estimated, prune_at_random, same

from asr.errors import AsrError, DataError
from asr.lm.arpa import read_arpa, write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram import assemble
from asr.lm.packing import pack


def read(tmp_path, content):
    """Return the model of an ARPA file with this content."""
    path = tmp_path / "lm.arpa"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_arpa(path)


@pytest.mark.parametrize(
    ("name", "begins"),
    [("lm.arpa", b"\\"), ("lm.arpa.gz", b"\x1f\x8b"), ("lm.bz2", b"BZh"), ("lm.xz", b"\xfd7zXZ\0")],
)
@pytest.mark.parametrize("order", [1, 3, 5])
def test_round_trip(order, name, begins, tmp_path):
    model = estimated(order)
    write_arpa(tmp_path / name, model)
    assert same(read_arpa(tmp_path / name), model)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_round_trip_of_pruned_models_and_of_other_scripts(tmp_path):
    for model in (
        prune_at_random(estimated(4)),
        estimate(["να ένα", "ένα \\2-grams: да", "\\data\\ \\end\\"], 3).ngrams,
        estimate(["go on", "no"], 6, "token").ngrams,
    ):
        write_arpa(tmp_path / "a.arpa", model)
        assert same(read_arpa(tmp_path / "a.arpa"), model)


@given(st.lists(st.floats(-99, 0, width=32), min_size=3, max_size=3), st.floats(-9, 9, width=32))
def test_all_numbers_survive(tmp_path_factory, probs, backoff):
    path = tmp_path_factory.getbasetemp() / "numbers.arpa"
    words = ["<s>", "</s>", "<unk>"]
    grams = [np.arange(3, dtype=np.int32)[None], np.array([[0], [1]], np.int32)]
    model = assemble(words, grams, [np.array(probs), np.zeros(1)], [np.full(3, backoff)])
    write_arpa(path, model)
    read = read_arpa(path)
    np.testing.assert_array_equal(read.log10_probs, model.log10_probs)
    np.testing.assert_array_equal(read.log10_backoffs, model.log10_backoffs)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\t", " "),
        lambda text: text.replace("\t", "  ").replace(" ", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "made by hand\n\\1-grams:\n" + text + "\nthe rest",
        lambda text: text.replace("ngram 1=5", "ngram 1 =  5"),
        lambda text: text.replace("\n-", "\n\n   -"),
        lambda text: text.replace("<unk>", "<UNK>"),
        lambda text: text.replace("-0.9\tb </s>", "-0.9\tb </s>\t0"),
        lambda text: text.replace("-0.4\t<s> a\t-0.1\n", "").replace(
            "\n\n\\3", "\n-0.4\t<s> a -0.1\n\n\\3"
        ),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("<s> a b", "<s> a b\t0"),
        lambda text: text.replace("<s> a b", "<s> a b  -0.000"),
        lambda text: "\ufeff" + text.lstrip(),
        lambda text: bz2.compress(text.encode()[:50]) + bz2.compress(text.encode()[50:]),
        lambda text: lzma.compress(text.encode()),
    ],
)
def test_ways_to_write_the_same(change, tmp_path):
    expected = read(tmp_path, HAND_MADE)
    assert same(read(tmp_path, change(HAND_MADE)), expected)


def test_without_unk(tmp_path):
    """A model without <unk> gets it, with a probability that is nearly 0."""
    text = HAND_MADE.replace("-1.0\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4")
    model = pack(read(tmp_path, text))
    assert model.words == ("<s>", "</s>", "a", "b", "<unk>")
    assert model.score([[model.word_id("x")]])[0][0] == pytest.approx(-100.5)


def test_probabilities_of_0(tmp_path):
    """-inf is read where kenlm's tools and SRILM write it, and what is possible scores the same."""
    text = HAND_MADE.replace("-99\t<s>", "-inf\t<s>").replace("-1.0\t<unk>", "-inf\t<unk>")
    text = text.replace("-0.35\tb a", "-inf\tb <unk>")
    (tmp_path / "k.arpa").write_text(text)
    theirs = pytest.importorskip("kenlm").Model(str(tmp_path / "k.arpa"))
    model = pack(read(tmp_path, text))
    scores = model.score([model.encode("a b")])[0]
    assert scores.sum() == pytest.approx(theirs.score("a b", bos=True, eos=True))
    assert theirs.score("a x") == -np.inf
    assert -np.inf < model.score([model.encode("a x")])[0].sum() < -100
    other = read(tmp_path, HAND_MADE.replace("-0.6\ta", "-inf\ta"))
    assert other.log10_probs.min() == -100 and other.words[3] == "a"


def test_the_other_spelling_of_unk_in_longer_ngrams(tmp_path):
    text = HAND_MADE.replace("<unk>", "<UNK>").replace("-0.35\tb a", "-0.35\tb <UNK>")
    model = pack(read(tmp_path, text))
    assert model.score([model.encode("b x")])[0][1] == pytest.approx(-0.35)


def test_rounding_errors_above_0(tmp_path):
    """A log10-probability that is above 0 by a rounding error is read as 0."""
    model = read(tmp_path, HAND_MADE.replace("-0.15\t<s> a b", "1e-7\t<s> a b"))
    assert model.log10_probs[-1] == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ngram 2=4", "ngram 2=5", r":14: 4 2-grams follow, \\data\\ announces 5"),
        ("ngram 2=4", "ngram two", r":4: needs 'ngram ORDER=COUNT', got 'ngram two'"),
        (
            "ngram 2=4\n",
            "",
            r"counts for the orders \[1, 3\], but there are sections for \[1, 2, 3\]",
        ),
        ("a b\t-0.05", "a x\t-0.05", r":16: the word 'x' is not among the 1-grams"),
        ("-0.4\t<s> a\t-0.1", "-0.4\tb b", r":21: the n-gram '<s> a b': .* first words is missing"),
        ("b a", "b </s>", r":18: the n-gram 'b </s>': it stands here a second time"),
        ("-0.8\tb", "-0.8\ta", r":12: 'a' stands here a second time"),
        ("-0.35", "nan", r":18: needs a finite number, got 'nan'"),
        ("-0.35", "-inf", r":18: needs a finite number, got '-inf'"),
        ("-0.35", "-1e99", r":18: needs a finite number, got '-1e99'"),
        ("-0.35", "0.35", r":18: a log10-probability is at most 0, got '0.35'"),
        ("-0.05", "x", r":16: needs a finite number, got 'x'"),
        ("-0.35\tb a", "-0.35\tb", r":18: needs a log10-probability and 2 words, perhaps a back"),
        ("a b\t-0.05", "a b a b\t-0.05", r":16: needs .* got 6 fields"),
        ("<s> a b", "<s> a b\t0\t0", r":21: needs a log10-probability and 3 words, got 6 fields"),
        ("<s> a b", "<s> a b\t-0.1", r":21: a back-off in the highest order is 0, got '-0.1'"),
        ("<s> a b", "<s> a b\t-0.1x", r":21: needs a finite number, got '-0.1x'"),
        ("-0.6\ta\t-0.2", "-0.6\ta\t-inf", r":11: needs a finite number, got '-inf'"),
        ("<s>\t", "<t>\t", r"the 1-grams lack <s>"),
        ("</s>\n-0.6", "<t>\n-0.6", r"the 1-grams lack </s>"),
        ("\\data\\", "", r"this is neither an ARPA file \(no \\data\\ line\)"),
        ("\\end\\", "", r"no \\end\\ after the last n-grams; the file is cut short"),
        ("\\2-grams:", "\\4-grams:", r"needs the sections .* got \[1, 4, 3\]"),
        ("\\2-grams:", "\\data\\", r"needs the sections"),
        ("\\2-grams:\n", "", r"needs the sections .* got \[1, 3\]"),
    ],
)
def test_errors_name_the_line(old, new, message, tmp_path):
    assert HAND_MADE.count(old) >= 1
    with pytest.raises(DataError) as caught:
        read(tmp_path, HAND_MADE.replace(old, new, 1))
    assert re.search(message, str(caught.value)), caught.value
    assert str(caught.value).startswith(str(tmp_path)) and "\n" not in str(caught.value)


def test_other_damage(tmp_path):
    """Files that are not UTF-8 and compressed files that are cut short are refused."""
    with pytest.raises(DataError, match="UTF-8"):
        read(tmp_path, HAND_MADE.encode().replace(b"\tb", b"\t\xff").replace(b"b", b"\xff"))
    for module in (gzip, bz2, lzma):
        packed = module.compress(HAND_MADE.encode())
        for damaged in (packed[:8], packed[:30], packed[:-4], packed[:40] + b"x" * 60):
            with pytest.raises(DataError, match="compressed file is damaged"):
                read(tmp_path, damaged)


@settings(max_examples=300)
@given(st.data())
def test_malformed_files(tmp_path_factory, data):
    """A file whose pieces are taken out, doubled or moved gives a model or one of our errors."""
    path = tmp_path_factory.getbasetemp() / "malformed.arpa"
    pieces = re.findall(r"\s+|[^\s\\=]+|\\|=", HAND_MADE)
    strange = st.sampled_from(["\\", "nan", "1e400", "-", "\0", "é", "\n", " ", "7", "0" * 5000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(pieces) - 1))
        piece = data.draw(st.one_of(st.sampled_from(pieces), strange, st.just("")))
        pieces[at : at + data.draw(st.integers(0, 2))] = [piece]
    content = "".join(pieces).encode()[: data.draw(st.sampled_from([None, 20, 100, 200]))]
    path.write_bytes(content)
    try:
        model = read_arpa(path)
    except AsrError:
        return
    scores = pack(model).score([[0, 1, len(model.words) - 1]])
    assert np.isfinite(scores[0]).all()
