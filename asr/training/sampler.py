"""The sampler: batches of items of similar length, of limited total length, on every rank."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from asr.training.config import SilenceConfig
from asr.training.seeding import rng

NO_SILENCE = SilenceConfig()
JITTER = 0.03
"""Durations are scaled by up to 1 ± this before they are sorted, so that batches differ from epoch
to epoch even if speeds do not; it costs about as much padding."""


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

    ``start``: micro-batches to leave out at the beginning; the length is that of the whole epoch.
    """

    def __init__(
        self,
        durations: Sequence[float],
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
    ) -> None:
        self.epoch, self.start = epoch, start
        self.accumulate, self.rank, self.ranks = accumulate, rank, ranks
        self.items = np.arange(len(durations)) if chosen is None else chosen
        base = np.asarray(durations, dtype=np.float64)[self.items]
        draw = rng(seed, epoch, "speeds")
        self.speeds = np.asarray(speeds)[draw.integers(len(speeds), size=len(base))]
        quiet = rng(seed, epoch, "silences")
        silent = quiet.random(len(base)) < silence.probability
        self.silences = np.where(silent, quiet.uniform(*silence.seconds, len(base)), 0.0)
        self.durations = base / self.speeds + self.silences
        jitter = draw.uniform(1 - JITTER, 1 + JITTER, len(base))
        order = np.argsort(-self.durations * jitter, kind="stable")
        steps = _cut(self.durations[order], batch_seconds, accumulate * ranks)
        self.steps = [order[first:last] for first, last in steps]
        shuffled = rng(seed, epoch, "steps").permutation(len(self.steps))
        self.steps = [self.steps[i] for i in shuffled]

    @property
    def padding(self) -> float:
        """Return the share of the epoch's samples, over all ranks, that is padding."""
        parts = (part for step in self.steps for part in self._deal(step))
        padded = sum(len(part) * self.durations[part].max(initial=0) for part in parts)
        return 1 - float(self.durations.sum()) / float(padded)

    def __len__(self) -> int:
        return len(self.steps) * self.accumulate

    def __iter__(self) -> Iterator[MicroBatch]:
        for index in range(self.start, len(self)):
            step = self.steps[index // self.accumulate]
            part = self._deal(step)[index % self.accumulate * self.ranks + self.rank]
            yield MicroBatch(
                self.items[part].tolist(),
                self.speeds[part].tolist(),
                self.epoch,
                index,
                len(step),
                self.silences[part].tolist(),
            )

    def _deal(self, step: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
        parts = self.accumulate * self.ranks
        return [step[part::parts] for part in range(parts)]


def _cut(
    durations: npt.NDArray[np.float64], batch_seconds: float, parts: int
) -> list[tuple[int, int]]:
    """Cut ``durations`` (nearly descending) into ranges, each of whose ``parts`` shares fits."""
    ranges = []
    first = 0
    while first < len(durations):
        count = max(1, int(batch_seconds / durations[first])) if durations[first] > 0 else 1
        longest = durations[first : first + count * parts].max()
        if longest > durations[first]:
            count = max(1, int(batch_seconds / longest))
        last = min(first + count * parts, len(durations))
        ranges.append((first, last))
        first = last
    return ranges
