"""The tokens of the readable form lose no word and invent none."""

import re

import pytest
from complete_tokens import assert_complete
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.display.tokens import to_tokens
from asr.display.written import CASES, MARKS

NUMBERS = "one two twenty hundred and of may p m a first nineteen point dollars percent".split()
WORD = st.one_of(st.sampled_from(NUMBERS), st.text(min_size=1, max_size=6))
TAGGED = st.lists(st.tuples(WORD, st.sampled_from(MARKS), st.sampled_from(CASES)), max_size=30)


@settings(max_examples=200, deadline=None)
@given(TAGGED, st.booleans())
def test_no_word_is_lost_or_invented(tagged, figures):
    words, marks, cases = ([item[part] for item in tagged] for part in range(3))
    tokens = to_tokens(words, marks, cases, {"may": "mAy"}, figures)
    assert_complete(words, marks, tokens)


@pytest.mark.parametrize("words", [[], ["one"], ["yes"], ["ß"], ["ı"], ["ŉ"], ["日本"], ["\ud800"]])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mark", MARKS)
def test_few_words(words, case, mark):
    marks = [mark] * len(words)
    tokens = to_tokens(words, marks, [case] * len(words))
    assert len(tokens) == len(words)
    assert_complete(words, marks, tokens)


@pytest.mark.parametrize(
    "word", ["one", "x", "twenty", "and", "double", "thousand", "first", "mister"]
)
def test_many_words(word):
    words, marks = [word] * 50_000, [""] * 50_000
    assert_complete(words, marks, to_tokens(words, marks, ["lower"] * 50_000))


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("yes", "Yes"),
        ("yes. no. twenty men", "Yes. No. 20 men"),
        ("is he? said ann", "Is he? said ann"),
        ("at seven p m.", "At 7 p.m."),
        ("at seven p m? yes", "At 7 p.m.? yes"),
        ("five five five, one two three four.", "555-1234."),
        ("nineteen. eighty four", "19. 84"),
        ("nineteen – eighty", "19 – 80"),
        ("mister fry, come", "Mr. fry, come"),
        ("nineteen eighty four. it was cold", "1984. It was cold"),
    ],
)
def test_marks_and_figures(marked, text):
    parts = re.findall(r"(\w+)( –|[.,?]?)", marked)
    words, marks = [word for word, _ in parts], [mark.strip() for _, mark in parts]
    tokens = to_tokens(words, marks, ["lower"] * len(words))
    assert " ".join(token.text for token in tokens) == text
    assert_complete(words, marks, tokens)
