"""The batches of a run from the place where it stands, of utterances or of sentences."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, takewhile
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from asr.prefetch import prefetch_map
from asr.training.config import EngineConfig, SilenceConfig
from asr.training.sampler import NO_SILENCE, BucketBatchSampler

Lengths = Sequence[float] | npt.NDArray[np.float64]


class BucketData(lightning.LightningDataModule):
    """Training and development batches of items of similar length.

    Training batches depend on (seed, epoch, position) alone. The datasets make batches of a
    :class:`asr.training.sampler.MicroBatch`; ``lengths`` are those of their items, and ``limit`` is
    the total length of a micro-batch with its padding. ``choose`` gives the indices of the items of
    an epoch; without it an epoch has all of them.
    """

    def __init__(
        self,
        train: Dataset[Any],
        dev: Dataset[Any],
        lengths: Lengths,
        dev_lengths: Lengths,
        limit: float,
        options: EngineConfig,
        seed: int,
        speeds: Sequence[float] = (1.0,),
        silence: SilenceConfig = NO_SILENCE,
        choose: Callable[[int], npt.NDArray[np.int64]] | None = None,
    ) -> None:
        super().__init__()
        self.train, self.dev = train, dev
        self.lengths, self.dev_lengths = lengths, dev_lengths
        self.limit, self.options, self.seed = limit, options, seed
        self.speeds, self.silence, self.choose = speeds, silence, choose

    def train_dataloader(self) -> "DataLoader[Any] | Prefetched":
        """Return the batches that are left of the trainer's current epoch."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        started = loop.epoch_progress.current
        epoch = self.trainer.current_epoch
        in_epoch = started.started > started.processed  # type: ignore[attr-defined]
        sampler = BucketBatchSampler(
            self.lengths,
            self.limit,
            self.speeds,
            self.seed,
            epoch=epoch,
            start=loop.epoch_loop.batch_progress.current.ready if in_epoch else 0,
            accumulate=self.options.accumulate,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
            silence=self.silence,
            chosen=self.choose(epoch) if self.choose else None,
        )
        loader = self._loader(self.train, sampler)
        return loader if self.options.workers else Prefetched(loader)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches with every item of the development set once, over all ranks."""
        assert self.trainer is not None
        sampler = BucketBatchSampler(
            self.dev_lengths,
            self.limit,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        return self._loader(self.dev, sampler)

    def _loader(self, dataset: Dataset[Any], sampler: BucketBatchSampler) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_sampler=sampler,  # type: ignore[arg-type]
            collate_fn=_as_it_is,
            num_workers=self.options.workers,
            pin_memory=torch.cuda.is_available(),
        )

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch to the model's device."""
        return batch.to(device)


class Prefetched:
    """The batches of a loader, each of which a thread makes while the one before is computed.

    A process that ends within an epoch waits for the batch that is being made.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        made = prefetch_map(lambda _: next(batches, None), count(), threads=1, count=2)
        return takewhile(lambda batch: batch is not None, made)


def _as_it_is(batch: Any) -> Any:
    return batch
