"""The dataset of utterances: batches of tensors, padded with zeros.

Utterances whose audio cannot be used are left out of a batch and named in it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr.audio.read import Samples
from asr.data.manifest import Utterance
from asr.errors import AudioError
from asr.prefetch import prefetch_map
from asr.text import Vocabulary, min_frames
from asr.training.augment import Augmenter
from asr.training.cache import AudioCache
from asr.training.sampler import MicroBatch
from asr.training.seeding import rng

DURATION_TOLERANCE = 0.5
"""The difference in seconds between manifest and audio beyond which the text can hardly be that of
the audio; a tenth of the utterance if that is more."""
READERS = 32
"""The utterances of a batch that are read at once where storage is slow to answer: while it has one
to find, it finds others too."""
PATIENCE = 0.1
"""The seconds of waiting in a batch after which storage is taken to be slow. So many threads would
take a tenth of the speed of training on two cores from storage that answers at once."""


@dataclass(frozen=True)
class Batch:
    """A batch of utterances.

    ``waveforms`` (B, samples) are padded with zeros, ``lengths`` (B,) are in samples, ``labels``
    (sum of ``label_lengths``,) stand one after another, ``texts`` and ``ids`` have length B.
    ``rejected`` are the utterances that belong here but cannot be used, each with the reason. A
    batch of which none is left holds silence without an id, so that every rank has something to
    compute.
    """

    waveforms: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor
    texts: list[str]
    ids: list[str]
    epoch: int
    index: int
    utterances: int
    rejected: tuple[tuple[Utterance, str], ...] = ()

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on ``device``."""
        return replace(
            self,
            waveforms=self.waveforms.to(device, non_blocking=True),
            lengths=self.lengths.to(device, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
            label_lengths=self.label_lengths.to(device, non_blocking=True),
        )

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory, from which a GPU copies faster."""
        return replace(
            self,
            waveforms=self.waveforms.pin_memory(),
            lengths=self.lengths.pin_memory(),
            labels=self.labels.pin_memory(),
            label_lengths=self.label_lengths.pin_memory(),
        )


class SpeechDataset(Dataset[Batch]):
    """A dataset that makes the :class:`Batch` of a :class:`MicroBatch`.

    What an ``augmenter`` draws depends on (seed, epoch, utterance id) alone. ``num_frames`` gives
    the encoder's frames for a number of samples; the first ``cached`` utterances are kept in
    ``cache``, the others are decoded each time.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        vocabulary: Vocabulary,
        num_frames: Callable[[int], int],
        cache: AudioCache,
        cached: int = 0,
        augmenter: Augmenter | None = None,
        seed: int = 0,
    ) -> None:
        self.utterances = utterances
        self.vocabulary = vocabulary
        self.num_frames = num_frames
        self.cache = cache
        self.cached = cached
        self.uncached = AudioCache(None, cache.sample_rate)
        self.augmenter = augmenter
        self.seed = seed

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitems__(self, micro: MicroBatch) -> Batch:
        waveforms: list[Samples] = []
        labels: list[list[int]] = []
        used: list[Utterance] = []
        rejected: list[tuple[Utterance, str]] = []
        found = self._read_each(micro.indices)
        drawn = zip(micro.indices, micro.speeds, micro.silences, found, strict=True)
        for index, speed, silence, samples in drawn:
            item = self.utterances[index]
            if isinstance(samples, AudioError):
                rejected.append((item, str(samples)))
                continue
            duration = len(samples) / self.cache.sample_rate
            if abs(duration - item.duration) > max(DURATION_TOLERANCE, 0.1 * item.duration):
                reason = f"{item.duration:.2f} s in the manifest, the audio has {duration:.2f} s"
                rejected.append((item, reason))
                continue
            if self.augmenter is not None:
                generator = rng(self.seed, micro.epoch, item.id, "augment")
                samples = self.augmenter(samples, speed, generator, silence)
            ids = self.vocabulary.encode(item.text)
            frames = self.num_frames(len(samples))
            if frames == 0 or frames < min_frames(ids):
                reason = f"{len(ids)} characters do not fit in {duration:.2f} s of audio"
                rejected.append((item, reason))
                continue
            waveforms.append(samples)
            labels.append(ids)
            used.append(item)
        return _pad(waveforms, labels, used, micro, rejected, self.cache.sample_rate)

    def _read_each(self, indices: Sequence[int]) -> Iterator[Samples | AudioError]:
        """Yield what reading each utterance gives, in their order."""
        waited = 0.0
        for place, index in enumerate(indices):
            if waited > PATIENCE:
                yield from prefetch_map(self._try, indices[place:], READERS, READERS)
                return
            waited -= time.perf_counter() - time.thread_time()
            found = self._try(index)
            waited += time.perf_counter() - time.thread_time()
            yield found

    def _try(self, index: int) -> Samples | AudioError:
        try:
            return self.read(index)
        except AudioError as error:
            return error

    def read(self, index: int) -> Samples:
        """Return the samples (n,) of an utterance as they are, without augmentation.

        Raises:
            AudioError: the audio cannot be used.
        """
        cache = self.cache if index < self.cached else self.uncached
        return cache.read(self.utterances[index])


def _pad(
    waveforms: list[Samples],
    labels: list[list[int]],
    used: list[Utterance],
    micro: MicroBatch,
    rejected: list[tuple[Utterance, str]],
    sample_rate: int,
) -> Batch:
    if not waveforms:
        waveforms, labels = [np.zeros(sample_rate // 10, np.float32)], [[]]
    lengths = [len(samples) for samples in waveforms]
    padded = np.zeros((len(waveforms), max(lengths)), dtype=np.float32)
    for row, samples in zip(padded, waveforms, strict=True):
        row[: len(samples)] = samples
    return Batch(
        waveforms=torch.from_numpy(padded),
        lengths=torch.tensor(lengths),
        labels=torch.tensor([label for ids in labels for label in ids], dtype=torch.int64),
        label_lengths=torch.tensor([len(ids) for ids in labels]),
        texts=[item.text for item in used],
        ids=[item.id for item in used],
        epoch=micro.epoch,
        index=micro.index,
        utterances=micro.utterances,
        rejected=tuple(rejected),
    )
