"""Written text as the words that are said, the mark after each, and its case."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asr.display.number_words import LIMIT, cardinal, to_ordinal, years

MARKS = ("", ",", ".", "?", "!", ";", ":", "–")
"""The marks that can follow a word; the first is none."""

SENTENCE_ENDS = (".", "?", "!")

CASES = ("lower", "capital", "upper", "mixed")
"""The cases of a word: ``go``, ``Go``, ``GO``, and those with capitals elsewhere, ``McDonald``."""

ABBREVIATIONS = {
    "Mr": "mister", "Mrs": "missus", "Messrs": "messieurs", "Dr": "doctor", "St": "saint",
}  # fmt: skip
"""Abbreviations that are said as one word, and the word."""

DASHES = re.compile(r"-{2,}|[–—―]+")
APOSTROPHES = str.maketrans("’‘ʼ", "'''")
AROUND = "\"“”„«»()[]{}<>_*'` "
ELIDED = ("'tis", "'twas", "'twere", "'twill", "'twould", "'em")
"""Words that begin with an apostrophe, which is no quotation mark there."""

NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(st|nd|rd|th)?")
WORD = re.compile(r"'?[^\W\d_]+(?:'[^\W\d_]+)*'?")


@dataclass(frozen=True)
class WrittenWord:
    """A word that is said, in lower case, with one of ``MARKS`` and one of ``CASES``.

    ``form`` is the word as it is written, without its mark.
    """

    word: str
    mark: str
    case: str
    form: str


def case_of(form: str) -> str:
    """Return the case in which a word is written.

    A single capital is ``capital``, and a word without letters is ``lower``.

    >>> [case_of(form) for form in ("go", "Go", "GO", "I", "I'll", "McCoy", "iPod")]
    ['lower', 'capital', 'upper', 'capital', 'capital', 'mixed', 'mixed']
    """
    if form == form.lower():
        return "lower"
    if form == capital(form.lower()):
        return "capital"
    return "upper" if form == form.upper() else "mixed"


def capital(word: str) -> str:
    """Return a word with a capital as its first letter.

    >>> capital("'tis"), capital("o'clock")
    ("'Tis", "O'clock")
    """
    for index, character in enumerate(word):
        if character.isalpha():
            upper = character.upper()
            # Characters such as ß have no capital of one character.
            return word[:index] + (upper if len(upper) == 1 else character) + word[index + 1 :]
    return word


def read_written(text: str) -> list[WrittenWord] | None:
    """Return the words of a written text as they are said; None if that is not certain.

    Quotation marks and brackets are left out, compounds are separate words, accents are dropped.

    >>> [(word.word, word.mark, word.case) for word in read_written('"Mr. Fry--go!"')]
    [('mister', '', 'capital'), ('fry', '–', 'capital'), ('go', '!', 'lower')]
    >>> " ".join(word.word for word in read_written("In 1805, the 3rd well-read man"))
    'in eighteen oh five the third well read man'
    >>> read_written("a = b")
    """
    words: list[WrittenWord] = []
    for token in split_written(text):
        mark = mark_behind(token)
        core = without_marks(token)
        if not core:
            if not words:
                continue
            if mark and not words[-1].mark:
                last = words[-1]
                words[-1] = WrittenWord(last.word, mark, last.case, last.form)
            continue
        abbreviated = ABBREVIATIONS.get(core)
        if abbreviated:
            mark = "" if mark == "." else mark
            words.append(WrittenWord(abbreviated, mark, "capital", f"{core}."))
            continue
        apostrophe = "'" + core.lower()
        if apostrophe in ELIDED and apostrophe in token.lower():
            core = f"'{core}"
        parts = [part for piece in core.split("-") if piece for part in _said(piece)]
        if "" in parts or not parts:
            return None
        words += [WrittenWord(part.lower(), "", case_of(part), part) for part in parts[:-1]]
        words.append(WrittenWord(parts[-1].lower(), mark, case_of(parts[-1]), parts[-1]))
    return words


def split_written(text: str) -> Iterator[str]:
    """Yield what stands between spaces; a dash belongs to the token before it."""
    text = text.translate(APOSTROPHES)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = text.replace("æ", "ae").replace("œ", "oe").replace("Æ", "Ae").replace("Œ", "Oe")
    yield from DASHES.sub("– ", text).split()


def mark_behind(token: str) -> str:
    """Return the mark behind a token: the first one, or a dash if there is no other.

    >>> mark_behind('Yes!"'), mark_behind("yes"), mark_behind("so,–")
    ('!', '', ',')
    """
    behind = token[len(token.rstrip(AROUND + "".join(MARKS) + "…")) :].replace("…", ".")
    marks = [character for character in behind if character in MARKS]
    return next((mark for mark in marks if mark != "–"), "–" if marks else "")


def without_marks(token: str) -> str:
    """Return a token without the marks, quotation marks and brackets around it.

    >>> without_marks('"(Yes,"')
    'Yes'
    """
    return token.strip(AROUND + "".join(MARKS) + "…")


def _said(piece: str) -> Iterable[str]:
    """Return the words of a piece without spaces or hyphens; an empty one if that is uncertain."""
    number = NUMBER.fullmatch(piece)
    if number:
        digits, suffix = number.groups()
        value = int(digits.replace(",", ""))
        if value >= LIMIT or (digits[0] == "0" and len(digits) > 1):
            return [""]
        if suffix:
            return to_ordinal(cardinal(value)).split()
        year = next(years(value), "") if 1100 <= value < 2000 and "," not in digits else ""
        return (year or cardinal(value)).split()
    return [piece] if WORD.fullmatch(piece) else [""]
