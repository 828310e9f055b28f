"""The language model in training: cross-entropy, and perplexity on the development set."""

import math

from torch import Tensor
from torch.nn import functional

from asr.training.lm.config import LmConfig
from asr.training.lm.data import TextBatch
from asr.training.lm.model import RecurrentLmModel
from asr.training.tokens import PADDING, TokenModule
from asr.training.trainable import Measure


class LmModule(TokenModule):
    """Trains a :class:`RecurrentLmModel` (Mikolov et al. 2010); items are words or characters, the
    ends of sentences among them."""

    def __init__(self, config: LmConfig, vocabulary_size: int) -> None:
        training = config.training
        super().__init__(config.optimizer, training, config.seed, training.batch_tokens)
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
