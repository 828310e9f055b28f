"""Batches of utterances of similar length, in an order that depends on (seed, epoch) alone."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from asr.training.seeding import rng

JITTER = 0.15
"""Durations are scaled by 1 ± this before sorting, so that batches differ from epoch to epoch."""


class BucketBatchSampler(Sampler[list[int]]):
    """Index lists of at most ``batch_size`` utterances of similar duration (s), shuffled by batch.

    ``epoch`` is set by whoever iterates; the number of batches is the same in every epoch.
    """

    def __init__(self, durations: Sequence[float], batch_size: int, seed: int, epoch: int = 0):
        self.durations = np.asarray(durations)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.durations) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = rng(self.seed, self.epoch, "batches")
        scale = generator.uniform(1 - JITTER, 1 + JITTER, len(self.durations))
        order = np.argsort(self.durations * scale, kind="stable")
        batches = [batch.tolist() for batch in np.array_split(order, len(self))]
        for index in generator.permutation(len(batches)):
            yield batches[index]
