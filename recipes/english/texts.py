"""Texts that synthetic voices say: sentences and phrases of books, numbers, names and commands.

A text has two forms: what the voice is given, with its capitals and punctuation, and the words of
the transcript, in lower case, a to z and apostrophes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from asr.data.texts import read_text_lines

MOST_WORDS = 35
T = TypeVar("T")

KINDS = {
    "sentence": 0.55,
    "read": 0.15,
    "phrase": 0.1,
    "number": 0.09,
    "letters": 0.05,
    "word": 0.06,
}
"""The share of each kind of text; ``read`` is a piece of what LibriSpeech's speakers read."""

TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor"}

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
MONTHS = (
    "january february march april may june july august september october november december"
).split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
UNITS = (
    "dollars cents percent miles minutes hours days weeks years degrees people pounds inches feet "
    "kilometers grams euros points pages times"
).split()
COMMANDS = (
    "backward bed bird cat dog down eight five follow forward four go happy house learn left "
    "marvin nine no off on one right seven sheila six stop three tree two up visual wow yes zero "
    "enter erase rubout help repeat start go stop yes no"
).split()
"""Those of Google's Speech Commands and of CMU AN4."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Text:
    """What a voice says and how it is transcribed.

    ``said`` is what the synthesiser reads; ``words`` is the transcript.
    """

    said: str
    words: str
    kind: str


class Texts:
    """Draws texts from ``books``, a sentence a line, and ``read``, lines of an id and a text.

    Raises:
        DataError: a file cannot be read.
    """

    def __init__(self, books: Path, read: Path) -> None:
        self.sentences = [
            pair
            for line in read_text_lines(books)
            if not line.startswith("# ") and (pair := clean(line))
        ]
        self.read = [line.split()[1:] for line in read_text_lines(read) if line]
        self.names = sorted(
            {
                word.lower()
                for said, _ in self.sentences[::7]
                for word in re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,9}\b", said)
            }
        )
        self._draw: dict[str, Callable[[np.random.Generator], tuple[str, str]]] = {
            "sentence": self._sentence,
            "read": self._read,
            "phrase": self._phrase,
            "number": _number,
            "letters": self._letters,
            "word": self._word,
        }

    def draw(self, rng: np.random.Generator, kinds: Mapping[str, float] = KINDS) -> Text:
        """Return a text of a kind that is drawn by the shares of ``kinds``."""
        kind = str(rng.choice(list(kinds), p=list(kinds.values())))
        said, words = self._draw[kind](rng)
        return Text(said, words, kind)

    def _sentence(self, rng: np.random.Generator) -> tuple[str, str]:
        return _pick(rng, self.sentences)

    def _read(self, rng: np.random.Generator) -> tuple[str, str]:
        words = _pick(rng, self.read)
        count = int(rng.integers(4, MOST_WORDS + 1))
        first = int(rng.integers(max(len(words) - count, 0) + 1))
        text = " ".join(words[first : first + count])
        return text.capitalize() + ".", text

    def _phrase(self, rng: np.random.Generator) -> tuple[str, str]:
        words = _pick(rng, self.sentences)[1].split()
        count = min(int(rng.integers(1, 6)), len(words))
        first = int(rng.integers(len(words) - count + 1))
        text = " ".join(words[first : first + count])
        return text + _pick(rng, (".", "", "?", ",")), text

    def _letters(self, rng: np.random.Generator) -> tuple[str, str]:
        kind = rng.integers(3)
        if kind == 0:
            letters = list(_pick(rng, self.names))
        elif kind == 1:
            letters = [_pick(rng, LETTERS) for _ in range(rng.integers(1, 9))]
        else:
            letters = [
                _pick(rng, LETTERS) if rng.random() < 0.5 else _pick(rng, ONES[:10])
                for _ in range(rng.integers(2, 8))
            ]
        said = [word.upper() if len(word) == 1 else word for word in letters]
        return _pick(rng, (", ", ". ", " ", " ")).join(said) + ".", " ".join(letters)

    def _word(self, rng: np.random.Generator) -> tuple[str, str]:
        word = _pick(rng, COMMANDS)
        if rng.random() < 0.2:
            word = _pick(rng, ONES + MONTHS + DAYS + ORDINALS)
        return word.capitalize() + _pick(rng, (".", "!", "?", "")), word


def clean(line: str, most: int = MOST_WORDS) -> tuple[str, str] | None:
    """Return a sentence as it is said and its words; None if it cannot be read with certainty.

    Sentences with figures, abbreviations, words in capitals or foreign letters are left out, and
    so are those of over ``most`` words.

    >>> clean('"Really, Mr. Carton," he said.')
    ('"Really, Mr. Carton," he said.', 'really mister carton he said')
    >>> clean("Chapter II.")
    """
    said = line.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    said = said.replace("_", "").replace("--", " - ")
    words = []
    for token in re.split(r"[\s-]+", said):
        title = token.strip("\"'(,.").lower()
        if title in TITLES:
            words.append(TITLES[title])
            continue
        bare = token.strip("\"'(),;:.!?")
        if not bare:
            continue
        if not re.fullmatch(r"[A-Za-z]+('[a-z]+)?", bare) or re.fullmatch(r"[A-Z]{2,}", bare):
            return None
        if len(bare) == 1 and bare not in "aAIO":
            return None
        if token.rstrip("\"')").endswith(".") and len(bare) < 4 and bare[0].isupper():
            return None
        words.append(bare.lower())
    if not 1 <= len(words) <= most:
        return None
    return " ".join(said.split()), " ".join(words)


def cardinal(value: int) -> str:
    """Return a number below a million in words.

    >>> cardinal(6942)
    'six thousand nine hundred forty two'
    """
    if value < 20:
        return ONES[value]
    if value < 100:
        return TENS[value // 10] + (f" {ONES[value % 10]}" if value % 10 else "")
    size, name = (100, "hundred") if value < 1000 else (1000, "thousand")
    rest = f" {cardinal(value % size)}" if value % size else ""
    return f"{cardinal(value // size)} {name}{rest}"


def _ordinal(value: int) -> str:
    if value <= 20:
        return ORDINALS[value - 1]
    if value % 10 == 0:
        return TENS[value // 10].removesuffix("y") + "ieth"
    return f"{TENS[value // 10]} {ORDINALS[value % 10 - 1]}"


def _number(rng: np.random.Generator) -> tuple[str, str]:
    kind = rng.integers(7)
    if kind == 0:
        digits = [_pick(rng, [*ONES[:10], "oh"]) for _ in range(rng.integers(1, 11))]
        said = ", ".join(digits) if rng.random() < 0.3 else " ".join(digits)
        return said.capitalize() + ".", " ".join(digits)
    if kind == 1:
        day, month = _ordinal(int(rng.integers(1, 32))), _pick(rng, MONTHS)
        text = f"{month} {day}" if rng.random() < 0.6 else f"the {day} of {month}"
        text += f" {_year(rng)}" if rng.random() < 0.5 else ""
    elif kind == 2:
        text = f"{cardinal(_size(rng))} {_pick(rng, UNITS)}"
    elif kind == 3:
        minutes = int(rng.integers(0, 60))
        hour = ONES[int(rng.integers(1, 13))]
        past = cardinal(minutes) if minutes > 9 else f"oh {ONES[minutes]}"
        text = f"{hour} {past}" if minutes else f"{hour} o'clock"
        text = f"at {text}" if rng.random() < 0.3 else text
    elif kind == 4:
        text = cardinal(_size(rng))
    elif kind == 5:
        text = f"{_pick(rng, ['on', 'next', 'last', 'every'])} {_pick(rng, DAYS)}"
    else:
        text = f"{cardinal(_size(rng))} point " + " ".join(
            ONES[digit] for digit in rng.integers(0, 10, rng.integers(1, 4))
        )
    return text.capitalize() + ".", text


def _size(rng: np.random.Generator) -> int:
    return int(10 ** rng.uniform(0, 5.5))


def _year(rng: np.random.Generator) -> str:
    century, rest = int(rng.integers(17, 21)), int(rng.integers(1, 100))
    if century == 20:
        return f"two thousand {cardinal(rest)}"
    return f"{cardinal(century)} {cardinal(rest) if rest > 9 else f'oh {ONES[rest]}'}"


def _pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]
