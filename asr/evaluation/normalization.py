"""What is done to texts before they are compared: by name, so that a result says which."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from asr.errors import ConfigError
from asr.text import Vocabulary, normalize


@dataclass(frozen=True)
class Normalization:
    """A function of texts, its name, its steps in words, and what errors are then counted in: words
    or, where a space was put between all of them, characters."""

    name: str
    steps: tuple[str, ...]
    apply: Callable[[str], str]
    unit: str = "word"


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


def _characters(item: Normalization) -> Normalization:
    """
    >>> _characters(NO_PUNCTUATION).apply("はい、 そう です。")
    'は い そ う で す'
    """
    return Normalization(
        "characters" if item is BASIC else f"{item.name}-characters",
        (*item.steps, "a space between all characters, which count as words"),
        lambda text: " ".join("".join(item.apply(text).split())),
        "character",
    )


def _steps(form: str) -> tuple[str, ...]:
    return "lower case", f"Unicode {form}", "single spaces"


BASIC = Normalization("basic", _steps("NFC"), normalize)
NO_PUNCTUATION = Normalization(
    "no-punctuation",
    (*BASIC.steps, "punctuation and symbols to spaces, apostrophes inside words left"),
    _without_punctuation,
)
_WORDS = (BASIC, NO_PUNCTUATION)
NORMALIZATIONS = {item.name: item for item in (*_WORDS, *map(_characters, _WORDS))}


def model_normalization(vocabulary: Vocabulary) -> Normalization:
    """What is done to the texts of a model and its references."""
    named = BASIC if vocabulary.spaced else _characters(BASIC)
    if vocabulary.unicode == "NFC":
        return named
    form = vocabulary.unicode
    steps = (*_steps(form), *named.steps[len(BASIC.steps) :])
    return replace(named, name=f"{named.name}, {form}", steps=steps)


def find_normalization(name: str) -> Normalization:
    """One of :data:`NORMALIZATIONS`.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in NORMALIZATIONS:
        raise ConfigError(f"normalization is {name!r}, needs one of {', '.join(NORMALIZATIONS)}")
    return NORMALIZATIONS[name]
