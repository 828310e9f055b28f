"""The words of English numbers: cardinals, ordinals, years and digits."""

from collections.abc import Iterator

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
TENS = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
SCALES = {10**12: "trillion", 10**9: "billion", 10**6: "million", 10**3: "thousand"}
LIMIT = 10**15
"""The first number that has no words here."""

OH = ("oh", "o")
"""How a zero is said in years, times and digits, besides ``zero``."""

ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
"""The ordinals that are not a cardinal with ``th`` behind it."""


def below_hundred(number: int) -> str:
    """Return the words of a number from 0 to 99.

    >>> below_hundred(42)
    'forty two'
    """
    if number < 20:
        return UNITS[number]
    tens, units = divmod(number, 10)
    return f"{TENS[tens]} {UNITS[units]}" if units else TENS[tens]


def cardinal(number: int, conjunction: bool = False) -> str:
    """Return the words of a number from 0 to :data:`LIMIT`, with ``and`` before its last two digits
    if ``conjunction``.

    >>> cardinal(1105), cardinal(1105, conjunction=True)
    ('one thousand one hundred five', 'one thousand one hundred and five')
    >>> cardinal(2005, conjunction=True)
    'two thousand and five'
    """
    if not 0 <= number < LIMIT:
        raise ValueError(f"{number} has no words here, needs 0 to {LIMIT - 1}")
    words, rest = [], number
    for scale, name in SCALES.items():
        count, rest = divmod(rest, scale)
        if count:
            words += [cardinal(count, conjunction), name]
    hundreds, last = divmod(rest, 100)
    if hundreds:
        words += [UNITS[hundreds], "hundred"]
    if last or not words:
        words += ["and"] * bool(conjunction and words) + [below_hundred(last)]
    return " ".join(words)


def to_ordinal(words: str) -> str:
    """Return the ordinal of a cardinal in words.

    >>> to_ordinal("one hundred twenty"), to_ordinal("forty two")
    ('one hundred twentieth', 'forty second')
    """
    before, space, last = words.rpartition(" ")
    if last.endswith("y"):
        ordinal = f"{last.removesuffix('y')}ieth"
    else:
        ordinal = ORDINALS.get(last, f"{last}th")
    return f"{before}{space}{ordinal}"


def cardinals(number: int) -> Iterator[str]:
    """Yield the ways in which people say a number, without ``and`` first.

    >>> list(cardinals(1100)), list(cardinals(205))
    (['one thousand one hundred', 'eleven hundred'], ['two hundred five', 'two hundred and five'])
    """
    plain, joined = cardinal(number), cardinal(number, conjunction=True)
    yield plain
    if joined != plain:
        yield joined
    hundreds, last = divmod(number, 100)
    if 11 <= hundreds <= 99 and hundreds % 10:
        start = f"{below_hundred(hundreds)} hundred"
        if last:
            yield f"{start} {below_hundred(last)}"
            yield f"{start} and {below_hundred(last)}"
        else:
            yield start


def years(number: int) -> Iterator[str]:
    """Yield the ways in which people say a year from 1000 to 2999, the usual one first.

    >>> list(years(1984))
    ['nineteen eighty four']
    >>> list(years(1905))
    ['nineteen oh five', 'nineteen o five']
    >>> list(years(1900)), list(years(2024))
    (['nineteen hundred'], ['twenty twenty four'])
    """
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return  # "two thousand five" is a cardinal
    start = below_hundred(century)
    if rest == 0:
        yield f"{start} hundred"
    elif rest < 10:
        yield from (f"{start} {zero} {UNITS[rest]}" for zero in OH)
    else:
        yield f"{start} {below_hundred(rest)}"
