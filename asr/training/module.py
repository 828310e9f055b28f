"""The LightningModule: CTC loss, optimiser and learning rate, greedy WER on the development set."""

import math
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from asr.config import Config
from asr.decoding.greedy import greedy
from asr.scoring import count_errors
from asr.text import Vocabulary
from asr.training.augment import mask_features
from asr.training.consistency import disagreement
from asr.training.dataset import Batch
from asr.training.model import AcousticModel
from asr.training.schedule import learning_rate
from asr.training.seeding import rng

VIEWS = ("masks", "other masks")
"""Names under which the masks of the views of an utterance are drawn."""


class CTCModule(lightning.LightningModule):
    """Trains an :class:`AcousticModel` with CTC (Graves et al. 2006).

    For callbacks there are ``step_sums``, what the last micro-batch added up over all ranks;
    ``step_norm``, the norm of the last step's gradient before clipping, which may not be finite;
    and ``dev_sums``, over the whole development set.
    """

    def __init__(self, config: Config, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.model = AcousticModel(config.features, config.encoder, len(vocabulary))
        self.step_sums: dict[str, float] = {}
        self.step_norm = 0.0
        self.dev_sums: dict[str, float] = {}

    def loss(self, log_probs: Tensor, frames: Tensor, batch: Batch) -> Tensor:
        """Negative log-likelihood of the labels in nats, summed over utterances, in float32.

        The mean over views where ``log_probs`` holds the batch more than once. Zero, with zero
        gradients, for a batch in which no utterance is left. On a GPU its gradient varies from run
        to run; where that is not allowed it is computed on the CPU.
        """
        views = len(log_probs) // len(batch.label_lengths)
        device = log_probs.device
        if torch.are_deterministic_algorithms_enabled():
            device = torch.device("cpu")
        total = functional.ctc_loss(
            log_probs.transpose(0, 1).to(device, torch.float32),
            batch.labels.repeat(views).to(device),
            frames.to(device),
            batch.label_lengths.repeat(views).to(device),
            blank=self.vocabulary.blank_id,
            reduction="sum",
        ).to(log_probs.device)
        return total / views if batch.ids else total * 0

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The share of this micro-batch in the loss of the step: the mean over the utterances of
        all ranks and micro-batches, in nats.

        With ``training.consistency`` the network sees every utterance twice, with masks and dropout
        of its own each time: the mean of both CTC losses, and that share of their disagreement.
        Dropout depends on (seed, epoch, micro-batch, rank) alone, masks on (seed, epoch, id).
        """
        seed = self.config.seed
        dropout = rng(seed, batch.epoch, batch.index, self.global_rank, "dropout")
        torch.manual_seed(int(dropout.integers(2**62)))
        features, lengths = self.model.features(batch.waveforms, batch.lengths)
        weight = self.config.training.consistency
        views = VIEWS[: 2 if weight else 1] if batch.ids else ()
        if views:
            masked = [
                mask_features(
                    features,
                    lengths,
                    self.config.augment,
                    [rng(seed, batch.epoch, name, view) for name in batch.ids],
                )
                for view in views
            ]
            features, lengths = torch.cat(masked), lengths.repeat(len(views))
        log_probs, frames = self.model.encoder(features, lengths)
        total = self.loss(log_probs, frames, batch)
        detached = float(total.detach())
        if len(views) == 2:
            total = total + weight * disagreement(log_probs, frames)
        self.step_sums = self._over_ranks(
            {
                "loss": detached if detached < float("inf") else 0.0,
                "utterances": len(batch.ids) if detached < float("inf") else 0,
                "not_finite": not detached < float("inf"),
                "rejected": len(batch.rejected),
                "samples": int(batch.lengths.sum()) if batch.ids else 0,
                "padded": batch.waveforms.numel() if batch.ids else 0,
            }
        )
        # Lightning averages over ranks and divides by the accumulated micro-batches.
        shares = self.trainer.world_size * self.config.training.accumulate
        return total * (shares / batch.utterances)

    def on_validation_epoch_start(self) -> None:
        """Begin a new count."""
        self.dev_sums = dict.fromkeys(("loss", "utterances", "errors", "words"), 0.0)

    def validation_step(self, batch: Batch, index: int) -> None:
        """Count the loss and the word errors of a batch."""
        if not batch.ids:
            return
        log_probs, frames = self.model(batch.waveforms, batch.lengths)
        self.dev_sums["loss"] += float(self.loss(log_probs, frames, batch))
        self.dev_sums["utterances"] += len(batch.ids)
        for row, length, text in zip(log_probs, frames.tolist(), batch.texts, strict=True):
            hypothesis = greedy(row[:length].float().cpu().numpy(), self.vocabulary.blank_id)
            counts = count_errors(text, self.vocabulary.decode(hypothesis.tokens))
            self.dev_sums["errors"] += counts.errors
            self.dev_sums["words"] += counts.reference

    def on_validation_epoch_end(self) -> None:
        """Add up over all ranks."""
        self.dev_sums = self._over_ranks(self.dev_sums)

    @property
    def step_finite(self) -> bool:
        """Whether the last step had a finite gradient."""
        return math.isfinite(self.step_norm)

    @property
    def dev_loss(self) -> float:
        """Mean over the utterances of the development set, in nats."""
        return self.dev_sums["loss"] / max(self.dev_sums["utterances"], 1)

    @property
    def dev_wer(self) -> float:
        """Greedy word error rate on the development set, a fraction."""
        return self.dev_sums["errors"] / max(self.dev_sums["words"], 1)

    def _over_ranks(self, sums: dict[str, Any]) -> dict[str, float]:
        values = torch.tensor(list(sums.values()), dtype=torch.float64, device=self.device)
        if self.trainer.world_size > 1:
            torch.distributed.all_reduce(values)
        return dict(zip(sums, values.tolist(), strict=True))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov & Hutter 2019)."""
        options = self.config.optimizer
        return torch.optim.AdamW(
            self.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate, by the share of the run that is done."""
        accumulate = self.config.training.accumulate
        steps = int(self.trainer.num_training_batches) // accumulate
        progress = (
            self.current_epoch + batch_idx // accumulate / steps
        ) / self.config.training.epochs
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = learning_rate(self.config.optimizer, progress)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm; without a finite norm, on every rank alike, the step changes nothing."""
        norm = torch.nn.utils.clip_grad_norm_(
            self.parameters(), self.config.optimizer.gradient_clip
        )
        self.step_norm = float(norm)
        if not self.step_finite:
            optimizer.zero_grad(set_to_none=True)
