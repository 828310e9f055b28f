"""The readable form loses no word and invents none, whatever the words are."""

import pytest
from complete_tokens import assert_complete, assert_spans
from hypothesis import given, settings
from hypothesis import strategies as st
from taggers import make_tagger

from asr.display.dictated import without_inner_marks
from asr.display.readable import MEMORY, Reader
from asr.display.tagger import Tagger, Tags

NUMBERS = "one two twenty hundred and of may p m a first nineteen point dollars percent".split()
WORD = st.one_of(st.sampled_from(NUMBERS), st.text(min_size=1, max_size=6))
PAUSE = st.one_of(st.none(), st.floats(0, 20))
PART = st.lists(st.tuples(WORD, PAUSE), max_size=12)


class Witness:
    """A tagger that remembers what it said last."""

    def __init__(self, tagger):
        self.tagger = tagger
        self.language, self.mixed = tagger.language, tagger.mixed

    def tag(self, words, pauses):
        self.words, self.tags = words, self.tagger.tag(words, pauses)
        return self.tags


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """A tagger that says anything."""
    return Witness(Tagger(make_tagger(tmp_path_factory.mktemp("tagger"), mark=None)))


def divided(part):
    """Return the words and the pauses of a part."""
    return [word for word, _ in part], [pause for _, pause in part]


def test_it_says_anything(tagger):
    tags = tagger.tag(NUMBERS * 20, [None] * 20 * len(NUMBERS))
    assert len({*tags.marks}) >= 4 and len({*tags.cases}) >= 3


@settings(max_examples=150, deadline=None)
@given(st.lists(PART, max_size=5), PART)
def test_every_part_is_read_whole(tagger, parts, behind):
    reader, before = Reader(tagger), 0
    for first in range(0, len(parts), 2):
        together = [divided(part) for part in parts[first : first + 2]]
        found = reader.read(together, divided(behind))
        assert len(found) == len(together)
        place = before
        for (words, _), tokens in zip(together, found, strict=True):
            if words:
                end = place + len(words)
                marks, cases = tagger.tags.marks[place:end], tagger.tags.cases[place:end]
                marks, _ = without_inner_marks(words, marks, cases)
                assert_complete(words, marks, tokens)
            place += len(words)
            assert tokens or not words
        before = min(place, MEMORY)


@pytest.mark.parametrize(
    "words", [[], ["one"], ["ß"], ["日本"], ["\ud800"], [" "], ["\0"], ["a b"]]
)
def test_few_words(tagger, words):
    (tokens,) = Reader(tagger).read([(words, [None] * len(words))])
    assert_spans(len(words), tokens)


def test_many_words(tagger):
    words = [NUMBERS[index % 17 % len(NUMBERS)] for index in range(50_000)]
    (tokens,) = Reader(tagger).read([(words, [0.1] * 50_000)])
    marks, _ = without_inner_marks(words, tagger.tags.marks, tagger.tags.cases)
    assert_complete(words, marks, tokens)


class Dictator:
    """A tagger that says what it is told."""

    language, mixed = "en", {}

    def __init__(self, marks, cases):
        self.marks, self.cases = marks, cases

    def tag(self, words, pauses):
        return Tags(tuple(self.marks[: len(words)]), tuple(self.cases[: len(words)]))


@pytest.mark.parametrize(
    ("mark", "case", "shown"),
    [
        (".", "lower", "Said"),
        ("?", "lower", "said"),
        ("!", "lower", "said"),
        ("?", "capital", "Said"),
        (",", "lower", "said"),
    ],
)
def test_how_the_next_part_begins(mark, case, shown):
    """A sentence begins behind a full stop; behind ? and ! the tagger knows better ("Is he? said
    Ann")."""
    reader = Reader(Dictator(["", mark, "", ""], ["lower", "lower", case, "capital"]))
    (first,), (second,) = (
        reader.read([(words, [None] * 2)]) for words in (["is", "he"], ["said", "ann"])
    )
    assert " ".join(token.text for token in first) == f"Is he{mark}"
    assert " ".join(token.text for token in second) == f"{shown} Ann"
