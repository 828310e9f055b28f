"""The LightningModule: CTC loss, optimiser and schedule, greedy WER on the development set."""

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from asr.config import Config
from asr.decoding.greedy import greedy
from asr.scoring import score
from asr.text import Vocabulary
from asr.training.augment import mask_features
from asr.training.dataset import Batch
from asr.training.model import AcousticModel
from asr.training.seeding import rng


class CTCModule(lightning.LightningModule):
    """Trains an :class:`AcousticModel` with CTC (Graves et al. 2006)."""

    def __init__(self, config: Config, vocabulary: Vocabulary, total_steps: int) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.total_steps = total_steps
        self.model = AcousticModel(config.features, config.encoder, len(vocabulary))
        self._references: list[str] = []
        self._hypotheses: list[str] = []

    def loss(self, log_probs: Tensor, frames: Tensor, batch: Batch) -> Tensor:
        """Negative log-likelihood of the labels: the mean over utterances, in nats."""
        total = functional.ctc_loss(
            log_probs.transpose(0, 1).float(),
            batch.labels,
            frames,
            batch.label_lengths,
            blank=self.vocabulary.blank_id,
            reduction="sum",
        )
        return total / len(batch.ids)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """One step; dropout and masks depend on (seed, step, rank) and (seed, step, id) alone."""
        seed, step = self.config.seed, self.global_step
        torch.manual_seed(int(rng(seed, step, self.global_rank, "dropout").integers(2**62)))
        features, lengths = self.model.features(batch.waveforms, batch.lengths)
        rngs = [rng(seed, step, name) for name in batch.ids]
        features = mask_features(features, lengths, self.config.augment, rngs)
        log_probs, frames = self.model.encoder(features, lengths)
        loss = self.loss(log_probs, frames, batch)
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=len(batch.ids))
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Loss of a batch, and its transcripts for the WER of the epoch."""
        log_probs, frames = self.model(batch.waveforms, batch.lengths)
        loss = self.loss(log_probs, frames, batch)
        self.log("dev_loss", loss, on_epoch=True, batch_size=len(batch.ids))
        for row, length, text in zip(log_probs, frames.tolist(), batch.texts, strict=True):
            hypothesis = greedy(row[:length].float().cpu().numpy(), self.vocabulary.blank_id)
            self._hypotheses.append(self.vocabulary.decode(hypothesis.tokens))
            self._references.append(text)

    def on_validation_epoch_end(self) -> None:
        """Log the WER over the whole development set."""
        result = score(self._references, self._hypotheses)
        self._references, self._hypotheses = [], []
        self.log("dev_wer", 100 * result.wer, prog_bar=True)

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        """AdamW (Loshchilov & Hutter 2019) and a schedule that moves with every step."""
        options = self.config.optimizer
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        if options.schedule == "one_cycle":
            schedule: torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=options.learning_rate,
                total_steps=self.total_steps,
                pct_start=options.warmup,
                cycle_momentum=False,
            )
        else:
            rise = max(1, round(options.warmup * self.total_steps))
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: min((step + 1) / rise, (rise / (step + 1)) ** 0.5)
            )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
