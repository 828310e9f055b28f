"""Training, development and test part, the same whenever and in whatever order they are made."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

from asr.errors import ConfigError, DataError

PARTS = ("train", "dev", "test")


def split(
    keys: Iterable[str], dev_share: float = 0.1, test_share: float = 0.1, seed: int = 0
) -> dict[str, str]:
    """The part of each of the distinct ``keys``, which are names of speakers or of files.

    A key has a place between 0 and 1 that depends on it and on ``seed`` alone: places below
    ``test_share`` are the test, the next ``dev_share`` are the development part. So a key that is
    added moves no other. Only where no place falls into a part does the nearest key go there.

    Raises:
        ConfigError: shares that are not above 0, or leave nothing to train on.
        DataError: fewer than three keys.
    """
    if not (dev_share > 0 and test_share > 0 and dev_share + test_share < 1):
        raise ConfigError(
            f"the shares of dev and test are {dev_share:g} and {test_share:g}, need to be above 0 "
            "and together below 1"
        )
    places = sorted((place(key, seed), key) for key in set(keys))
    if len(places) < len(PARTS):
        raise DataError(
            f"{len(places)} to divide into {', '.join(PARTS)}: needs {len(PARTS)} at least"
        )
    tests = max(1, bisect_left(places, (test_share, "")))
    others = max(tests + 1, bisect_left(places, (test_share + dev_share, "")))
    others = min(others, len(places) - 1)
    tests = min(tests, others - 1)
    return {
        key: "test" if index < tests else "dev" if index < others else "train"
        for index, (_, key) in enumerate(places)
    }


def place(key: str, seed: int = 0) -> float:
    """A number between 0 and 1, uniform over keys."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
