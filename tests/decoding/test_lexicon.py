"""A lexicon is a tree of words, read from word lists and pronouncing dictionaries."""

import numpy as np
import pytest

from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import build_lexicon, read_lexicon
from asr.errors import DataError
from asr.text import Vocabulary

VOCABULARY = Vocabulary.from_characters(" 'abc")


def test_every_word_ends_at_its_node_and_nothing_else_is_a_word():
    words = ["a", "ab", "abc", "b", "ca"]
    lexicon = build_lexicon(words, [7, 3, 5, 1, 9], VOCABULARY)
    found = {}
    for word in [*words, "c", "cab", "bb"]:
        node = 0
        for token in VOCABULARY.encode(word):
            node = int(lexicon.trie.children(node, token)) if node >= 0 else -1
        found[word] = int(lexicon.words[node]) if node >= 0 else None
    assert found == {"a": 7, "ab": 3, "abc": 5, "b": 1, "ca": 9, "c": -1, "cab": None, "bb": None}
    assert np.count_nonzero(lexicon.words >= 0) == len(words)


@pytest.mark.parametrize("size", [40, 200])
def test_large_vocabularies_allow_no_other_words(size):
    """Of a text of one word, the search finds the best in the lexicon, by the score of each.

    In the larger vocabulary several letters share a place in the sets of tokens that may follow.
    """
    letters = "".join(chr(ord("\u4e00") + index) for index in range(size))
    vocabulary = Vocabulary.from_characters(" " + letters)
    rng = np.random.default_rng(size)
    for _ in range(20):
        words = ["".join(rng.choice(list(letters), 3)) for _ in range(30)]
        search = BeamSearch(vocabulary, lexicon=words, beam_size=1000, beam_threshold=1000.0,
                            token_threshold=1000.0, max_tokens=size, blank_skip=1.0)  # fmt: skip
        values = rng.normal(size=(5, len(vocabulary)))
        log_probs = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        log_probs[:, [vocabulary.blank_id, vocabulary.space_id]] = -30.0
        log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
        best = search(log_probs)
        found = vocabulary.decode(best.tokens)
        assert found in words
        assert found == max(words, key=lambda word: search.score(log_probs, word).score)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the lexicon holds no word"),
        (["a b"], "word 'a b' of the lexicon: a space"),
        (["a", "ax"], "word 'ax' of the lexicon: 'x'"),
    ],
)
def test_unusable_lexicons(words, message):
    with pytest.raises(DataError, match=message):
        build_lexicon(words, range(len(words)), VOCABULARY)


def test_a_word_list_and_a_pronouncing_dictionary(tmp_path):
    path = tmp_path / "words.dic"
    path.write_text(";;; a comment\nA  AH\nA(2)  EY\n\nAB  AE B\nab AE B\nC'A\tS IY AH\n")
    assert read_lexicon(path) == ["a", "ab", "c'a"]


def test_files_that_are_no_lexicon(tmp_path):
    with pytest.raises(DataError, match="cannot read the lexicon"):
        read_lexicon(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(DataError, match="holds no word"):
        read_lexicon(tmp_path / "empty.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_lexicon(tmp_path / "latin.txt")
