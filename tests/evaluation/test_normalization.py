"""Normalisations of texts before they are scored."""

import pytest

from asr.errors import ConfigError
from asr.evaluation.normalization import NORMALIZATIONS, find_normalization


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("basic", "  Well-known, isn't\tit? ", "well-known, isn't it?"),
        ("no-punctuation", "  Well-known, isn’t\tit? ", "well known isn't it"),
        ("no-punctuation", "'tis “so” – 5 % … cafe\u0301", "tis so 5 café"),
        ("no-punctuation", "?!", ""),
    ],
)
def test_normalizations(name, text, expected):
    """A normalisation gives the expected text, and changes it no further."""
    applied = find_normalization(name)
    assert applied.apply(text) == expected == applied.apply(expected)
    assert applied.steps and NORMALIZATIONS[name] is applied


def test_unknown_normalization():
    """An unknown normalisation is an error that lists the known ones."""
    with pytest.raises(ConfigError, match="is 'whisper', needs one of basic, no-punctuation"):
        find_normalization("whisper")
