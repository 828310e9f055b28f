"""The language model in training: cross-entropy, and perplexity on the development set."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from asr.training.lm.config import LmConfig
from asr.training.lm.data import PADDING, TextBatch
from asr.training.lm.model import RecurrentLmModel
from asr.training.seeding import rng
from asr.training.trainable import Measure, Trainable


class LmModule(Trainable):
    """Trains a :class:`RecurrentLmModel` (Mikolov et al. 2010); items are words or characters, the
    ends of sentences among them."""

    def __init__(self, config: LmConfig, vocabulary_size: int) -> None:
        super().__init__(config.optimizer, config.training)
        self.config = config
        self.measure = Measure(
            "dev_perplexity", "perplexity", 1, "", f"nats per {config.data.unit}", "/s"
        )
        self.model = RecurrentLmModel(config.network, vocabulary_size)

    def loss(self, batch: TextBatch) -> Tensor:
        """Return the negative log-likelihood in nats, summed over the batch, in float32."""
        logits = self.model(batch.tokens, batch.lengths)
        total: Tensor = functional.cross_entropy(
            logits.flatten(0, 1).float(),
            batch.targets.flatten(),
            ignore_index=PADDING,
            reduction="sum",
        )
        return total

    def training_step(self, batch: TextBatch, index: int) -> Tensor:
        """Return the share of this micro-batch in the loss of the step.

        It is the loss in nats over as many tokens as a whole step can hold, so that every word
        weighs the same in whichever batch it stands.

        Dropout depends on (seed, epoch, micro-batch, rank) alone.
        """
        dropout = rng(self.config.seed, batch.epoch, batch.index, self.global_rank, "dropout")
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
        return total / self.config.training.batch_tokens

    def on_validation_epoch_start(self) -> None:
        """Begin to count the losses of the development set anew."""
        self.dev_sums = dict.fromkeys(("loss", "items"), 0.0)

    def validation_step(self, batch: TextBatch, index: int) -> None:
        """Add the loss of a batch."""
        self.dev_sums["loss"] += float(self.loss(batch))
        self.dev_sums["items"] += int((batch.targets != PADDING).sum())

    @property
    def criterion(self) -> float:
        """Return the perplexity of the development set."""
        return math.exp(min(self.dev_loss, 700.0))

    def speed(self, samples: float, seconds: float) -> float:
        """Return the words or characters that are trained on in a second."""
        return samples / seconds
