"""The mix of an epoch: how long it is, and how much of it each set of utterances has.

Without a mix an epoch takes every utterance once. With one it is as long as wanted, whatever there
is of each set: synthetic speech is balanced with real speech, small sets are heard more often, and
sets may grow while a run is stopped. A mix is a TOML file:

    hours = 4.0

    [shares]
    synthetic = 0.5

    [weights]
    books = 2.0
    commands = 0.5

A set among the ``shares`` has that share of an epoch. The others divide what is left in proportion
to their durations times their ``weights``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from asr.config import read_values, require
from asr.data.manifest import Utterance
from asr.training.seeding import rng
from asr.training.utterances import Indices, durations_of, places_in_sets, total

HOURS, SHARES, WEIGHTS = "hours", "shares", "weights"


class Mix:
    """The utterances of every epoch, a function of (seed, epoch) alone.

    Each set is shuffled, and one epoch after the other takes its part; a set that is exhausted is
    shuffled anew.

    Raises:
        ConfigError: the file cannot be read, or does not fit the sets of the utterances.
    """

    def __init__(self, path: str | Path, utterances: Sequence[Utterance], seed: int) -> None:
        self.seed = seed
        sets = places_in_sets(utterances)
        durations = durations_of(utterances)
        self.sets = {name: sets[name] for name in sorted(sets)}
        self.hours = {name: total(durations[places]) / 3600 for name, places in sets.items()}
        length, self.shares = _read(path, self.hours)
        self.counts = {
            name: round(len(indices) * self.shares[name] * length / self.hours[name])
            for name, indices in self.sets.items()
        }
        require(any(self.counts.values()), f"{path}: an epoch of {length:g} hours has no utterance")

    def __call__(self, epoch: int) -> Indices:
        """Return the indices of an epoch's utterances (the first epoch is 0), in ascending order;
        an utterance of a small set may stand there more than once."""
        chosen = []
        for name, indices in self.sets.items():
            count, size = self.counts[name], len(indices)
            first, last = epoch * count, (epoch + 1) * count
            for turn in range(first // size, -(-last // size)):
                order = rng(self.seed, turn, name, "mix").permutation(size)
                begin = turn * size
                chosen.append(indices[order[max(first - begin, 0) : last - begin]])
        return np.sort(np.concatenate(chosen))

    def lines(self) -> list[str]:
        """Return a line for each set that says how much of it an epoch takes."""
        return [
            f"{name or 'no set'}: {self.hours[name]:.2f} h, {100 * self.shares[name]:.1f} % of an "
            f"epoch, {count} utterances"
            for name, count in self.counts.items()
        ]


def _read(path: str | Path, hours: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Return the hours of an epoch, and each set's share of it."""
    values = read_values(path)
    known = (HOURS, SHARES, WEIGHTS)
    for key in values:
        require(key in known, f"{path}: unknown key {key}; known here: {', '.join(known)}")
    length = _number(values.get(HOURS), f"{path}: {HOURS}")
    require(length > 0, f"{path}: {HOURS} is {length:g}, needs > 0")
    shares, weights = (_numbers(values.get(key, {}), f"{path}: {key}") for key in (SHARES, WEIGHTS))
    named = [*shares, *weights]
    for name in named:
        require(name in hours, f"{path}: no utterance is of the set {name!r}")
        require(named.count(name) == 1, f"{path}: {name!r} has both a share and a weight")
    for name in hours:
        require(name in named, f"{path}: the set {name!r} has neither a share nor a weight")
    rest = 1 - sum(shares.values())
    total = sum(hours[name] * weight for name, weight in weights.items())
    require(
        rest >= 0 and (total > 0) == (rest > 0),
        f"{path}: the {SHARES} add up to {1 - rest:g}; the sets with {WEIGHTS} get the rest",
    )
    part = rest / total if total else 0.0
    return length, shares | {name: part * hours[name] * weight for name, weight in weights.items()}


def _numbers(values: object, name: str) -> dict[str, float]:
    require(isinstance(values, dict), f"{name} is {values!r}, needs a table of sets and numbers")
    assert isinstance(values, dict)
    return {key: _number(value, f"{name}.{key}") for key, value in values.items()}


def _number(value: object, name: str) -> float:
    require(
        isinstance(value, int | float) and not isinstance(value, bool) and value >= 0,
        f"{name} is {value!r}, needs a number >= 0",
    )
    return float(value)  # type: ignore[arg-type]
