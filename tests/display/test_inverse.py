"""Numbers and the like are written in figures where that is certain, and can be said again."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.display.inverse import DIGITS, NUMBER_WORDS, ORDINAL_WORDS, inverse
from asr.display.number_words import LIMIT, cardinal, cardinals, to_ordinal, years
from asr.display.readings import readings

LINES = (Path(__file__).parent / "spoken_written.txt").read_text().splitlines()
CASES = [tuple(line.split("\t")) for line in LINES if not line.startswith("#")]


def written(words):
    """Return words with their spans in the written form."""
    parts, place = [], 0
    for span in inverse(words):
        parts += [*words[place : span.first], span.text]
        place = span.last
    return " ".join([*parts, *words[place:]])


def assert_sound(words, spans):
    """Assert that spans stand in order within the words, and that each can be said again."""
    place = 0
    for span in spans:
        assert place <= span.first < span.last <= len(words)
        assert " ".join(words[span.first : span.last]) in readings(span.text)
        place = span.last


def test_there_are_many_cases():
    assert len(CASES) == len(dict(CASES)) >= 200
    assert sum(spoken == form for spoken, form in CASES) >= 60


@pytest.mark.parametrize(("spoken", "form"), CASES)
def test_spoken_to_written(spoken, form):
    words = spoken.split()
    assert written(words) == form
    assert_sound(words, inverse(words))


WORDS = sorted(
    {*NUMBER_WORDS, *ORDINAL_WORDS, *DIGITS}
    | set("and point minus percent per cent dollars dollar cents euros a m p of the in at".split())
    | set("october may march double triple o'clock mister chapter eighties hello i x y".split())
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_words_can_be_said_again(words):
    assert_sound(words, inverse(words))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=8))
def test_any_text_is_taken(words):
    assert_sound(words, inverse(words))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, LIMIT - 1))
def test_a_number_alone_comes_back(number):
    for words in cardinals(number):
        spans = inverse(words.split())
        if number > 12:
            (span,) = spans
            figure = span.text.replace(",", "")
            whole, _, scale = figure.partition(" ")
            scales = {"": 1, "million": 10**6, "billion": 10**9, "trillion": 10**12}
            assert int(whole) * scales[scale] == number
    if number > 12:
        words = to_ordinal(cardinal(number)).split()
        texts = [span.text for span in inverse(["the", *words])]
        assert texts and texts[0].rstrip("stndrh").replace(",", "") == str(number)


def test_years_come_back():
    for number in range(1300, 2100):
        for words in years(number):
            texts = [span.text.replace(",", "") for span in inverse(["in", *words.split()])]
            assert texts == [str(number)], words


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("42", ("forty two",)),
        ("105", ("one hundred five", "one hundred and five", "one zero five", "one oh five",
                 "one o five")),
        ("1984", ("nineteen eighty four", "one thousand nine hundred eighty four",
                  "one thousand nine hundred and eighty four", "nineteen hundred eighty four",
                  "nineteen hundred and eighty four", "one nine eight four")),
        ("12%", ("twelve percent", "twelve per cent")),
        ("Mr.", ("mister",)),
        ("U.S.", ("u s",)),
        ("P-E-T", ("p e t",)),
        ("31 October", ("the thirty first of october", "thirty first of october",
                        "thirty first october", "the thirty first october")),
        ("1980s", ("nineteen eighties",)),
        ("$1", ("one dollar",)),
        ("1st", ("first",)),
        ("2st", ()),
        ("25:10", ()),
        ("1,23", ()),
        ("31 Octember", ()),
        ("hello", ()),
        ("", ()),
        ("٣", ()),
    ],
)  # fmt: skip
def test_readings(token, said):
    assert readings(token) == said
