"""The tables of n-grams have the values that were worked out by hand."""

import numpy as np
import pytest
from lm_cases import HAND_MADE

from asr.errors import DataError
from asr.lm.arpa import read_arpa
from asr.lm.ngram import assemble


def test_the_arrays_by_hand(tmp_path):
    (tmp_path / "hand.arpa").write_text(HAND_MADE)
    model = read_arpa(tmp_path / "hand.arpa")
    assert model.words == ("<unk>", "<s>", "</s>", "a", "b")
    assert (model.order, model.lower, model.counts) == (3, 10, (5, 4, 1))
    assert model.bounds == (0, 1, 6, 10, 11)
    assert model.trie.label.tolist() == [-1, 0, 1, 2, 3, 4, 3, 4, 2, 3, 4]
    # The suffixes are <s> a -> a, a b -> b, b </s> -> </s>, b a -> a, <s> a b -> a b.
    assert model.suffix.tolist() == [0, 0, 0, 0, 0, 0, 4, 5, 3, 4, 7]


def test_models_need_the_special_words():
    empty = [np.zeros(2)]
    with pytest.raises(DataError, match="needs the word <s>"):
        assemble(["a", "b"], [np.arange(2, dtype=np.int32)[None]], empty, [])
    with pytest.raises(DataError, match="order 1 to 6, got 0"):
        assemble([], [], [], [])
