"""Marks and capitals of written texts are scored apart from their words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.display.written import MARKS
from asr.evaluation.display_scores import score_display


def counts(reference, hypothesis):
    """Return the counts of the marks that stand in either text, and those of case."""
    score = score_display([reference], [hypothesis])
    marks = {
        item.mark: (item.right, item.said, item.true)
        for item in score.marks
        if item.said or item.true
    }
    return marks, (score.case.errors, score.case.words)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "marks", "case"),
    [
        ("", "", {}, (0, 0)),
        ("Yes.", "", {".": (0, 0, 1)}, (0, 0)),
        ("", "Yes.", {".": (0, 1, 0)}, (0, 0)),
        ("Yes, no.", "yes no.", {",": (0, 0, 1), ".": (1, 1, 1)}, (1, 2)),
        ("Go on! Now?", "Go off! now?", {"!": (1, 1, 1), "?": (1, 1, 1)}, (1, 2)),
        ('He said: "Go -- now."', "He said: go – now.", {":": (1, 1, 1), "–": (1, 1, 1),
                                                         ".": (1, 1, 1)}, (1, 4)),
        ("a b. c", "a c", {".": (0, 0, 1)}, (0, 2)),
        ("Mr. Fry", "Mr. Fry", {".": (1, 1, 1)}, (0, 2)),
    ],
)  # fmt: skip
def test_counts(reference, hypothesis, marks, case):
    assert counts(reference, hypothesis) == (marks, case)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("a B c'd".split()), st.sampled_from(MARKS)), max_size=9))
def test_a_text_agrees_with_itself(tokens):
    text = " ".join(word + mark for word, mark in tokens)
    score = score_display([text], [text])
    assert score.case.errors == 0 and score.case.words == len(tokens)
    assert all(item.right == item.said == item.true for item in score.marks)
    assert all(item.f1 in (None, 1.0) for item in score.marks)
