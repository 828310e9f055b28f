"""Hashes of words are the same one by one and many at once."""

from hypothesis import given
from hypothesis import strategies as st

from asr.lm.word_hash import hash_word, hash_words

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(TEXTS, max_size=20))
def test_many_at_once(words):
    assert hash_words(words).tolist() == [hash_word(word) for word in words]


@given(TEXTS, TEXTS)
def test_words_have_hashes_of_their_own(a, b):
    assert (hash_word(a) == hash_word(b)) == (a == b)
    assert 0 <= hash_word(a) < 1 << 48
