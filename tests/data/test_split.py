"""The split of names into train, dev and test."""

import numpy as np
import pytest

from asr.data.split import place, split
from asr.errors import ConfigError, DataError

KEYS = [f"s{number}" for number in range(2000)]


def test_split_follows_the_shares():
    parts = split(KEYS, 0.1, 0.2)
    counts = [sum(part == name for part in parts.values()) for name in ("train", "dev", "test")]
    np.testing.assert_allclose(counts, [1400, 200, 400], atol=60)  # more than 3 standard deviations
    assert split(reversed([*KEYS, *KEYS]), 0.1, 0.2) == parts
    assert split(KEYS, 0.1, 0.2, seed=1) != parts
    positions = [place(key) for key in KEYS]
    assert max(abs(np.sort(positions) - (np.arange(2000) + 0.5) / 2000)) < 0.04


def test_keys_that_are_added_move_no_other():
    parts = split(KEYS[:200])
    later = split(KEYS)
    assert all(later[key] == part for key, part in parts.items())


@pytest.mark.parametrize("count", [3, 4, 5, 20])
@pytest.mark.parametrize("shares", [(0.01, 0.01), (0.1, 0.1), (0.4, 0.5), (0.01, 0.9)])
def test_no_part_is_empty(count, shares):
    for first in range(0, 200, count):
        parts = split(KEYS[first : first + count], *shares)
        assert set(parts.values()) == {"train", "dev", "test"}


def test_what_cannot_be_split():
    """Fewer names than parts, and shares that leave a part nothing, are errors."""
    with pytest.raises(
        DataError, match="cannot divide 2 names into train, dev, test: needs at least 3"
    ):
        split(["a", "b", "a"])
    for shares in ((0, 0.1), (0.1, 0), (0.5, 0.5)):
        with pytest.raises(ConfigError, match="the shares of dev and test are"):
            split(KEYS, *shares)
