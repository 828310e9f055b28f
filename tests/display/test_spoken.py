"""Readable text becomes words again where it is certain which ones."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.display.readings import readings
from asr.display.spoken import to_spoken

LINES = (Path(__file__).parent / "spoken_written.txt").read_text().splitlines()
CASES = [tuple(line.split("\t")) for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize(("spoken", "form"), CASES)
def test_what_was_written_is_said_again(spoken, form):
    said = to_spoken(form)
    if not said.uncertain:
        assert said.text == spoken
    assert all(len(readings(token)) > 1 for token in said.uncertain)


@pytest.mark.parametrize(
    ("text", "said", "uncertain"),
    [
        ("", "", ()),
        ("Yes, I do!", "yes i do", ()),
        ("It’s well-known – isn't it?", "it's well known isn't it", ()),
        ("42.", "forty two", ()),
        ("At 7 p.m., Mrs. Fry", "at seven p m missus fry", ()),
        ("P-E-T.", "p e t", ()),
        ("mr. hale, p-e-t", "mister hale p e t", ()),
        ("31 October 1984", "31 october 1984", ("31 October 1984",)),
        ("$2 million, 1984?", "two million dollars 1984", ("1984",)),
        ("'Tis the 21st.", "tis the twenty first", ()),
        ("٣ ½ x²", "٣ ½ x²", ()),
    ],
)
def test_texts(text, said, uncertain):
    result = to_spoken(text)
    assert result.text == said and result.uncertain == uncertain


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text(text):
    result = to_spoken(text)
    assert result.text == " ".join(result.text.split())
