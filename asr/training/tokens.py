"""The base of modules that are trained to predict something for each token of a text."""

import math
from abc import abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor

from asr.training.config import EngineConfig, OptimizerConfig
from asr.training.seeding import rng
from asr.training.trainable import Trainable

PADDING = -100
"""The target that the loss ignores."""


class Tokens(Protocol):
    """A batch whose ``targets`` (B, T) are :data:`PADDING` where there is no token."""

    @property
    def targets(self) -> Tensor: ...
    @property
    def epoch(self) -> int: ...
    @property
    def index(self) -> int: ...


class TokenModule(Trainable):
    """Trains a network by a loss that is a sum over tokens; ``batch_tokens`` is the most that a
    micro-batch can hold, padding included."""

    def __init__(
        self, optimizer: OptimizerConfig, options: EngineConfig, seed: int, batch_tokens: int
    ) -> None:
        super().__init__(optimizer, options)
        self.seed, self.batch_tokens = seed, batch_tokens

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """Return the loss in nats, summed over the batch, in float32."""

    def training_step(self, batch: Tokens, index: int) -> Tensor:
        """Return the share of this micro-batch in the loss of the step.

        It is the loss in nats over as many tokens as a whole step can hold, so that every word
        weighs the same in whichever batch it stands.

        Dropout depends on (seed, epoch, micro-batch, rank) alone.
        """
        dropout = rng(self.seed, batch.epoch, batch.index, self.global_rank, "dropout")
        torch.manual_seed(int(dropout.integers(2**62)))
        total = self.loss(batch)
        value, items = float(total.detach()), int((batch.targets != PADDING).sum())
        finite = math.isfinite(value)
        self.step_sums = self.over_ranks(
            {
                "loss": value if finite else 0.0,
                "items": items if finite else 0,
                "not_finite": not finite,
                "rejected": 0,
                "samples": items,
                "padded": batch.targets.numel() if items else 0,
            }
        )
        # Lightning averages over ranks and accumulated micro-batches.
        return total / self.batch_tokens

    def speed(self, samples: float, seconds: float) -> float:
        """Return the tokens that are trained on in a second."""
        return samples / seconds
