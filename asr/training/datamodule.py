"""The batches of a run from the place where it stands, of utterances or of sentences."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, takewhile
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from asr.prefetch import prefetch_map
from asr.training.config import EngineConfig, SilenceConfig
from asr.training.processes import Processes, processes_of
from asr.training.sampler import NO_SILENCE, BucketBatchSampler, MicroBatch, PooledBatchSampler

Lengths = Sequence[float] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pools:
    """The pools of tar files of a :class:`asr.training.sampler.PooledBatchSampler`."""

    tars: npt.NDArray[np.int32]
    at_once: int
    read_ahead: Callable[[npt.NDArray[np.int64]], None]


class BucketData(lightning.LightningDataModule):
    """Training and development batches of items of similar length.

    Training batches depend on (seed, epoch, position) alone. The datasets make batches of a
    :class:`asr.training.sampler.MicroBatch`; ``lengths`` are those of their items, and ``limit`` is
    the total length of a micro-batch with its padding. ``choose`` gives the indices of the items of
    an epoch; without it an epoch has all of them, in ``pools`` if there are any.
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
        pools: Pools | None = None,
    ) -> None:
        super().__init__()
        self.train, self.dev = train, dev
        self.lengths, self.dev_lengths = lengths, dev_lengths
        self.limit, self.options, self.seed = limit, options, seed
        self.speeds, self.silence, self.choose = speeds, silence, choose
        self.pools = pools
        self.processes = processes_of(options)
        self.changes: list[dict[str, int]] = []
        self._before: Processes | None = None

    def begun_with(self, before: Processes) -> None:
        """Note the processes that the run has begun with: checkpoints of earlier versions do not
        say which there were."""
        self._before = before

    def state_dict(self) -> dict[str, Any]:
        """Return the processes of the run, and those that it had before."""
        return {"processes": asdict(self.processes), "changes": self.changes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint kept."""
        self.changes = list(state_dict["changes"])
        self._before = Processes(**state_dict["processes"])

    def _take_over(self, before: Processes, in_epoch: bool) -> None:
        """Go on with other processes than those ``before``: count the micro-batches of the epoch as
        they do, and say so."""
        assert self.trainer is not None
        if in_epoch:
            done = self.trainer.fit_loop.epoch_loop.batch_progress.current
            # A checkpoint is written before its last micro-batch counts as completed.
            more = self.processes.micro_batch(before, done.ready) - done.ready
            for name in ("ready", "started", "processed", "completed"):
                setattr(done, name, getattr(done, name) + more)
        place = {"epoch": self.trainer.current_epoch + 1, "step": self.trainer.global_step}
        self.changes.append(place | asdict(self.processes))
        if before.parts == self.processes.parts:
            steps = "steps hold the same utterances"
        else:
            steps = (
                f"steps hold {self.processes.parts} micro-batches and not {before.parts}, so that "
                "they are others, and of an epoch that has begun some come twice or not at all"
            )
        if self.trainer.is_global_zero:
            message = f"going on with {self.processes}; before it was {before}: {steps}"
            print(message, file=sys.stderr)

    def train_dataloader(self) -> "DataLoader[Any] | Prefetched":
        """Return the batches that are left of the trainer's current epoch."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        started = loop.epoch_progress.current
        epoch = self.trainer.current_epoch
        in_epoch = started.started > started.processed  # type: ignore[attr-defined]
        if self._before is not None and self._before != self.processes:
            self._take_over(self._before, in_epoch)
        self._before = None
        start = loop.epoch_loop.batch_progress.current.ready if in_epoch else 0
        chosen = self.choose(epoch) if self.choose else None
        make = partial(
            BucketBatchSampler,
            self.lengths,
            self.limit,
            self.speeds,
            self.seed,
            epoch=epoch,
            accumulate=self.options.accumulate,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
            silence=self.silence,
        )
        sampler: Sampler[MicroBatch]
        if self.pools is None:
            sampler = make(start=start, chosen=chosen)
        else:
            pools = self.pools
            sampler = PooledBatchSampler(
                make, pools.tars, pools.at_once, self.seed, epoch, start, chosen, pools.read_ahead
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

    def _loader(self, dataset: Dataset[Any], sampler: Sampler[MicroBatch]) -> DataLoader[Any]:
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
