"""Inverse text normalisation for English: spoken numbers and the like in the form they are written.

A rule looks at the words from a place on and proposes a written token for some of them. It is taken
only if :func:`asr.display.readings.readings` says the token in exactly these words, so that nothing
is written that cannot be said again. A run of number words is written whole or not at all: what is
ambiguous stays words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from asr.display.number_words import SCALES, TENS, UNITS, to_ordinal
from asr.display.readings import (
    CURRENCIES,
    INITIALISMS,
    MONTHS,
    MULTIPLES,
    PLURALS,
    TITLES,
    ordinal_suffix,
    readings,
)

SMALL = 12
"""The largest number that stays a word where nothing says that it is a figure."""

LETTERS = 30
"""The most letters of a word that is spelled."""

DIGITS = {**{word: value for value, word in enumerate(UNITS[:10])}, "oh": 0, "o": 0}
BELOW_TWENTY = {word: value for value, word in enumerate(UNITS)}
TENS_VALUES = {word: 10 * index for index, word in enumerate(TENS) if word}
SCALE_VALUES = {name: scale for scale, name in SCALES.items()}
TIMES_OF = {word: count for count, word in MULTIPLES.items()}

NUMBER_WORDS = {*BELOW_TWENTY, *TENS_VALUES, "hundred", *SCALE_VALUES}
ORDINAL_WORDS = {
    to_ordinal(word): word for word in (*UNITS[1:], *filter(None, TENS), "hundred", *SCALE_VALUES)
}
"""The last words of ordinals, and the cardinals that they are made of."""

DECADES = {f"{word.removesuffix('y')}ies": word for word in TENS if word}

NUMBERED = {
    "chapter", "page", "pages", "room", "gate", "platform", "route", "flight", "bus", "track",
    "section", "volume", "verse", "figure", "highway", "interstate", "apartment", "channel",
    "version", "exit", "line", "lane", "grade", "level", "unit",
}  # fmt: skip
"""Words behind which even small numbers are figures."""

CLOCK = {"at", "by", "until", "till"}
"""Words behind which two numbers can be a time, if what follows does not say that they are not."""

DAYTIMES = {("a", "m"): "a.m.", ("p", "m"): "p.m."}

UNITS_OF_MONEY = {
    name: sign
    for sign, (unit, _) in CURRENCIES.items()
    for name in (unit, f"{unit}s")
    if sign != "£"
}
"""Currencies by their words; pounds are a weight too."""


@dataclass(frozen=True)
class Span:
    """The words ``first`` to ``last`` (exclusive) of a text, written as ``text``."""

    text: str
    first: int
    last: int


Found = Iterator[tuple[str, int]]
"""Written tokens that a rule proposes, each with the place behind its last word."""


def inverse(words: Sequence[str]) -> list[Span]:
    """Return the spans of ``words`` (n,) that are written in another form, in their order.

    >>> words = "on october thirty first nineteen eighty four at ten fifteen a m".split()
    >>> [span.text for span in inverse(words)]
    ['October 31, 1984', '10:15', 'a.m.']
    >>> inverse("one of the first two".split())
    []
    """
    spans: list[Span] = []
    place = 0
    while place < len(words):
        span = _span(words, place)
        if span:
            spans.append(span)
            place = span.last
            if span.text[0].isdigit() and tuple(words[place : place + 2]) in DAYTIMES:
                daytime = DAYTIMES[words[place], words[place + 1]]
                if _is_hour(span.text):
                    spans.append(Span(daytime, place, place + 2))
                    place += 2
        else:
            letters = _letters_end(words, place)
            end = letters if letters - place > LETTERS else place + 1
            place = max(end, _run_end(words, place))
    return spans


def _is_hour(text: str) -> bool:
    hour, _, minutes = text.partition(":")
    return hour.isdigit() and 1 <= int(hour) <= 12 and (not minutes or len(minutes) == 2)


def _span(words: Sequence[str], place: int) -> Span | None:
    """Return the span that begins at ``place``, if some rule finds one that can be said again."""
    for rule in RULES:
        for text, last in rule(words, place):
            if " ".join(words[place:last]) in readings(text):
                return Span(text, place, last)
    return None


def _is_number(words: Sequence[str], place: int) -> bool:
    """Tell whether a number may go on, or begin, at ``place``."""
    return place < len(words) and (words[place] in NUMBER_WORDS or words[place] in ORDINAL_WORDS)


def _run_end(words: Sequence[str], place: int) -> int:
    """Return the place behind the run of number words that begins at ``place``."""
    last = place
    while last < len(words):
        word = words[last]
        inside = last > place
        between = inside and (_is_number(words, last + 1) or _digit_at(words, last + 1))
        joins = word == "and" and words[last - 1] in ("hundred", *SCALE_VALUES)
        zero = word in ("oh", "o") and (inside or _digit_at(words, last + 1))
        times = word in TIMES_OF and _digit_at(words, last + 1)
        if word in NUMBER_WORDS or zero or times or (between and (joins or word == "point")):
            last += 1
        elif word in ORDINAL_WORDS:
            return last + 1
        else:
            break
    return last


def _digit_at(words: Sequence[str], place: int) -> bool:
    return place < len(words) and words[place] in DIGITS


def parse_cardinal(words: Sequence[str], place: int) -> tuple[int, int]:
    """Return the number that begins at ``place`` and the place behind it; the same place if there
    is none.

    >>> parse_cardinal("two hundred and five men".split(), 0)
    (205, 4)
    """
    total, limit = 0, max(SCALES) * 1000
    last = place
    while last < len(words):
        # After a scale, "and" stands before the last group, which is below a hundred.
        begin = last + (last > place and words[last] == "and")
        value, end = _below_thousand(words, begin)
        if end == begin or (begin > last and value >= 100):
            break
        scale = SCALE_VALUES.get(words[end], 1) if end < len(words) else 1
        if scale >= limit:
            break
        total += value * scale
        last, limit = end + (scale > 1), scale
        if scale == 1:
            break
    return total, last


def _below_thousand(words: Sequence[str], place: int) -> tuple[int, int]:
    value, last = _below_hundred(words, place)
    if last > place and value and last < len(words) and words[last] == "hundred":
        value, last = 100 * value, last + 1
        begin = last + (last < len(words) and words[last] == "and")
        rest, end = _below_hundred(words, begin)
        if end > begin and rest:
            return value + rest, end
    return value, last


def _below_hundred(words: Sequence[str], place: int) -> tuple[int, int]:
    if place >= len(words):
        return 0, place
    word = words[place]
    if word in BELOW_TWENTY:
        return BELOW_TWENTY[word], place + 1
    if word in TENS_VALUES:
        unit = BELOW_TWENTY.get(words[place + 1], 0) if place + 1 < len(words) else 0
        if 1 <= unit <= 9:
            return TENS_VALUES[word] + unit, place + 2
        return TENS_VALUES[word], place + 1
    return 0, place


def parse_ordinal(words: Sequence[str], place: int) -> tuple[int, int]:
    """Return the ordinal that begins at ``place`` and the place behind it; the same place if there
    is none.

    >>> parse_ordinal(["twenty", "first", "street"], 0)
    (21, 2)
    """
    for last in range(place, len(words)):
        if words[last] in ORDINAL_WORDS:
            cardinal = [*words[place:last], ORDINAL_WORDS[words[last]]]
            if cardinal[0] in ("hundred", *SCALE_VALUES):
                cardinal.insert(0, "one")
            value, end = parse_cardinal(cardinal, 0)
            return (value, last + 1) if end == len(cardinal) else (0, place)
        if words[last] not in NUMBER_WORDS and (words[last] != "and" or last == place):
            break
    return 0, place


def parse_year(words: Sequence[str], place: int) -> tuple[int, int]:
    """Return the year that begins at ``place`` and the place behind it; the same place if there is
    none.

    >>> parse_year("nineteen oh five".split(), 0), parse_year("two thousand five".split(), 0)
    ((1905, 3), (2005, 3))
    """
    century, last = _below_hundred(words, place)
    if last > place and (10 <= century <= 20) and last < len(words):
        if words[last] in ("oh", "o") and _digit_at(words, last + 1):
            return 100 * century + DIGITS[words[last + 1]], last + 2
        rest, end = _below_hundred(words, last)
        if end > last and rest >= 10:
            return 100 * century + rest, end
        if words[last] == "hundred" and century % 10:
            return 100 * century, last + 1
    value, last = parse_cardinal(words, place)
    return (value, last) if 2000 <= value <= 2009 else (0, place)


def _date(words: Sequence[str], place: int) -> Found:
    """October thirty first nineteen eighty four; thirty first (of) october, with a year behind."""
    if words[place] in MONTHS:
        month = words[place].capitalize()
        begin = place + 1 + (words[place + 1 : place + 2] == ["the"])
        day, last = _day(words, begin)
        if last > begin:
            dated = list(_with_year(words, f"{month} {day}", ", ", last))
            # "may seven" and "march seven" may be a verb and a number unless a year follows.
            verb = words[place] in ("may", "march") and words[last - 1] not in ORDINAL_WORDS
            yield from (found for found in dated if found[1] > last or not verb)
        return
    begin = place + (words[place] == "the")
    day, last = parse_ordinal(words, begin)
    if last > begin and 1 <= day <= 31:
        month_at = last + (words[last : last + 1] == ["of"])
        if month_at < len(words) and words[month_at] in MONTHS:
            text, end = f"{day} {words[month_at].capitalize()}", month_at + 1
            dated = list(_with_year(words, text, " ", end))
            # "the first of may" without a year is prose.
            yield from (found for found in dated if found[1] > end or month_at == last)


def _day(words: Sequence[str], place: int) -> tuple[int, int]:
    day, last = parse_ordinal(words, place)
    if last == place:
        day, last = _below_hundred(words, place)
    return (day, last) if 1 <= day <= 31 else (0, place)


def _with_year(words: Sequence[str], text: str, comma: str, last: int) -> Found:
    year, end = parse_year(words, last)
    if end > last and not _is_number(words, end):
        yield f"{text}{comma}{year}", end
    elif not _is_number(words, last):
        yield text, last


def _number(words: Sequence[str], place: int) -> Found:
    """Find numbers with what follows them: percentages, money, hours, decimals, years, digits."""
    last = _run_end(words, place)
    if last == place or (place and words[place - 1] in ("point", "minus")):
        return
    run, behind = words[place:last], words[last : last + 2]
    if words[place - 1] == "and" and place > 1 and words[place - 2] in DIGITS and len(run) == 1:
        return  # five and twenty
    digits = _digits(run)
    value, end = parse_cardinal(run, 0)
    whole = end == len(run)
    decimal = _decimal(run)
    figure = decimal or (grouped(value) if whole else "")
    if figure:
        yield from _percent(figure, behind, last)
        yield from _money(figure, words, last)
        yield from _round(run, last)
    if not whole and run[-1] in SCALE_VALUES and decimal:
        yield from _money(decimal, words, last)
    if decimal:
        yield decimal, last
    yield from _clock(words, place, last)
    before = words[place - 1] if place else ""
    year, end = parse_year(run, 0)
    if end == len(run) and not _ambiguous(run, before):
        yield str(year), last
    if digits and (len(digits) > 2 or before in NUMBERED):
        yield from ((text, last) for text in (telephone(digits), digits))
    ordinal, end = parse_ordinal(run, 0)
    seconds = run[-1] == "second" and before != "the"  # a twenty second pause
    if end == len(run) and ordinal > SMALL and not seconds:
        yield f"{grouped(ordinal)}{ordinal_suffix(ordinal)}", last
    if whole and (value > SMALL or before in NUMBERED):
        yield grouped(value), last


def _ambiguous(run: Sequence[str], before: str) -> bool:
    """Tell whether a year may be something else: twenty twenty, ten fifty."""
    century = BELOW_TWENTY.get(run[0], 20)
    return (century < 13 or list(run) == ["twenty", "twenty"]) and before not in (
        "in", "of", "since", "year", *MONTHS
    )  # fmt: skip


def grouped(value: int) -> str:
    """Return a number in figures, with commas from 1,000 on except for 2000 to 2009."""
    return str(value) if 2000 <= value <= 2009 else f"{value:,}"


def _digits(run: Sequence[str]) -> str:
    """Return the digits of a run that consists of nothing else; an empty text for others.

    Counting, one two three, is no list of digits.
    """
    digits, times = "", 1
    for word in run:
        if word in TIMES_OF:
            times = TIMES_OF[word]
        elif word in DIGITS:
            digits, times = digits + str(DIGITS[word]) * times, 1
        else:
            return ""
    counting = len(digits) < 7 and digits in "0123456789"
    return "" if counting else digits


def telephone(digits: str) -> str:
    """Return digits as a telephone number, if they are as many as one has in North America.

    >>> telephone("5551234"), telephone("8005551234"), telephone("4711")
    ('555-1234', '800-555-1234', '4711')
    """
    if len(digits) == 7:
        return f"{digits[:3]}-{digits[3:]}"
    if len(digits) == 10 or (len(digits) == 11 and digits[0] == "1"):
        start, rest = digits[:-10], digits[-10:]
        return "-".join(filter(None, (start, rest[:3], rest[3:6], rest[6:])))
    return digits


def _decimal(run: Sequence[str]) -> str:
    """Return the figures of a run with a point; an empty text for others.

    A scale behind it, as in two point five million, is left out.
    """
    if "point" not in run:
        return ""
    at = list(run).index("point")
    scaled = run[-1] in SCALE_VALUES
    value, end = parse_cardinal(run[:at], 0)
    fraction = run[at + 1 : len(run) - scaled]
    digits = "".join(str(DIGITS[word]) for word in fraction if word in DIGITS)
    if end != at or not at or not digits or len(digits) != len(fraction):
        return ""
    return f"{grouped(value)}.{digits}"


def _percent(figure: str, behind: Sequence[str], last: int) -> Found:
    if behind[:1] == ["percent"]:
        yield f"{figure}%", last + 1
    elif behind == ["per", "cent"]:
        yield f"{figure}%", last + 2


def _money(figure: str, words: Sequence[str], last: int) -> Found:
    """Two dollars and fifty cents, two dollars fifty, two million dollars, two euros."""
    if last >= len(words) or words[last] not in UNITS_OF_MONEY:
        return
    sign = UNITS_OF_MONEY[words[last]]
    part = CURRENCIES[sign][1]
    begin = last + 1 + (words[last + 1 : last + 2] == ["and"])
    cents, end = _below_hundred(words, begin)
    names = (part, PLURALS.get(part, f"{part}s"))
    if end > begin and "." not in figure and 1 <= cents <= 99:
        if end < len(words) and words[end] in names:
            yield f"{sign}{figure}.{cents:02}", end + 1
        elif begin == last + 1 and not _is_number(words, end):
            yield f"{sign}{figure}.{cents:02}", end
    scale = words[last - 1] if words[last - 1] in SCALE_VALUES else ""
    if scale and scale != "thousand":
        yield f"{sign}{_without_scale(figure, scale)} {scale}", last + 1
    yield f"{sign}{figure}", last + 1


def _without_scale(figure: str, scale: str) -> str:
    if "." in figure:
        return figure
    value = int(figure.replace(",", ""))
    return grouped(value // SCALE_VALUES[scale]) if value >= SCALE_VALUES[scale] else figure


def _round(run: Sequence[str], last: int) -> Found:
    """Two million, two point five billion."""
    scale = run[-1]
    if scale not in SCALE_VALUES or scale == "thousand":
        return
    decimal = _decimal(run)
    value, end = parse_cardinal(run[:-1], 0)
    if decimal:
        yield f"{decimal} {scale}", last
    elif end == len(run) - 1 and value:
        yield f"{grouped(value)} {scale}", last


def _clock(words: Sequence[str], place: int, last: int) -> Found:
    """Ten fifteen (a m), five o'clock."""
    hour, end = _below_hundred(words, place)
    behind = tuple(words[last : last + 2])
    if not 1 <= hour <= 12:
        return
    if end == last:
        if behind in DAYTIMES or behind[:1] == ("o'clock",):
            yield str(hour), last
        return
    if words[end] in ("oh", "o") and end + 2 == last and _digit_at(words, end + 1):
        minute = DIGITS[words[end + 1]]
    else:
        minute, behind_minute = _below_hundred(words, end)
        if behind_minute != last or not 10 <= minute <= 59:
            return
    before = words[place - 1] if place else ""
    if behind in DAYTIMES or (before in CLOCK and behind[:1] not in (("years",), ("people",))):
        yield f"{hour}:{minute:02}", last


def _minus(words: Sequence[str], place: int) -> Found:
    """Minus twenty, if no number stands before."""
    if words[place] != "minus" or (place and _is_number(words, place - 1)):
        return
    last = _run_end(words, place + 1)
    run = words[place + 1 : last]
    value, end = parse_cardinal(run, 0)
    if run and end == len(run):
        yield f"-{grouped(value)}", last
    elif run and _decimal(run):
        yield f"-{_decimal(run)}", last


def _decade(words: Sequence[str], place: int) -> Found:
    """Nineteen eighties."""
    if place + 1 < len(words) and words[place + 1] in DECADES:
        century, last = _below_hundred(words, place)
        if last == place + 1 and 13 <= century <= 20:
            tens = TENS_VALUES[DECADES[words[last]]]
            yield f"{100 * century + tens}s", last + 1


def _letters(words: Sequence[str], place: int) -> Found:
    """Single letters: what everybody knows as initials, else what is spelled."""
    last = _letters_end(words, place)
    run = list(words[place:last])
    said, rest = " ".join(run), " ".join(run[1:])
    if not 2 <= len(run) <= LETTERS or (run[0] == "a" and rest in INITIALISMS):
        return
    if said in INITIALISMS:
        yield INITIALISMS[said], last
    elif len(run) > 2 and sum(letter not in "aio" for letter in run) > 1:
        yield "-".join(run).upper(), last


def _letters_end(words: Sequence[str], place: int) -> int:
    """Return the place behind the single letters that begin at ``place``."""
    last = place
    while last < len(words) and len(words[last]) == 1 and "a" <= words[last] <= "z":
        last += 1
    return last


def _title(words: Sequence[str], place: int) -> Found:
    """Mister Hale, which is Mr. only before a name."""
    if words[place] in TITLES and place + 1 < len(words):
        yield TITLES[words[place]], place + 1


RULES: tuple[Callable[[Sequence[str], int], Found], ...] = (
    _date, _decade, _number, _minus, _letters, _title,
)  # fmt: skip
"""What can begin at a word; the first rule whose token can be said again counts."""
