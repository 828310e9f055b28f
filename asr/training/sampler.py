"""The sampler: batches of items of similar length, of limited total length, on every rank."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from asr.training.config import SilenceConfig
from asr.training.seeding import rng

NO_SILENCE = SilenceConfig()
JITTER = 0.03
"""Durations are scaled by up to 1 ± this before they are sorted, so that batches differ from epoch
to epoch even if speeds do not; it costs about as much padding."""
BLOCK = 1 << 20
"""The numbers that are computed at a time where there may be millions, so as to hold no copies."""


@dataclass(frozen=True)
class MicroBatch:
    """The items that one rank computes at once.

    ``indices`` point into the dataset; ``speeds`` and ``silences`` (s) are those of the utterances.
    ``index`` counts the micro-batches of the ``epoch``; ``utterances`` is the number of utterances
    in the whole step, over all ranks and all micro-batches that are accumulated for it.
    """

    indices: list[int]
    speeds: list[float]
    epoch: int
    index: int
    utterances: int
    silences: list[float]


class BucketBatchSampler(Sampler[MicroBatch]):
    """A sampler of one rank's micro-batches in one epoch, a function of (seed, epoch) alone.

    Utterances are sorted by their duration in seconds at the speed, and with the silence, that are
    drawn for them, and cut into steps: from the longest down, as many as ``batch_seconds`` hold
    with their padding, times the micro-batches of a step. The steps are shuffled; each is dealt to
    ``ranks`` and ``accumulate`` micro-batches in turn, longest first, so that all have nearly
    equal work. A micro-batch can be empty where a step has fewer utterances than parts. Only the
    utterances ``chosen`` are taken, if they are given: their indices, which may repeat.

    Memory: about 20 bytes an utterance while it is made, of which 5 stay; with silence 8 more.

    ``start``: micro-batches to leave out at the beginning; the length is that of the whole epoch.
    ``pool`` is the number of the pool that the utterances are, for other random numbers in each.
    """

    def __init__(
        self,
        durations: Sequence[float] | npt.NDArray[np.float64],
        batch_seconds: float,
        speeds: Sequence[float] = (1.0,),
        seed: int = 0,
        epoch: int = 0,
        start: int = 0,
        accumulate: int = 1,
        rank: int = 0,
        ranks: int = 1,
        silence: SilenceConfig = NO_SILENCE,
        chosen: npt.NDArray[np.int64] | None = None,
        pool: int | None = None,
    ) -> None:
        numbers = (epoch,) if pool is None else (epoch, pool)
        self.epoch, self.start = epoch, start
        self.accumulate, self.rank, self.ranks = accumulate, rank, ranks
        self.chosen = chosen
        self._base = np.asarray(durations, dtype=np.float64)
        self._speeds = np.asarray(speeds)
        count = len(self._base) if chosen is None else len(chosen)
        draw = rng(seed, *numbers, "speeds")
        self._drawn = np.empty(count, np.min_scalar_type(len(speeds)))
        for part in blocks(count):
            self._drawn[part] = draw.integers(len(speeds), size=part.stop - part.start)
        self.silences = _draw_silences(rng(seed, *numbers, "silences"), silence, count)
        keys = np.empty(count)
        for part in blocks(count):
            jitter = draw.uniform(1 - JITTER, 1 + JITTER, part.stop - part.start)
            keys[part] = -self._durations(part) * jitter
        self._order = stable_order(keys)
        for part in blocks(count):
            keys[part] = self._durations(self._order[part])
        steps = _cut(keys, batch_seconds, accumulate * ranks)
        self.steps = steps[rng(seed, *numbers, "steps").permutation(len(steps))]

    @property
    def speeds(self) -> npt.NDArray[np.float64]:
        """(n,) The speeds that are drawn for the utterances."""
        return self._speeds[self._drawn]

    @property
    def padding(self) -> float:
        """Return the share of the epoch's samples, over all ranks, that is padding."""
        parts = (part for step in range(len(self.steps)) for part in self._deal(step))
        padded = sum(len(part) * self._durations(part).max(initial=0) for part in parts)
        return 1 - float(self._durations(slice(None)).sum()) / float(padded)

    def __len__(self) -> int:
        return len(self.steps) * self.accumulate

    def __iter__(self) -> Iterator[MicroBatch]:
        for index in range(self.start, len(self)):
            step = index // self.accumulate
            part = self._deal(step)[index % self.accumulate * self.ranks + self.rank]
            yield MicroBatch(
                (part if self.chosen is None else self.chosen[part]).tolist(),
                self._speeds[self._drawn[part]].tolist(),
                self.epoch,
                index,
                int(self.steps[step, 1] - self.steps[step, 0]),
                self.silences[part].tolist(),
            )

    def _durations(self, part: slice | npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
        """Return the durations of utterances at their speed and with their silence."""
        base = self._base[part if self.chosen is None else self.chosen[part]]
        durations: npt.NDArray[np.float64] = base / self._speeds[self._drawn[part]]
        return durations + self.silences[part]

    def _deal(self, step: int) -> list[npt.NDArray[np.uint32]]:
        parts = self.accumulate * self.ranks
        places = self._order[slice(*self.steps[step])]
        return [places[part::parts] for part in range(parts)]


class PooledBatchSampler(Sampler[MicroBatch]):
    """A sampler of an epoch that takes one pool of tar files after another, so that what is read at
    a time lies close together; a function of (seed, epoch) alone.

    The tar files are shuffled, and ``at_once`` of them are a pool, whose batches are those of a
    :class:`BucketBatchSampler` that ``make`` makes of its utterances and its number. ``tars`` (n,)
    are the numbers of the tar files of the utterances. ``read_ahead`` is called with the numbers of
    a pool's tar files before the pool before it is read.
    """

    def __init__(
        self,
        make: Callable[..., BucketBatchSampler],
        tars: npt.NDArray[np.int32],
        at_once: int,
        seed: int,
        epoch: int,
        start: int = 0,
        chosen: npt.NDArray[np.int64] | None = None,
        read_ahead: Callable[[npt.NDArray[np.int64]], None] = lambda tars: None,
    ) -> None:
        self._make, self._chosen, self._read_ahead = make, chosen, read_ahead
        self.start = start
        numbers = tars if chosen is None else tars[chosen]
        self._order = stable_order(numbers)
        self._ends = np.cumsum(np.bincount(numbers))
        shuffled = rng(seed, epoch, "tars").permutation(len(self._ends))
        self.pools = [shuffled[i : i + at_once] for i in range(0, len(shuffled), at_once)]
        self._begins = np.cumsum([0, *(len(self._pool(i)) for i in range(len(self.pools)))])

    def __len__(self) -> int:
        return int(self._begins[-1])

    def __iter__(self) -> Iterator[MicroBatch]:
        for number, begin in enumerate(self._begins[:-1].tolist()):
            if self._begins[number + 1] <= self.start:
                continue
            for ahead in self.pools[number : number + 2]:
                self._read_ahead(ahead)
            pool = self._pool(number, max(0, self.start - begin))
            yield from (replace(micro, index=begin + micro.index) for micro in pool)

    def _pool(self, number: int, start: int = 0) -> BucketBatchSampler:
        parts = [
            self._order[self._ends[tar - 1] if tar else 0 : self._ends[tar]]
            for tar in self.pools[number].tolist()
        ]
        places = np.sort(np.concatenate(parts)).astype(np.int64)
        chosen = places if self._chosen is None else self._chosen[places]
        return self._make(chosen=chosen, pool=number, start=start)


def _draw_silences(
    draw: np.random.Generator, silence: SilenceConfig, count: int
) -> npt.NDArray[np.float64]:
    if not silence.probability:
        return np.broadcast_to(0.0, count)
    silent = np.empty(count, bool)
    for part in blocks(count):
        silent[part] = draw.random(part.stop - part.start) < silence.probability
    silences = np.empty(count)
    for part in blocks(count):
        seconds = draw.uniform(*silence.seconds, part.stop - part.start)
        silences[part] = np.where(silent[part], seconds, 0.0)
    return silences


def blocks(count: int) -> Iterator[slice]:
    """Yield the ranges of :data:`BLOCK` numbers that ``count`` numbers are computed in.

    A generator gives the same numbers in blocks as at once.
    """
    return (slice(begin, min(begin + BLOCK, count)) for begin in range(0, count, BLOCK))


def stable_order(keys: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Return the indices that sort ``keys`` (n,), equal ones in their order.

    It is numpy's stable ``argsort`` in a quarter of its memory: of many keys, those between two
    bounds are sorted at a time.
    """
    if len(keys) <= BLOCK:
        return np.argsort(keys, kind="stable").astype(np.uint32)
    parts = len(keys) // BLOCK + 1
    sample = np.sort(keys[:: len(keys) // BLOCK + 1])
    bounds = sample[len(sample) * np.arange(1, parts) // parts]
    belongs = np.empty(len(keys), np.min_scalar_type(parts))
    for part in blocks(len(keys)):
        belongs[part] = np.searchsorted(bounds, keys[part], side="right")
    order = np.empty(len(keys), np.uint32)
    first = 0
    for number in range(parts):
        found = np.flatnonzero(belongs == number)
        order[first : first + len(found)] = found[np.argsort(keys[found], kind="stable")]
        first += len(found)
    return order


def _cut(
    durations: npt.NDArray[np.float64], batch_seconds: float, parts: int
) -> npt.NDArray[np.int64]:
    """Cut ``durations`` (nearly descending) into ranges (r, 2), each of whose ``parts`` shares
    fits."""
    borders = array("q", [0])
    first = 0
    while first < len(durations):
        count = max(1, int(batch_seconds / durations[first])) if durations[first] > 0 else 1
        longest = durations[first : first + count * parts].max()
        if longest > durations[first]:
            count = max(1, int(batch_seconds / longest))
        first = min(first + count * parts, len(durations))
        borders.append(first)
    found = np.frombuffer(borders, np.int64)
    return np.stack([found[:-1], found[1:]], axis=1)
