"""Utterances as tensors: decoded once, kept as 16-bit samples, batched with zero padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr.audio import Samples, read_audio
from asr.manifest import Utterance
from asr.text import Vocabulary
from asr.training.augment import perturb_speed
from asr.training.seeding import rng


@dataclass(frozen=True)
class Example:
    """One utterance, ready to be batched."""

    id: str
    samples: Samples
    labels: list[int]
    text: str


@dataclass(frozen=True)
class Batch:
    """``waveforms`` (B, samples) zero-padded, ``lengths`` (B,) in samples, ``labels`` (sum of
    ``label_lengths``,) one after another, ``texts`` and ``ids`` of length B."""

    waveforms: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor
    texts: list[str]
    ids: list[str]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on ``device``."""
        return Batch(
            self.waveforms.to(device),
            self.lengths.to(device),
            self.labels.to(device),
            self.label_lengths.to(device),
            self.texts,
            self.ids,
        )


class SpeechDataset(Dataset[Example]):
    """Decoded utterances; with more than one of ``speeds``, each is perturbed by one of them,
    drawn from (seed, epoch, utterance id)."""

    def __init__(
        self,
        utterances: Sequence[Utterance],
        vocabulary: Vocabulary,
        sample_rate: int,
        speeds: Sequence[float] = (1.0,),
        seed: int = 0,
        epoch: int = 0,
    ) -> None:
        self.utterances = utterances
        self.vocabulary = vocabulary
        self.sample_rate = sample_rate
        self.speeds = speeds
        self.seed = seed
        self.epoch = epoch
        self._cache: dict[int, npt.NDArray[np.int16]] = {}

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Example:
        item = self.utterances[index]
        samples = self._samples(index)
        if len(self.speeds) > 1:
            speed = float(rng(self.seed, self.epoch, item.id).choice(self.speeds))
            samples = perturb_speed(samples, speed)
        return Example(item.id, samples, self.vocabulary.encode(item.text), item.text)

    def _samples(self, index: int) -> Samples:
        if index not in self._cache:
            audio = read_audio(self.utterances[index].audio, self.sample_rate).samples
            self._cache[index] = np.round(audio * 32767).clip(-32768, 32767).astype(np.int16)
        return self._cache[index].astype(np.float32) / np.float32(32767)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad waveforms with zeros to the longest of the batch."""
    lengths = [len(example.samples) for example in examples]
    waveforms = np.zeros((len(examples), max(lengths)), dtype=np.float32)
    for row, example in zip(waveforms, examples, strict=True):
        row[: len(example.samples)] = example.samples
    return Batch(
        waveforms=torch.from_numpy(waveforms),
        lengths=torch.tensor(lengths),
        labels=torch.tensor([label for example in examples for label in example.labels]),
        label_lengths=torch.tensor([len(example.labels) for example in examples]),
        texts=[example.text for example in examples],
        ids=[example.id for example in examples],
    )
