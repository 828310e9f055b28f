"""A mix gives each set its part of every epoch."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from asr.data.manifest import Utterance
from asr.errors import ConfigError
from asr.training.mix import Mix
from asr.training.sampler import BucketBatchSampler

SETS = {"books": (300, 12.0), "words": (900, 1.0), "synthetic": (100, 6.0)}
"""The number of utterances of each set, and their seconds."""


def utterances():
    """Return the utterances of all sets; the three lie between each other."""
    items = [
        (number / count, name, seconds)
        for name, (count, seconds) in SETS.items()
        for number in range(count)
    ]
    return [
        Utterance(Path("a.wav"), seconds, "yes", f"{name}-{place}", extra={"set": name})
        for place, name, seconds in sorted(items)
    ]


def mix(folder, text, seed=1):
    path = folder / "mix.toml"
    path.write_text(text)
    return Mix(path, utterances(), seed)


MIXED = """
hours = 0.5
[shares]
synthetic = 0.4
[weights]
books = 0.5
words = 2
"""


def test_an_epoch_has_the_hours_and_shares_that_are_wanted(tmp_path):
    """Of half an hour, synthetic speech has 40 %, which is 12 minutes or 120 utterances.

    Books (60 min, weight 0.5) and words (15 min, weight 2) divide the rest equally.
    """
    chosen = mix(tmp_path, MIXED)
    items = utterances()
    counts = Counter(items[index].extra["set"] for index in chosen(0))
    assert counts == chosen.counts == {"synthetic": 120, "books": 45, "words": 540}
    assert sum(items[index].duration for index in chosen(3)) == pytest.approx(0.5 * 3600)
    assert chosen.lines() == [
        "books: 1.00 h, 30.0 % of an epoch, 45 utterances",
        "synthetic: 0.17 h, 40.0 % of an epoch, 120 utterances",
        "words: 0.25 h, 30.0 % of an epoch, 540 utterances",
    ]


def test_every_utterance_of_a_set_comes_before_any_comes_again(tmp_path):
    chosen = mix(tmp_path, MIXED)
    heard = Counter(index for epoch in range(20) for index in chosen(epoch).tolist())
    for name, (count, _) in SETS.items():
        times = [heard[i] for i, item in enumerate(utterances()) if item.extra["set"] == name]
        total = 20 * chosen.counts[name]
        assert sum(times) == total and set(times) <= {total // count, -(-total // count)}


def test_epochs_are_functions_of_the_seed(tmp_path):
    one, same, other = (mix(tmp_path, MIXED, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one(5), same(5))
    assert not np.array_equal(one(5), one(6)) and not np.array_equal(one(5), other(5))


def test_the_sampler_takes_what_is_chosen_and_nothing_else(tmp_path):
    durations = [item.duration for item in utterances()]
    chosen = mix(tmp_path, MIXED)(2)
    dealt = [
        index
        for rank in range(2)
        for micro in BucketBatchSampler(durations, 60.0, rank=rank, ranks=2, chosen=chosen)
        for index in micro.indices
    ]
    assert sorted(dealt) == chosen.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hours = 1", "the set 'books' has neither a share nor a weight"),
        ("hours = 0", "hours is 0, needs > 0"),
        ("", "hours is None, needs a number"),
        ("hours = 1\nsets = 2", "unknown key sets; known here: hours, shares, weights"),
        ("hours = 1\n[weights]\nbook = 1", "no utterance is of the set 'book'"),
        ("hours = 1\n[weights]\nbooks = -1", "weights.books is -1, needs a number >= 0"),
        (
            "hours = 1\n[shares]\nbooks = 0.5\n[weights]\nbooks = 1",
            "'books' has both a share and a weight",
        ),
        (
            "hours = 1\n[shares]\nbooks = 0.9\nwords = 0.3\n[weights]\nsynthetic = 1",
            "the shares add up to 1.2; the sets with weights get the rest",
        ),
        (
            "hours = 1\n[shares]\nbooks = 0.5\nwords = 0.25\nsynthetic = 0.125",
            "the shares add up to 0.875; the sets with weights get the rest",
        ),
        ("hours = 1\nshares = 3", "shares is 3, needs a table of sets and numbers"),
        (
            "hours = 1e-5\n[shares]\nbooks = 1\n[weights]\nwords = 0\nsynthetic = 0",
            "an epoch of 1e-05 hours has no utterance",
        ),
    ],
)
def test_a_mix_that_does_not_fit(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        mix(tmp_path, text)
