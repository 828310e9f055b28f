"""Division of a corpus into training, development and test part, which depends on names alone."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

from asr.errors import ConfigError, DataError

PARTS = ("train", "dev", "test")


def split(
    keys: Iterable[str], dev_share: float = 0.1, test_share: float = 0.1, seed: int = 0
) -> dict[str, str]:
    """Return the part ("train", "dev" or "test") of each of the distinct ``keys``, which are names
    of speakers or of files.

    Each key has a place between 0 and 1 that depends only on the key and on ``seed``: keys with
    places below ``test_share`` are the test part, and the next ``dev_share`` are the development
    part. So a key that is added moves no other. Only if no place falls into a part, the nearest key
    goes there.

    >>> split(["ann", "bob", "cid", "dan"], dev_share=0.25, test_share=0.25)
    {'dan': 'test', 'ann': 'dev', 'cid': 'train', 'bob': 'train'}

    Raises:
        ConfigError: the shares are not above 0, or leave nothing to train on.
        DataError: there are fewer than three keys.
    """
    if not (dev_share > 0 and test_share > 0 and dev_share + test_share < 1):
        raise ConfigError(
            f"the shares of dev and test are {dev_share:g} and {test_share:g}, need to be above 0 "
            "and together below 1"
        )
    places = sorted((place(key, seed), key) for key in set(keys))
    if len(places) < len(PARTS):
        raise DataError(
            f"cannot divide {len(places)} names into {', '.join(PARTS)}: needs at least "
            f"{len(PARTS)}"
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
    """Return the place of a key: a number between 0 and 1, uniformly distributed over keys."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
