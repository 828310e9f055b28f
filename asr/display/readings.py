"""Written tokens and the ways in which they are said, for English."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, product
from math import prod

from asr.display.number_words import LIMIT, OH, UNITS, below_hundred, cardinals, to_ordinal, years

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

MULTIPLES = {2: "double", 3: "triple"}
MAX_WAYS = 100
"""The most ways of dividing equal digits that are looked at."""

CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
"""The words of a currency and of its hundredth part."""

PLURALS = {"penny": "pence"}

INITIALISMS = {
    "t v": "TV", "u s": "U.S.", "u s a": "USA", "u k": "UK", "u n": "UN", "f b i": "FBI",
    "c i a": "CIA", "b b c": "BBC", "d n a": "DNA", "n b c": "NBC", "c n n": "CNN", "c d": "CD",
    "d v d": "DVD", "p h d": "PhD", "i b m": "IBM", "n a s a": "NASA", "h t m l": "HTML",
    "g p s": "GPS", "i d": "ID", "p c": "PC", "u r l": "URL", "v i p": "VIP", "c e o": "CEO",
    "u f o": "UFO", "s o s": "SOS",
}  # fmt: skip
"""What is said letter by letter and has a written form that everybody knows."""

TITLES = {"mister": "Mr.", "missus": "Mrs.", "messieurs": "Messrs."}

SCALED = {"thousand", "million", "billion", "trillion"}


def readings(token: str) -> tuple[str, ...]:
    """Return the ways in which people say a written token, the usual one first.

    The result is empty if the token is not one that :mod:`asr.display.inverse` writes. A token
    with one reading says its words with certainty.

    >>> readings("42"), readings("21st")
    (('forty two',), ('twenty first',))
    >>> readings("$2.50")
    ('two dollars and fifty cents', 'two dollars fifty cents', 'two dollars fifty')
    >>> readings("10:05")
    ('ten oh five', 'ten o five')
    >>> readings("hello")
    ()
    """
    for pattern, read in PATTERNS:
        match = pattern.fullmatch(token)
        if match:
            return tuple(dict.fromkeys(read(*match.groups(default=""))))
    return ()


def _number(digits: str) -> Iterator[str]:
    """Say an integer without commas: as a year, a number, or its digits."""
    value = int(digits)
    if str(value) == digits and value < LIMIT:
        if 1000 <= value <= 2999:
            yield from years(value)
        yield from cardinals(value)
    if len(digits) > 2 or digits != str(value):
        yield from _digits(digits)


def _digits(digits: str) -> Iterator[str]:
    """Say digits one by one, zeros in one of their ways, equal ones also as double and triple.

    A long text of many equal digits has too many ways to say all of them: it has the plain ones.
    """
    zeros = ("zero", *OH) if "0" in digits else ("zero",)
    runs = [(digit, len(list(group))) for digit, group in groupby(digits)]
    ways = [list(_parts(count)) if count <= 6 else [(1,) * count] for _, count in runs]
    if prod(map(len, ways)) > MAX_WAYS:
        ways = [[(1,) * count] for _, count in runs]
    for zero, parts in product(zeros, product(*ways)):
        names = [zero, *UNITS[1:10]]
        yield " ".join(
            f"{MULTIPLES[size]} {names[int(digit)]}" if size > 1 else names[int(digit)]
            for (digit, _), sizes in zip(runs, parts, strict=True)
            for size in sizes
        )


def _parts(count: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways in which equal digits are divided into single, double and triple ones."""
    if count == 0:
        yield ()
    for size in range(1, min(count, max(MULTIPLES)) + 1):
        yield from ((size, *rest) for rest in _parts(count - size))


def _grouped(digits: str) -> Iterator[str]:
    """Say digits that are written in groups, as of a telephone number."""
    yield from _digits(digits.replace("-", ""))


def _with_commas(digits: str) -> Iterator[str]:
    value = int(digits.replace(",", ""))
    if value < LIMIT:
        yield from cardinals(value)


def _decimal(whole: str, fraction: str) -> Iterator[str]:
    for start in _whole(whole):
        for end in _digits(fraction):
            yield f"{start} point {end}"


def _whole(digits: str) -> Iterable[str]:
    """Say an integer with or without commas as a number."""
    value = int(digits.replace(",", ""))
    return cardinals(value) if value < LIMIT else ()


def _negative(digits: str, fraction: str) -> Iterator[str]:
    words = _decimal(digits, fraction) if fraction else _whole(digits)
    yield from (f"minus {said}" for said in words)


def _ordinal(digits: str, suffix: str) -> Iterator[str]:
    value = int(digits.replace(",", ""))
    if suffix == ordinal_suffix(value):
        yield from map(to_ordinal, _whole(digits))


def ordinal_suffix(value: int) -> str:
    """Return the letters behind the digits of an ordinal.

    >>> [ordinal_suffix(value) for value in (1, 12, 22, 103, 40)]
    ['st', 'th', 'nd', 'rd', 'th']
    """
    if 10 < value % 100 < 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _percent(whole: str, fraction: str) -> Iterator[str]:
    numbers = list(_decimal(whole, fraction) if fraction else _whole(whole))
    for unit in ("percent", "per cent"):
        yield from (f"{number} {unit}" for number in numbers)


def _money(sign: str, whole: str, cents: str, scale: str) -> Iterator[str]:
    unit, part = CURRENCIES[sign]
    value = int(whole.replace(",", ""))
    units = unit if value == 1 and not scale else f"{unit}s"
    if scale:
        numbers = list(_decimal(whole, cents) if cents else _whole(whole))
        yield from (f"{number} {scale} {unit}s" for number in numbers)
        return
    if not cents:
        yield from (f"{number} {units}" for number in _whole(whole))
        return
    count = int(cents)
    parts = part if count == 1 else PLURALS.get(part, f"{part}s")
    if len(cents) == 2 and count:
        for number in _whole(whole):
            yield f"{number} {units} and {below_hundred(count)} {parts}"
            yield f"{number} {units} {below_hundred(count)} {parts}"
            if count >= 10:
                yield f"{number} {units} {below_hundred(count)}"


def _scaled(whole: str, fraction: str, scale: str) -> Iterator[str]:
    numbers = _decimal(whole, fraction) if fraction else _whole(whole)
    yield from (f"{number} {scale}" for number in numbers)


def _time(hour: str, minute: str) -> Iterator[str]:
    hours, minutes = int(hour), int(minute)
    if hours > 23 or minutes > 59 or (hour[0] == "0" and hours):
        return
    if minutes >= 10:
        yield f"{below_hundred(hours)} {below_hundred(minutes)}"
    elif minutes:
        yield from (f"{below_hundred(hours)} {zero} {UNITS[minutes]}" for zero in OH)


def _day_month(day: str, month: str, year: str) -> Iterator[str]:
    if month.lower() not in MONTHS or not 1 <= int(day) <= 31:
        return
    ordinal, ends = to_ordinal(below_hundred(int(day))), list(_year(year)) if year else [""]
    starts = f"the {ordinal} of", f"{ordinal} of", ordinal, f"the {ordinal}"
    for start, end in product(starts, ends):
        yield f"{start} {month.lower()} {end}".strip()


def _month_day(month: str, day: str, year: str) -> Iterator[str]:
    if month.lower() not in MONTHS or not 1 <= int(day) <= 31:
        return
    number, ends = below_hundred(int(day)), list(_year(year)) if year else [""]
    starts = to_ordinal(number), f"the {to_ordinal(number)}", number
    for start, end in product(starts, ends):
        yield f"{month.lower()} {start} {end}".strip()


def _year(digits: str) -> Iterator[str]:
    value = int(digits)
    if 1000 <= value <= 2999:
        yield from years(value)
    yield from cardinals(value)


def _decade(digits: str) -> Iterator[str]:
    for said in years(int(digits)) if int(digits) % 10 == 0 else ():
        if said.endswith("y"):
            yield f"{said.removesuffix('y')}ies"
        elif said.endswith("hundred"):
            yield f"{said}s"


def _spelled(letters: str) -> Iterator[str]:
    yield letters.replace("-", " ").lower()


def _fixed(token: str) -> Iterator[str]:
    yield FIXED[token]


FIXED = {
    **{written: said for said, written in INITIALISMS.items()},
    **{written: said for said, written in TITLES.items()},
    "a.m.": "a m",
    "p.m.": "p m",
}
"""Tokens that are said in one way."""

WHOLE = r"([1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)"
SCALE = f"({'|'.join(sorted(SCALED))})"
MONTH = "([A-Z][a-z]+)"

PATTERNS: tuple[tuple[re.Pattern[str], Callable[..., Iterator[str]]], ...] = tuple(
    (re.compile(pattern, re.ASCII), read)
    for pattern, read in (
        ("(" + "|".join(map(re.escape, FIXED)) + ")", _fixed),
        (r"(\d{1,40})", _number),
        (r"([1-9]\d{0,2}(?:,\d{3})+)", _with_commas),
        (WHOLE + r"\.(\d{1,40})", _decimal),
        (r"-" + WHOLE + r"(?:\.(\d{1,40}))?", _negative),
        (WHOLE + "(st|nd|rd|th)", _ordinal),
        (WHOLE + r"(?:\.(\d{1,40}))?%", _percent),
        (r"([$€£])" + WHOLE + r"(?:\.(\d{1,2}))?(?: " + SCALE + ")?", _money),
        (WHOLE + r"(?:\.(\d{1,2}))? " + SCALE, _scaled),
        (r"(\d{1,2}):(\d\d)", _time),
        (r"([1-9]\d?) " + MONTH + r"(?: (\d{4}))?", _day_month),
        (MONTH + r" ([1-9]\d?)(?:, (\d{4}))?", _month_day),
        (r"(\d{4})s", _decade),
        (r"(\d{1,4}(?:-\d{3,4}){1,3})", _grouped),
        (r"([A-Z](?:-[A-Z])+)", _spelled),
    )
)
"""The forms of tokens and how each is said; the first form that a token has counts."""
