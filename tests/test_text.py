"""Texts are normalized, encoded and decoded, and vocabularies that are not sound are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import DataError
from asr.text import BLANK, Vocabulary, min_frames, normalize

ALPHABET = " 'abcdefghijklmnopqrstuvwxyz"


def test_normalize():
    assert normalize("  HELLO\t World\n") == "hello world"
    assert normalize("E\u0301te\u0301") == "\u00e9t\u00e9"


@given(st.text())
def test_normalize_is_idempotent(text):
    assert normalize(normalize(text)) == normalize(text)


@given(st.text(alphabet=ALPHABET))
def test_encode_decode(text):
    vocabulary = Vocabulary.from_characters(ALPHABET)
    ids = vocabulary.encode(text)
    assert vocabulary.blank_id not in ids
    assert vocabulary.decode(ids) == text


def test_unknown_characters_are_named():
    vocabulary = Vocabulary.from_characters("abc")
    assert vocabulary.unknown_characters("abcxyz!") == ["!", "x", "y", "z"]
    with pytest.raises(DataError, match="'x'"):
        vocabulary.encode("axb")


@pytest.mark.parametrize("tokens", [(), ("a",), (BLANK, "a", "a"), (BLANK, "ab"), (BLANK, "")])
def test_bad_vocabularies(tokens):
    with pytest.raises(DataError):
        Vocabulary(tokens)


@pytest.mark.parametrize(("ids", "frames"), [([], 0), ([1], 1), ([1, 1], 3), ([1, 2, 2, 2, 1], 7)])
def test_min_frames(ids, frames):
    """A text needs a frame for each token, and one for the blank between two equal tokens."""
    assert min_frames(ids) == frames


@pytest.mark.parametrize("value", [None, 3, b"yes", ["yes"]])
def test_what_is_no_text(value):
    with pytest.raises(TypeError, match="a text needs to be a str, got "):
        normalize(value)
