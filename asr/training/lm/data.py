"""The data of a language model's run: sentences as batches of ids."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr.data.texts import read_texts
from asr.errors import DataError
from asr.lm.ngram import END, SPACE, START, UNKNOWN, split_units
from asr.training.datamodule import BucketData
from asr.training.lm.config import LmConfig, TextConfig
from asr.training.sampler import MicroBatch
from asr.training.tokens import PADDING


@dataclass(frozen=True)
class Texts:
    """The words of a model, and the sentences to train on and to choose by as their ids."""

    unit: str
    words: tuple[str, ...]
    train: list[list[int]]
    dev: list[list[int]]


def read(config: TextConfig, words: tuple[str, ...] = ()) -> Texts:
    """Read the texts and number their units, ``</s>`` and ``<unk>`` first; ``words`` are those of a
    run that goes on.

    Raises:
        DataError: no texts, a file that cannot be read, or one that holds a marker as a word.
    """
    if not config.train or not config.dev:
        raise DataError(
            "a language model needs texts to train on and others to choose the epoch by: "
            "asr lm train TEXT --dev TEXT"
        )
    unit = "word" if config.unit == "word" else "token"
    train, dev = (
        [split_units(text, unit) for path in paths for text in read_texts(path)]
        for paths in (config.train, config.dev)
    )
    if config.vocabulary:
        known: Iterable[str] = read_texts(config.vocabulary)
    else:
        counts = Counter(chain.from_iterable(train))
        known = (word for word, count in counts.items() if count >= config.min_count)
    special = {END, START, UNKNOWN}
    if special & set(chain.from_iterable(train)):
        raise DataError(f"the texts hold {START} or {END} as a word; take these markers out")
    words = words or (END, UNKNOWN, *sorted({*known} - special))
    if unit == "word" and SPACE in words:
        raise DataError(f"the texts hold {SPACE} as a word, which only models of characters have")
    ids = {word: index for index, word in enumerate(words)}

    def number(texts: list[list[str]]) -> list[list[int]]:
        return [[ids.get(word, 1) for word in text] for text in texts]

    return Texts(unit, words, number(train), number(dev))


@dataclass(frozen=True)
class TextBatch:
    """A batch of sentences: ``tokens`` (B, T) and the ``targets`` (B, T) that follow them.

    Behind each of ``lengths`` (B,), targets are :data:`asr.training.tokens.PADDING`.
    """

    tokens: Tensor
    targets: Tensor
    lengths: Tensor
    ids: list[str]
    epoch: int
    index: int
    rejected: tuple[()] = ()

    def to(self, device: torch.device) -> "TextBatch":
        """Return the batch on ``device``."""
        return replace(
            self,
            tokens=self.tokens.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
            lengths=self.lengths.to(device, non_blocking=True),
        )

    def pin_memory(self) -> "TextBatch":
        """Return the batch in page-locked memory, from which a GPU copies faster."""
        return replace(
            self,
            tokens=self.tokens.pin_memory(),
            targets=self.targets.pin_memory(),
            lengths=self.lengths.pin_memory(),
        )


class TextDataset(Dataset[TextBatch]):
    """A dataset that makes the :class:`TextBatch` of a :class:`asr.training.sampler.MicroBatch`.

    An empty one gives a batch of no words, so that every rank has something to compute.
    """

    def __init__(self, sentences: Sequence[Sequence[int]]) -> None:
        self.sentences = sentences

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitems__(self, micro: MicroBatch) -> TextBatch:
        rows = [self.sentences[index] for index in micro.indices]
        lengths = [len(row) + 1 for row in rows] or [1]
        tokens = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
        targets = torch.full_like(tokens, PADDING)
        for index, row in enumerate(rows):
            ids = torch.tensor(row, dtype=torch.int64)
            tokens[index, 1 : len(row) + 1] = ids
            targets[index, : len(row)] = ids
            targets[index, len(row)] = 0
        return TextBatch(
            tokens=tokens,
            targets=targets,
            lengths=torch.tensor(lengths),
            ids=[f"sentence {index + 1}" for index in micro.indices],
            epoch=micro.epoch,
            index=micro.index,
        )


class TextData(BucketData):
    """Batches of sentences, by their number of words or characters and the end."""

    def __init__(self, config: LmConfig, texts: Texts) -> None:
        super().__init__(
            TextDataset(texts.train),
            TextDataset(texts.dev),
            [len(row) + 1 for row in texts.train],
            [len(row) + 1 for row in texts.dev],
            config.training.batch_tokens,
            config.training,
            config.seed,
        )
