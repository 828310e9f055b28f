"""The overlap of a test set with a language model equals tables made by hand."""

import pytest

from asr.errors import DataError
from asr.lm.kneser_ney import estimate
from asr.lm.overlap import model_overlap, text_overlap

LM = ["the cat sat on the mat", "no", "go on"]
TEST = ["the cat sat on the mat", "no", "the cat sat on a mat", "yes no"]

# Each row holds order, unit, distinct, distinct seen, running and running seen n-grams.
TABLE = [
    (1, "word", 8, 6, 15, 13),
    (2, "word", 8, 5, 11, 8),
    (3, "word", 6, 4, 8, 6),
    (7, "word", 0, 0, 0, 0),
]


@pytest.mark.parametrize(("order", "unit", "distinct", "found", "running", "seen"), TABLE)
def test_texts(order, unit, distinct, found, running, seen):
    """The counts of n-grams that the texts share are those of the table."""
    result = text_overlap(LM, TEST, order, unit)
    assert (result.sentences, result.sentences_seen) == (4, 2)
    assert (result.long, result.long_seen) == (2, 1)
    assert (result.distinct, result.distinct_seen) == (distinct, found)
    assert (result.running, result.running_seen) == (running, seen)


def test_texts_of_characters():
    result = text_overlap(["no on"], ["on no", "o"], 2, "token")
    # The test has on, n<space>, <space>n and no; the text has no, o<space>, <space>o and on.
    assert (result.distinct, result.distinct_seen) == (4, 2)
    assert (result.running, result.running_seen) == (4, 2)


def test_texts_warn_of_long_sentences():
    result = text_overlap(LM, TEST, 3)
    assert result.warning == (
        "50.0 % of the test's sentences of 4 or more words stand word for word in the language "
        "model's text; results on them say little about other speech"
    )
    assert str(result) == (
        "50.0 % of the test's sentences, 66.7 % of its distinct and 75.0 % of its running 3-grams "
        "are in the language model's text"
    )
    assert text_overlap(LM, ["no", "go on"], 3).warning is None
    others = [f"some other sentence {index}" for index in range(5)]
    assert text_overlap(LM, [LM[0], *others], 3).warning is None
    assert text_overlap(LM, [LM[0], *others[:4]], 3).warning is not None


def test_a_model_by_hand():
    model = estimate(LM, 3).model
    result = model_overlap(model, TEST)
    # There are 7 + 2 + 7 + 3 words and </s>; a and yes are unknown. The model lacks "on a",
    # "a mat", "<s> yes", "yes no", and the five 3-grams that hold a or yes.
    assert result.running == (19, 19, 15)
    assert result.explicit == (17, 15, 10)
    assert (result.sentences, result.sentences_covered) == (4, 2)
    assert (result.long, result.long_covered) == (2, 1)
    assert result.warning is not None and result.warning.startswith("50.0 % of the test's")
    assert str(result) == (
        "the model holds 89.5 % of the 1-grams, 78.9 % of the 2-grams, 66.7 % of the 3-grams; "
        "50.0 % of the sentences are covered"
    )
    assert model_overlap(model, ["no"]).warning is None


def test_unknown_words_are_never_held():
    model = estimate(["a <unk> b"], 2).model
    assert model_overlap(model, ["a x b"]).explicit == (3, 2)


def test_pruned_models():
    model = estimate([*LM, "no", "no"], 3, prune=(0, 1)).model
    result = model_overlap(model, ["no", "go on"])
    assert (result.sentences_covered, result.explicit) == (1, (5, 2, 1))


def test_no_test():
    """An overlap without test texts is refused."""
    for function, source in ((text_overlap, LM), (model_overlap, estimate(LM, 2).model)):
        with pytest.raises(DataError, match="needs test texts"):
            function(source, [], *([2] if function is text_overlap else []))
