"""The configuration of a tagger's training."""

from dataclasses import dataclass, field

from asr.config import Section, option, require
from asr.training.cells import check_cell
from asr.training.config import EngineConfig, OptimizerConfig, RunConfig


@dataclass(frozen=True)
class WrittenConfig(Section, name="data"):
    """Texts with their punctuation, a sentence or a paragraph a line (.gz too).

    The ``words`` words that the training texts have most often get an embedding of their own, if
    they stand there ``min_count`` times at least; others are known by their n-grams alone.
    Passages of ``passage`` words are cut from the texts, half of them at the ends of sentences and
    the others anywhere.
    """

    train: tuple[str, ...] = option((), "texts to train on")
    dev: tuple[str, ...] = option((), "other texts, to choose the epoch by")
    language: str = option("en", "language of the texts, a code of ISO 639")
    words: int = option(12000, "words with an embedding of their own, at most", above=0)
    min_count: int = option(10, "times that such a word must occur", above=0)
    passage: tuple[int, int] = option(
        (8, 160), "fewest and most words of a passage", at_least=1, at_most=1000, interval=True
    )


@dataclass(frozen=True)
class NoiseConfig(Section, name="noise"):
    """Errors as of a recogniser, in training alone.

    In a passage with errors, a share of the words between none and ``errors`` is replaced by
    similar ones (6 of 10), left out (2 of 10), or gets a hesitation before it (2 of 10).
    """

    probability: float = option(0.5, "probability that a passage has errors", at_least=0, at_most=1)
    errors: float = option(0.35, "largest share of wrong words", at_least=0, at_most=1)
    pauses: float = option(
        0.5, "probability that the pauses in a passage are given", at_least=0, at_most=1
    )


@dataclass(frozen=True)
class TaggerNetworkConfig(Section, name="network"):
    """Bidirectional recurrent layers over the sums of a word's embeddings."""

    cell: str = option("gru", "recurrent cell, a module of asr.training.cells")
    buckets: int = option(8192, "embeddings that the n-grams of characters share", above=0)
    embedding: int = option(128, "size of the embeddings", above=0)
    layers: int = option(2, "recurrent layers", above=0)
    hidden_size: int = option(160, "units of each layer, in each direction", above=0)
    dropout: float = option(0.1, "share of the outputs dropped after a layer", at_least=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell("network.cell", self.cell)


@dataclass(frozen=True)
class TaggerTrainingConfig(EngineConfig):
    """The options of a tagger's run: those of every run, and some of its own."""

    epochs: int = option(4, "epochs to train for", above=0)
    batch_words: int = option(4000, "words to a micro-batch, padding included", above=0)


@dataclass(frozen=True)
class TaggerConfig(RunConfig):
    """All options of one run of ``asr text train``."""

    name: str = option("tagger", "folder of the run under runs/")
    data: WrittenConfig = field(default_factory=WrittenConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    network: TaggerNetworkConfig = field(default_factory=TaggerNetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TaggerTrainingConfig = field(default_factory=TaggerTrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.data.passage[1] <= self.training.batch_words,
            f"training.batch_words is {self.training.batch_words}, but one passage has up to "
            f"{self.data.passage[1]} words (data.passage)",
        )
