"""What is done to texts before they are compared: by name, so that a result says which."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from asr.errors import ConfigError
from asr.text import normalize


@dataclass(frozen=True)
class Normalization:
    """A function of texts, its name, and its steps in words."""

    name: str
    steps: tuple[str, ...]
    apply: Callable[[str], str]


def _without_punctuation(text: str) -> str:
    """
    >>> _without_punctuation("Well-known, isn't it?")
    "well known isn't it"
    """
    text = normalize(text).replace("’", "'")
    kept = [
        character if character == "'" or unicodedata.category(character)[0] not in "PS" else " "
        for character in text
    ]
    words = (word.strip("'") for word in "".join(kept).split())
    return " ".join(word for word in words if word)


_STEPS = ("lower case", "Unicode NFC", "single spaces")
BASIC = Normalization("basic", _STEPS, normalize)
NO_PUNCTUATION = Normalization(
    "no-punctuation",
    (*_STEPS, "punctuation and symbols to spaces, apostrophes inside words left"),
    _without_punctuation,
)
NORMALIZATIONS = {item.name: item for item in (BASIC, NO_PUNCTUATION)}


def named(name: str) -> Normalization:
    """One of :data:`NORMALIZATIONS`.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in NORMALIZATIONS:
        raise ConfigError(f"normalization is {name!r}, needs one of {', '.join(NORMALIZATIONS)}")
    return NORMALIZATIONS[name]
