"""The configuration of a recurrent language model's training."""

from dataclasses import dataclass, field

from asr.config import Section, option
from asr.training.cells import check_cell
from asr.training.config import EngineConfig, OptimizerConfig, RunConfig

UNITS = ("word", "character")


@dataclass(frozen=True)
class TextConfig(Section, name="data"):
    """Texts, a sentence a line (.gz too), or manifests (.jsonl).

    The model's words are those of the file ``vocabulary``; without one, those that the training
    texts have ``min_count`` times at least. All others are ``<unk>``.
    """

    train: tuple[str, ...] = option((), "texts to train on")
    dev: tuple[str, ...] = option((), "other texts, to choose the epoch by")
    unit: str = option("word", "what sentences are divided into", choices=UNITS)
    vocabulary: str = option("", "file of the known words, one a line")
    min_count: int = option(1, "times that a word must occur to be known", above=0)


@dataclass(frozen=True)
class NetworkConfig(Section, name="network"):
    """Recurrent layers over embeddings of ``hidden_size``, which are the output's weights too."""

    cell: str = option("gru", "recurrent cell, a module of asr.training.cells")
    layers: int = option(1, "recurrent layers", above=0)
    hidden_size: int = option(256, "units of each layer", above=0)
    dropout: float = option(0.3, "share of the outputs dropped after a layer", at_least=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell("network.cell", self.cell)


@dataclass(frozen=True)
class LmTrainingConfig(EngineConfig):
    """The options of a language model's run: those of every run, and some of its own."""

    epochs: int = option(20, "epochs to train for", above=0)
    batch_tokens: int = option(
        1000, "words or characters to a micro-batch, padding included", above=0
    )


@dataclass(frozen=True)
class LmConfig(RunConfig):
    """All options of one run of ``asr lm train``."""

    name: str = option("lm", "folder of the run under runs/")
    data: TextConfig = field(default_factory=TextConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: LmTrainingConfig = field(default_factory=LmTrainingConfig)
