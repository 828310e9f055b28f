"""Scores against tables that were computed by hand; some references are empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.errors import DataError
from asr.evaluation.scoring import ErrorCounts, count_errors, score

# A row has references, hypotheses, and the counts (hits, substitutions, deletions, insertions)
# of words, of characters, and of characters without spaces.
TABLE = [
    (["a b c"], ["a b c"], (3, 0, 0, 0), (5, 0, 0, 0), (3, 0, 0, 0)),
    (["a b c"], ["a x c"], (2, 1, 0, 0), (4, 1, 0, 0), (2, 1, 0, 0)),
    (["a b c"], ["a c"], (2, 0, 1, 0), (3, 0, 2, 0), (2, 0, 1, 0)),
    (["a b"], ["a x b"], (2, 0, 0, 1), (3, 0, 0, 2), (2, 0, 0, 1)),
    (["a b"], [""], (0, 0, 2, 0), (0, 0, 3, 0), (0, 0, 2, 0)),
    (["a", ""], ["a", "b c"], (1, 0, 0, 2), (1, 0, 0, 3), (1, 0, 0, 2)),
    (["go on"], ["goon"], (0, 1, 1, 0), (4, 0, 1, 0), (4, 0, 0, 0)),
    (["six two", "one"], ["six too", "one one"], (2, 1, 0, 1), (9, 1, 0, 4), (8, 1, 0, 3)),
    (["YES  No"], [" yes no "], (2, 0, 0, 0), (6, 0, 0, 0), (5, 0, 0, 0)),
]


@pytest.mark.parametrize(("references", "hypotheses", "words", "characters", "stripped"), TABLE)
def test_table(references, hypotheses, words, characters, stripped):
    """The counts of words and characters are those of the table."""
    result = score(references, hypotheses)
    assert result.words == ErrorCounts(*words)
    assert result.characters == ErrorCounts(*characters)
    assert result.characters_without_spaces == ErrorCounts(*stripped)


def test_rates_and_their_text():
    """Rates and their text are those that were computed by hand."""
    result = score(["a b c d", "e"], ["a x c", "e f"])
    assert result.words == ErrorCounts(hits=3, substitutions=1, deletions=1, insertions=1)
    assert (result.wer, result.ser) == (0.6, 1.0)
    assert str(result.words) == "60.00 % [3 / 5: 1 ins, 1 del, 1 sub]"


def test_empty_reference_counts_insertions():
    assert count_errors("", "a b") == ErrorCounts(insertions=2)
    assert count_errors("", "a b").rate == float("inf")
    assert count_errors("", "").rate == 0.0
    assert score(["", "a"], ["", "a"]).wer == 0.0


def test_nothing_to_score_is_an_error():
    for references, hypotheses in ([], []), (["", " "], ["a", ""]):
        with pytest.raises(DataError, match="no word"):
            score(references, hypotheses)
    with pytest.raises(DataError, match="2 references but 1 hypotheses"):
        score(["a", "b"], ["a"])


WORDS = st.lists(st.sampled_from(["a", "b", "cc"]), max_size=6).map(" ".join)


def edit_distance(a, b):
    """Return the edit distance of two sequences, by the textbook's recursion."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


@given(WORDS, WORDS)
def test_errors_are_the_edit_distance(reference, hypothesis):
    counts = count_errors(reference, hypothesis)
    assert counts.errors == edit_distance(reference.split(), hypothesis.split())
    assert counts.reference == len(reference.split())
