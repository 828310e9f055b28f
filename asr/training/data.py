"""The batches of a run, from wherever it stands."""

from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader

from asr.audio import Samples
from asr.config import Config
from asr.errors import AudioError
from asr.manifest import read_manifest
from asr.training.augment import Augmenter, Draw
from asr.training.cache import AudioCache, cached_share
from asr.training.dataset import Batch, SpeechDataset
from asr.training.preparation import Corpus
from asr.training.sampler import BucketBatchSampler

TRIES = 10
"""Draws of a random recording before an unreadable one is an error."""


class SpeechData(lightning.LightningDataModule):
    """Training batches that depend on (seed, epoch, position) alone, and development batches."""

    def __init__(self, config: Config, corpus: Corpus) -> None:
        super().__init__()
        self.config = config
        rate = config.features.sample_rate
        cache = AudioCache(Path(config.data.cache), rate)
        self.dev_durations, self.durations = (
            [item.duration for item in items] for items in (corpus.dev, corpus.train)
        )
        every = cached_share(
            [*self.dev_durations, *self.durations], rate, config.data.cache_gigabytes
        )
        self.dev = SpeechDataset(corpus.dev, corpus.vocabulary, config.num_frames, cache, every)
        self.train = SpeechDataset(
            corpus.train,
            corpus.vocabulary,
            config.num_frames,
            cache,
            every - len(corpus.dev),
            seed=config.seed,
        )
        self.train.augmenter = Augmenter(
            config.augment, rate, _draw_from(self.train), self._draw_noise(cache)
        )

    def _draw_noise(self, cache: AudioCache) -> Draw | None:
        if not self.config.augment.noise.manifest:
            return None
        items = read_manifest(self.config.augment.noise.manifest)
        vocabulary = self.train.vocabulary
        return _draw_from(
            SpeechDataset(items, vocabulary, self.config.num_frames, cache, len(items))
        )

    def train_dataloader(self) -> DataLoader[Any]:
        """What is left of the trainer's current epoch."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        started = loop.epoch_progress.current
        in_epoch = started.started > started.processed  # type: ignore[attr-defined]
        options = self.config.training
        sampler = BucketBatchSampler(
            self.durations,
            options.batch_seconds,
            self.config.augment.speeds,
            self.config.seed,
            epoch=self.trainer.current_epoch,
            start=loop.epoch_loop.batch_progress.current.ready if in_epoch else 0,
            accumulate=options.accumulate,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        return self._loader(self.train, sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        """Every development utterance once, over all ranks."""
        assert self.trainer is not None
        sampler = BucketBatchSampler(
            self.dev_durations,
            self.config.training.batch_seconds,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        return self._loader(self.dev, sampler)

    def _loader(self, dataset: SpeechDataset, sampler: BucketBatchSampler) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_sampler=sampler,  # type: ignore[arg-type]
            collate_fn=_as_it_is,  # type: ignore[arg-type]
            num_workers=self.config.training.workers,
            pin_memory=torch.cuda.is_available(),
        )

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move a batch to the model's device."""
        return batch.to(device)


def _draw_from(dataset: SpeechDataset) -> Draw:
    def draw(rng: Any) -> Samples:
        for attempt in range(TRIES):
            try:
                return dataset.read(int(rng.integers(len(dataset))))
            except AudioError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError

    return draw


def _as_it_is(batch: Batch) -> Batch:
    return batch
