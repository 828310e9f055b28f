"""Normalisations of texts before they are scored, with names by which a result refers to them."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from asr.display.spoken import to_spoken
from asr.errors import ConfigError
from asr.text import Vocabulary, normalize


@dataclass(frozen=True)
class Normalization:
    """A function that is applied to texts, its name, its steps in words, and the ``unit`` that
    errors are then counted in: "word", or "character" if the function puts a space between all
    characters."""

    name: str
    steps: tuple[str, ...]
    apply: Callable[[str], str]
    unit: str = "word"


def _without_punctuation(text: str) -> str:
    """Lower case, and replace punctuation and symbols by spaces, apostrophes in words excepted.

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
    """Return a normalisation after which characters are scored as words.

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
SPOKEN = Normalization(
    "spoken",
    (*NO_PUNCTUATION.steps, "English figures that are said in one way to words"),
    lambda text: to_spoken(text).text,
)
_WORDS = (BASIC, NO_PUNCTUATION)
NORMALIZATIONS = {item.name: item for item in (*_WORDS, SPOKEN, *map(_characters, _WORDS))}


def model_normalization(vocabulary: Vocabulary) -> Normalization:
    """Return the normalisation of the texts of a model with this vocabulary.

    >>> model_normalization(Vocabulary.from_characters("ab ")).name
    'basic'
    """
    named = BASIC if vocabulary.spaced else _characters(BASIC)
    if vocabulary.unicode == "NFC":
        return named
    form = vocabulary.unicode
    steps = (*_steps(form), *named.steps[len(BASIC.steps) :])
    return replace(named, name=f"{named.name}, {form}", steps=steps)


def find_normalization(name: str) -> Normalization:
    """Return the one of :data:`NORMALIZATIONS` with this name.

    >>> find_normalization("no-punctuation").apply("Yes, please!")
    'yes please'

    Raises:
        ConfigError: there is none of this name; the message lists the names.
    """
    if name not in NORMALIZATIONS:
        raise ConfigError(f"normalization is {name!r}, needs one of {', '.join(NORMALIZATIONS)}")
    return NORMALIZATIONS[name]
