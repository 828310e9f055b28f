"""The estimator agrees with a slow version of its definition and with the laws of probability."""

import gzip
import lzma
import math
import random
from collections import Counter

import numpy as np
import pytest

from asr.data.texts import read_texts
from asr.errors import ConfigError, DataError
from asr.lm.kneser_ney import FIXED_DISCOUNTS, estimate, estimate_discounts


def random_texts(count, seed=0, words="abcdefg", longest=7):
    """Return random sentences in which some words often follow each other."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        word = rng.choice(words)
        sentence = [word]
        for _ in range(rng.randrange(longest)):
            after = (words.index(word) * 3 + 1) % len(words)
            word = words[after] if rng.random() < 0.5 else rng.choice(words)
            sentence.append(word)
        texts.append(" ".join(sentence))
    return texts


class Definition:
    """Modified Kneser-Ney estimation by dictionaries, one history and one word at a time.

    Source: Chen and Goodman (1998), section 4.1.
    """

    def __init__(self, texts, order, prune=(), known=None):
        self.raw = [Counter() for _ in range(order + 1)]
        for text in texts:
            words = [word if known is None or word in known else "<unk>" for word in text.split()]
            words = ["<s>", *words, "</s>"]
            for k in range(1, order + 1):
                for at in range(len(words) - k + 1):
                    self.raw[k][tuple(words[at : at + k])] += 1
        names = set(known or ()) | {gram[0] for gram in self.raw[1]} | {"<unk>"}
        self.words = sorted(names - {"<s>"})
        self.kept = [None] + [
            {g for g, n in self.raw[k].items() if k == 1 or n > (prune[k - 1] if prune else 0)}
            for k in range(1, order + 1)
        ]
        self.counts = [None] * (order + 1)
        self.discounts = [None] * (order + 1)
        for k in range(1, order + 1):
            self.counts[k] = {
                gram: self.raw[k][gram]
                if k == order or gram[0] == "<s>"
                else len({longer[0] for longer in self.raw[k + 1] if longer[1:] == gram})
                for gram in self.raw[k]
            }
            self.counts[1].pop(("<s>",), None)
            of_counts = Counter(self.counts[k].values())
            n = [0, *(of_counts[i] for i in range(1, 5))]
            self.discounts[k] = list(FIXED_DISCOUNTS)
            if all(n[1:]):
                y = n[1] / (n[1] + 2 * n[2])
                values = [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
                if all(0 < value <= i for i, value in enumerate(values, start=1)):
                    self.discounts[k] = values

    def prob(self, history, word):
        k = len(history) + 1
        lower = self.prob(history[1:], word) if k > 1 else 1 / len(self.words)
        after = {gram: n for gram, n in self.counts[k].items() if gram[:-1] == history}
        total = sum(after.values())
        if not total:
            return lower
        given = {
            gram: self.discounts[k][min(n, 3) - 1] if gram in self.kept[k] else n
            for gram, n in after.items()
        }
        gram = (*history, word)
        own = after.get(gram, 0) - given.get(gram, 0)
        return own / total + sum(given.values()) / total * lower


@pytest.mark.parametrize(
    ("count", "order", "prune", "known"),
    [
        (3, 3, (), None),
        (60, 1, (), None),
        (60, 2, (), None),
        (60, 3, (), "abcxyz"),
        (80, 4, (), None),
        (80, 3, (0, 0, 1), None),
        (80, 4, (0, 1, 2, 2), "abcde"),
    ],
)
def test_against_the_definition(count, order, prune, known):
    texts = random_texts(count, seed=count)
    reference = Definition(texts, order, prune, known)
    result = estimate(texts, order, prune=prune or (0,), vocabulary=known)
    model = result.model
    assert set(model.words) == {*reference.words, "<s>"}
    np.testing.assert_allclose(result.discounts, reference.discounts[1:])
    assert model.counts[1:] == tuple(len(kept) for kept in reference.kept[2:])
    tests = random_texts(15, seed=99, words="abcdefgz")
    scores = model.score([model.encode(text) for text in tests])
    for text, score in zip(tests, scores, strict=True):
        words = [word if word in reference.words else "<unk>" for word in text.split()]
        words = ["<s>", *words, "</s>"]
        expected = [
            math.log10(reference.prob(tuple(words[max(at - order + 1, 0) : at]), words[at]))
            for at in range(1, len(words))
        ]
        np.testing.assert_allclose(score, expected, atol=1e-5)


@pytest.mark.parametrize("unit", ["word", "token"])
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 1, 2)])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_probabilities_sum_to_one(order, prune, unit):
    texts = random_texts(400, words=["a", "b", "c", "dd", "e", "ff"])
    result = estimate(texts, order, unit, prune[:order])
    model = result.model
    assert model.unit == unit
    start = model.word_id("<s>")
    rng = random.Random(order)
    for _ in range(12):
        history = rng.choices(range(len(model.words)), k=rng.randrange(order + 1))
        if rng.random() < 0.7:  # a word that occurs
            text = model.encode(rng.choice(texts))
            history = text[: rng.randrange(len(text) + 1)]
        sentences = [[*history, word] for word in range(len(model.words)) if word != start]
        probs = [10 ** score[len(history)] for score in model.score(sentences)]
        assert sum(probs) == pytest.approx(1, abs=1e-6)


def test_discounts_by_hand():
    counts = np.repeat([1, 2, 3, 4, 9], [10, 5, 3, 2, 7])
    values, usable = estimate_discounts(counts)
    y = 10 / (10 + 2 * 5)
    assert usable
    assert values == (1 - 2 * y * 5 / 10, 2 - 3 * y * 3 / 5, 3 - 4 * y * 2 / 3)
    for few in ([1, 1, 2, 3], np.repeat([1, 2, 3, 4], [5, 1, 4, 2]), []):
        assert estimate_discounts(np.array(few, int)) == (FIXED_DISCOUNTS, False)


def test_small_texts_get_fixed_discounts():
    result = estimate(["yes no", "no"], 2)
    assert result.fixed == (True, True)
    assert result.discounts == (FIXED_DISCOUNTS, FIXED_DISCOUNTS)
    assert result.model.words == ("<unk>", "<s>", "</s>", "no", "yes")


def test_the_order_of_the_texts_changes_nothing():
    texts = random_texts(50)
    models = [estimate(order, 3).ngrams for order in (texts, texts[::-1])]
    assert models[0].words == models[1].words
    np.testing.assert_array_equal(models[0].log10_probs, models[1].log10_probs)


def test_unknown_words_in_the_text():
    model = estimate(["a <unk> b", "a b"], 2).model
    assert model.words == ("<unk>", "<s>", "</s>", "a", "b")
    assert model.counts == (5, 5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"order": 0}, ConfigError, "order of an n-gram model is 1 to 6, got 0"),
        ({"order": 7}, ConfigError, "got 7"),
        ({"prune": (1,)}, ConfigError, "start with 0"),
        ({"prune": (0, 2, 1)}, ConfigError, "don't decrease, such as 0,0,1; got 0,2,1"),
        ({"prune": (0, 0, 1), "order": 2}, ConfigError, "pruning has 3 counts"),
        ({"texts": []}, DataError, "needs text, got none"),
        ({"texts": ["", ""]}, DataError, "needs text, got none"),
        ({"texts": ["a <s> b"]}, DataError, "markers"),
        ({"texts": ["a </s>"]}, DataError, "markers"),
        ({"texts": ["a <space> b"]}, DataError, "only models of characters"),
        ({"vocabulary": ["a b"]}, DataError, "single words, got 'a b'"),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error, match=message):
        estimate(**({"texts": ["a b"], "order": 3} | options))


def test_read_texts(tmp_path):
    (tmp_path / "a.txt").write_text("One  TWO\n\nthree\r\n")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"Yes\nno"))
    (tmp_path / "m.jsonl").write_text('{"audio_filepath": "a.wav", "duration": 1, "text": "A B"}')
    assert read_texts(tmp_path / "a.txt") == ["one two", "three"]
    assert read_texts(tmp_path / "a.txt.gz") == ["yes", "no"]
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(b"Yes\nno"))
    assert read_texts(tmp_path / "a.txt.xz") == ["yes", "no"]
    assert read_texts(tmp_path / "m.jsonl") == ["a b"]
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"Yes\nno")[:-9])
    (tmp_path / "bad.xz").write_bytes(lzma.compress(b"Yes\nno")[:-9])
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "empty").write_text(" \n")
    for name, message in [
        ("bad.gz", "damaged"),
        ("bad.xz", "damaged"),
        ("latin", "UTF-8"),
        ("empty", "holds no text"),
        ("none", "cannot read"),
    ]:
        with pytest.raises(DataError, match=message):
            read_texts(tmp_path / name)
