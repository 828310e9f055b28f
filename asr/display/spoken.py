"""Readable text turned back into the words that are said, where that is certain."""

import unicodedata
from dataclasses import dataclass

from asr.display.readings import MONTHS, SCALED, TITLES, readings

LONGEST = 3
"""The most words of a written token with spaces in it: October 31, 1984."""

MARKS = ",.?!;:–—-…"
TITLE_FORMS = {form.lower() for form in TITLES.values()}
SPACED = {*MONTHS, *SCALED}
"""The words of written tokens with spaces, besides figures."""


@dataclass(frozen=True)
class Spoken:
    """The words of a readable text, and its tokens that are said in several ways, as they are."""

    text: str
    uncertain: tuple[str, ...]


def to_spoken(text: str) -> Spoken:
    """Return the words of a readable text, in lower case and without marks.

    A figure that is said in one way becomes words; any other stays as it is.

    >>> to_spoken("Well, Mr. Hale: 42 men!")
    Spoken(text='well mister hale forty two men', uncertain=())
    >>> to_spoken("In 1984 he was 25.")
    Spoken(text='in 1984 he was twenty five', uncertain=('1984',))
    """
    tokens = text.split()
    words: list[str] = []
    uncertain = []
    place = 0
    while place < len(tokens):
        written, said, count = _written(tokens, place)
        if len(said) == 1:
            words += said[0].split()
        elif said:
            words += written.lower().split()
            uncertain.append(written)
        else:
            words += _plain(tokens[place]).split()
        place += count
    return Spoken(" ".join(words), tuple(uncertain))


def _written(tokens: list[str], place: int) -> tuple[str, tuple[str, ...], int]:
    """Return the longest written token at ``place`` without the mark behind it, its readings, and
    its number of words; if there is none, an empty text, no readings and 1."""
    for count in range(LONGEST, 0, -1):
        parts = tokens[place : place + count]
        if len(parts) < count or (count > 1 and not _may_be_spaced(parts)):
            continue
        whole = " ".join(parts).strip("\"“”'‘’()[]")
        for written in (whole, whole.rstrip(MARKS)):
            said = readings(written) or readings(_capitals(written))
            if said:
                return written, said, count
    return "", (), 1


def _capitals(written: str) -> str:
    """Return a token that lost its capitals, a title or a date, with them."""
    names = written.split()
    if written in TITLE_FORMS or any(name in MONTHS for name in names):
        return " ".join(name.capitalize() for name in names)
    return written


def _may_be_spaced(parts: list[str]) -> bool:
    names = [part.lower().rstrip(MARKS) for part in parts]
    return any(name in SPACED for name in names)


def _plain(token: str) -> str:
    """Return a token in lower case, with spaces in place of punctuation, except for apostrophes
    inside words."""
    text = unicodedata.normalize("NFC", token).lower().replace("’", "'")
    kept = "".join(
        character if character == "'" or unicodedata.category(character)[0] not in "PS" else " "
        for character in text
    )
    return " ".join(word for part in kept.split() if (word := part.strip("'")))
