"""The tokens of the readable form, each of which stands for a span of the recognised words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from asr.display.inverse import inverse
from asr.display.written import capital

BREAKS = (".", "?", "!", ";", ":", "–")
"""The marks across which no token goes; a comma may be a pause within a number."""


@dataclass(frozen=True)
class Token:
    """A written token: ``text``, with the mark behind it, stands for the words ``first`` to
    ``last`` (exclusive)."""

    text: str
    first: int
    last: int


def to_tokens(
    words: Sequence[str],
    marks: Sequence[str],
    cases: Sequence[str],
    mixed: Mapping[str, str] | None = None,
    figures: bool = True,
    begins: bool = True,
) -> tuple[Token, ...]:
    """Return the tokens of ``words`` (n,), the spans of which are all words in their order.

    Args:
        marks: the mark after each word, empty for none.
        cases: the case of each word, one of :data:`asr.display.written.CASES`.
        mixed: the words with capitals inside by their form in lower case.
        figures: true if numbers and the like are written as in English.
        begins: true if a sentence begins with the first word.

    >>> words = "mister hale was born in nineteen eighty four".split()
    >>> marks, cases = [""] * 7 + ["."], ["capital"] * 2 + ["lower"] * 6
    >>> tokens = to_tokens(words, marks, cases)
    >>> " ".join(token.text for token in tokens), tokens[-1].first, tokens[-1].last
    ('Mr. Hale was born in 1984.', 5, 8)
    """
    tokens: list[Token] = []
    for first, last in _stretches(marks):
        spans = inverse(words[first:last]) if figures else []
        places = {first + span.first: (span.text, first + span.last) for span in spans}
        place = first
        while place < last:
            text, end = places.get(place, ("", place + 1))
            if not text:
                case = "capital" if begins and cases[place] == "lower" else cases[place]
                text = in_case(words[place], case, mixed or {})
            mark = marks[end - 1]
            begins = mark == "."
            tokens.append(Token(with_mark(text, mark), place, end))
            place = end
    return tuple(tokens)


def _stretches(marks: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and last (exclusive) word between the marks that no token goes across."""
    first = 0
    for index, mark in enumerate(marks, 1):
        if mark in BREAKS or index == len(marks):
            yield first, index
            first = index


def in_case(word: str, case: str, mixed: Mapping[str, str]) -> str:
    """Return a word in one of ``CASES``, as it is if that would make another word of it.

    >>> [in_case("mcfry", case, {"mcfry": "McFry"}) for case in ("lower", "upper", "mixed")]
    ['mcfry', 'MCFRY', 'McFry']
    """
    forms = {
        "capital": capital(word),
        "upper": word.upper(),
        "mixed": mixed.get(word, capital(word)),
    }
    form = forms.get(case, word)
    return form if form.casefold() == word.casefold() else word


def with_mark(text: str, mark: str) -> str:
    """Return a token with the mark behind it, a space before a dash, and no second full stop.

    >>> with_mark("Yes", ","), with_mark("Yes", "–"), with_mark("a.m.", ".")
    ('Yes,', 'Yes –', 'a.m.')
    """
    if mark == "–":
        return f"{text} –"
    return text if mark == "." and text.endswith(".") else f"{text}{mark}"
