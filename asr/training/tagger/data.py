"""The data of a tagger's run: passages of written text as batches of ids."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from asr.data.texts import read_text_lines
from asr.display.features import WIDTH, WordFeatures
from asr.display.written import CASES, MARKS, WrittenWord, read_written
from asr.errors import DataError
from asr.training.datamodule import BucketData
from asr.training.sampler import MicroBatch
from asr.training.seeding import rng
from asr.training.tagger.config import NoiseConfig, TaggerConfig, WrittenConfig
from asr.training.tagger.confusions import HESITATIONS, confusions
from asr.training.tagger.noise import ENDS, Ids, Passage, noisy
from asr.training.tokens import PADDING

STRETCH = 40
"""The most words by which a passage is moved to the beginning and the end of a sentence."""

MIXED_COUNT = 3
"""The times that a word must have capitals inside to be listed with them."""


@dataclass(frozen=True)
class Texts:
    """The words that occur, and the texts to train on and to choose by as their ids.

    ``known`` are the words with an embedding of their own, ``mixed`` the forms with capitals inside
    that a word has most often.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    known: tuple[str, ...]
    mixed: tuple[str, ...]
    train: Passage
    dev: Passage


def read_words(paths: Iterable[str]) -> list[WrittenWord]:
    """Read the words of texts, without the lines that have no mark at their end, as headings, and
    those that cannot be said with certainty.

    Raises:
        DataError: a file cannot be read, or none of its lines can be used.
    """
    words: list[WrittenWord] = []
    for path in paths:
        before = len(words)
        for line in read_text_lines(path):
            said = read_written(line)
            if said and said[-1].mark:
                words += said
        if len(words) == before:
            raise DataError(f"{path}: no line ends with a mark, needs text with its punctuation")
    return words


def read(config: WrittenConfig, known: Sequence[str] = ()) -> Texts:
    """Read the texts and number their words; ``known`` are those of a run that goes on.

    A word in capitals that usually is not, as one that is stressed, counts as it usually is.

    Raises:
        DataError: no texts, or a file that cannot be used.
    """
    if not config.train or not config.dev:
        raise DataError(
            "a tagger needs texts to train on and others to choose the epoch by: "
            "asr text train TEXT --dev TEXT"
        )
    train, dev = read_words(config.train), read_words(config.dev)
    counts = Counter(word.word for word in train)
    listed = (word for word, count in counts.most_common(config.words) if count >= config.min_count)
    forms = Counter(word.form for word in train if word.case == "mixed")
    mixed = {form.lower(): form for form, count in reversed(forms.most_common())
             if 2 * count > counts[form.lower()] and count >= MIXED_COUNT}  # fmt: skip
    stressed = Counter(word.word for word in train if word.case == "upper")
    usual = {word for word, count in stressed.items() if 2 * count <= counts[word]}
    words = {**dict.fromkeys(HESITATIONS), **dict.fromkeys(sorted(counts))}
    words |= dict.fromkeys(word.word for word in dev)
    ids = {word: index for index, word in enumerate(words)}

    def number(items: list[WrittenWord]) -> Passage:
        cases = (
            "lower" if item.case == "upper" and item.word in usual else item.case for item in items
        )
        return Passage(
            np.array([ids[item.word] for item in items]),
            np.array([MARKS.index(item.mark) for item in items]),
            np.array([CASES.index(case) for case in cases]),
        )

    return Texts(
        tuple(words),
        tuple(counts[word] for word in words),
        tuple(known or sorted(listed)),
        tuple(sorted(mixed.values())),
        number(train),
        number(dev),
    )


def cut(marks: Ids, shortest: int, longest: int, seed: int) -> list[tuple[int, int]]:
    """Cut a text of ``marks`` (n,) into passages; return the first and the last word (exclusive) of
    each.

    Their lengths are drawn so that short and long ones hold as many words. Half of them are moved
    to where sentences begin and end, if that is not far.
    """
    draw = rng(seed, "passages")
    total = len(marks)
    begins = np.flatnonzero(np.concatenate([[True], ENDS[marks]]))  # the end of the text too
    spans, first = [], 0
    while first < total:
        length = int(np.exp(draw.uniform(np.log(shortest), np.log(longest + 1))))
        start, end = first, min(first + length, total)
        if draw.random() < 0.5:
            start, end = _next(begins, start), _next(begins, end)
        if end > start:
            spans.append((start, min(end, total)))
        first += length
    return spans


def _next(begins: Ids, place: int) -> int:
    index = int(np.searchsorted(begins, place))
    if index < len(begins) and begins[index] - place <= STRETCH:
        return int(begins[index])
    return place


@dataclass(frozen=True)
class TagBatch:
    """A batch of passages.

    ``features`` (B, T, WIDTH) are the rows of each word's embedding, ``pauses`` (B, T) the class
    of the pause after it. Behind each of ``lengths`` (B,), the ``targets`` (B, T) (marks) and
    ``cases`` (B, T) are :data:`asr.training.tokens.PADDING`.
    """

    features: Tensor
    pauses: Tensor
    targets: Tensor
    cases: Tensor
    lengths: Tensor
    ids: list[str]
    epoch: int
    index: int
    rejected: tuple[()] = ()

    def _tensors(self) -> dict[str, Tensor]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def to(self, device: torch.device) -> "TagBatch":
        """Return the batch on ``device``."""
        moved = {k: value.to(device, non_blocking=True) for k, value in self._tensors().items()}
        return replace(self, **moved)  # type: ignore[arg-type]

    def pin_memory(self) -> "TagBatch":
        """Return the batch in page-locked memory, from which a GPU copies faster."""
        pinned = {name: value.pin_memory() for name, value in self._tensors().items()}
        return replace(self, **pinned)  # type: ignore[arg-type]


class TagDataset(Dataset[TagBatch]):
    """A dataset that makes the :class:`TagBatch` of a :class:`asr.training.sampler.MicroBatch`.

    ``noise`` is None for texts as they are, without pauses. An empty micro-batch gives one word
    that does not count, so that every rank has something to compute.
    """

    def __init__(
        self,
        text: Passage,
        spans: Sequence[tuple[int, int]],
        lexicon: "Lexicon",
        noise: NoiseConfig | None,
        seed: int,
    ) -> None:
        self.text, self.spans, self.lexicon = text, spans, lexicon
        self.noise, self.seed = noise, seed

    def __len__(self) -> int:
        return len(self.spans)

    def passage(self, index: int, epoch: int) -> tuple[Passage, Ids]:
        """Return a passage as it is in ``epoch``, and its pauses."""
        first, last = self.spans[index]
        text = self.text
        passage = Passage(text.words[first:last], text.marks[first:last], text.cases[first:last])
        if self.noise is None:
            return passage, np.zeros(last - first, np.int64)
        draw = rng(self.seed, epoch, index, "noise")
        lexicon = self.lexicon
        return noisy(passage, self.noise, lexicon.confusions, lexicon.hesitations, draw)

    def __getitems__(self, micro: MicroBatch) -> TagBatch:
        rows = [self.passage(index, micro.epoch) for index in micro.indices]
        lengths = [len(row) for row, _ in rows] or [1]
        shape = len(lengths), max(lengths)
        features = torch.zeros(*shape, WIDTH, dtype=torch.int64)
        pauses = torch.zeros(shape, dtype=torch.int64)
        targets, cases = torch.full(shape, PADDING), torch.full(shape, PADDING)
        for index, (row, quiet) in enumerate(rows):
            count = len(row)
            features[index, :count] = torch.from_numpy(self.lexicon.features[row.words]).long()
            pauses[index, :count] = torch.from_numpy(quiet)
            targets[index, :count] = torch.from_numpy(row.marks)
            cases[index, :count] = torch.from_numpy(row.cases)
        return TagBatch(
            features=features,
            pauses=pauses,
            targets=targets,
            cases=cases,
            lengths=torch.tensor(lengths),
            ids=[f"passage {index + 1}" for index in micro.indices],
            epoch=micro.epoch,
            index=micro.index,
        )


@dataclass(frozen=True)
class Lexicon:
    """The rows (V, WIDTH) of all words that can occur, the ids (V, n) of what may stand in place of
    each, and those of hesitations."""

    features: npt.NDArray[np.int32]
    confusions: Ids
    hesitations: Ids


def lexicon_of(texts: Texts, features: WordFeatures, seed: int) -> Lexicon:
    """Return the words of the texts with all their confusions."""
    rows = confusions(texts.words, texts.counts, seed)
    words = dict.fromkeys(texts.words) | dict.fromkeys(word for row in rows for word in row)
    ids = {word: index for index, word in enumerate(words)}
    table = np.array([[ids[word] for word in row] for row in rows])
    return Lexicon(
        np.array([features.padded(word) for word in words], np.int32),
        # A confusion is not confused again: rows are needed for the words of the texts alone.
        table,
        np.array([ids[word] for word in HESITATIONS]),
    )


class TagData(BucketData):
    """Batches of passages, by their number of words."""

    def __init__(self, config: TaggerConfig, texts: Texts, features: WordFeatures) -> None:
        lexicon = lexicon_of(texts, features, config.seed)
        spans, dev_spans = (
            cut(text.marks, *config.data.passage, config.seed) for text in (texts.train, texts.dev)
        )
        super().__init__(
            TagDataset(texts.train, spans, lexicon, config.noise, config.seed),
            TagDataset(texts.dev, dev_spans, lexicon, None, config.seed),
            [last - first for first, last in spans],
            [last - first for first, last in dev_spans],
            config.training.batch_words,
            config.training,
            config.seed,
        )
