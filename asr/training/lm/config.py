"""Configuration of a recurrent language model."""

from dataclasses import dataclass, field

from asr.config import CELLS, EngineConfig, OptimizerConfig, RunConfig, require

UNITS = ("word", "character")


@dataclass(frozen=True)
class TextConfig:
    """Texts, a sentence a line (.gz too), or manifests (.jsonl).

    The model's words are those of the file ``vocabulary``, one a line; without one, those that the
    training texts have ``min_count`` times at least. Others are ``<unk>``.
    """

    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    unit: str = "word"
    vocabulary: str = ""
    min_count: int = 1

    def __post_init__(self) -> None:
        require(self.unit in UNITS, f"data.unit is {self.unit!r}, needs one of {UNITS}")
        require(self.min_count > 0, f"data.min_count is {self.min_count}, needs > 0")


@dataclass(frozen=True)
class NetworkConfig:
    """Recurrent layers over embeddings of ``hidden_size``, which are the output's weights too."""

    cell: str = "gru"
    layers: int = 1
    hidden_size: int = 256
    dropout: float = 0.3

    def __post_init__(self) -> None:
        require(self.cell in CELLS, f"network.cell is {self.cell!r}, needs one of {CELLS}")
        for name in ("layers", "hidden_size"):
            require(getattr(self, name) > 0, f"network.{name} is {getattr(self, name)}, needs > 0")
        require(0 <= self.dropout < 1, f"network.dropout is {self.dropout}, needs 0 <= x < 1")


@dataclass(frozen=True)
class LmTrainingConfig(EngineConfig):
    """The run itself: :class:`asr.config.EngineConfig`. A micro-batch is at most ``batch_tokens``
    words or characters, padding included."""

    epochs: int = 20
    batch_tokens: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_tokens > 0, "training.batch_tokens must be > 0")


@dataclass(frozen=True)
class LmConfig(RunConfig):
    """All of one run of ``asr lm train``."""

    name: str = "lm"
    data: TextConfig = field(default_factory=TextConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: LmTrainingConfig = field(default_factory=LmTrainingConfig)
