"""The acoustic model in training: the CTC loss, and the error rate on the development set."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.decoding.greedy import greedy
from asr.evaluation.scoring import count_character_errors, count_errors
from asr.text import Vocabulary
from asr.training.attention import AttentionDecoder, losses_of, targets_of
from asr.training.augment import mask_features
from asr.training.config import Config
from asr.training.dataset import Batch
from asr.training.dev_sets import DevSets
from asr.training.model import AcousticModel
from asr.training.seeding import rng
from asr.training.trainable import Measure, Trainable
from asr.training.warping import WarpedFilters

VIEWS = ("masks", "other masks")
"""The names under which the masks of the views of an utterance are drawn."""


class CTCModule(Trainable):
    """Trains an :class:`AcousticModel` with CTC (Graves et al. 2006); items are utterances.

    If the configuration names a kind of attention, a decoder is trained with it.

    Epochs are compared by the mean of the ``dev_sets``, if they are given.
    """

    def __init__(
        self, config: Config, vocabulary: Vocabulary, dev_sets: DevSets | None = None
    ) -> None:
        super().__init__(config.optimizer, config.training)
        self.config = config
        self.vocabulary = vocabulary
        self.dev_sets = dev_sets
        name = "WER" if vocabulary.spaced else "CER"
        column, loss = f"dev_{name.lower()}", "CTC loss (nats per utterance)"
        self.measure = Measure(column, name, 100, " %", loss, "×")
        self.model = AcousticModel(config.features, config.encoder, len(vocabulary))
        self.intermediate: nn.Linear | None = None
        if config.training.intermediate:
            self.intermediate = nn.Linear(self.model.encoder.output_size, len(vocabulary))
        self.decoder: AttentionDecoder | None = None
        if config.attention.kind:
            size = self.model.encoder.encoding_size
            self.decoder = AttentionDecoder(config.attention, size, len(vocabulary))
        self.warped: WarpedFilters | None = None
        if set(config.augment.warps) != {1.0}:
            self.warped = WarpedFilters(config.features, config.augment.warps)

    def loss(self, log_probs: Tensor, frames: Tensor, batch: Batch) -> Tensor:
        """Return the negative log-likelihood of the labels in nats, summed over utterances.

        Where ``log_probs`` holds the batch more than once, it is the mean over these views. For a
        batch in which no utterance is left it is zero, with zero gradients.
        """
        return self._total(self.losses(log_probs, frames, batch), batch)

    def _total(self, losses: Tensor, batch: Batch) -> Tensor:
        """Return the sum over utterances of losses, which are the mean over the views of each."""
        total = losses.sum()
        views = len(losses) // len(batch.label_lengths)
        return total / views if batch.ids else total * 0

    def losses(self, log_probs: Tensor, frames: Tensor, batch: Batch) -> Tensor:
        """Return the negative log-likelihood of the labels in nats, of each row of ``log_probs``.

        It is computed in float32. On a GPU its gradient varies from run to run; if that is not
        allowed, it is computed on the CPU.
        """
        views = len(log_probs) // len(batch.label_lengths)
        device = log_probs.device
        if torch.are_deterministic_algorithms_enabled():
            device = torch.device("cpu")
        losses: Tensor = functional.ctc_loss(
            log_probs.transpose(0, 1).to(device, torch.float32),
            batch.labels.repeat(views).to(device),
            frames.to(device),
            batch.label_lengths.repeat(views).to(device),
            blank=self.vocabulary.blank_id,
            reduction="none",
        )
        return losses.to(log_probs.device)

    def decoder_losses(self, encodings: Tensor, frames: Tensor, batch: Batch) -> Tensor:
        """Return the negative log-likelihood of the labels and the end by the decoder in nats, of
        each row of ``encodings``; in training with smoothed targets and sampled labels."""
        assert self.decoder is not None
        config = self.config.attention
        labels, targets = targets_of(batch.labels, batch.label_lengths)
        views = len(encodings) // len(labels)
        labels, targets = labels.repeat(views, 1), targets.repeat(views, 1)
        sampling = config.scheduled_sampling if self.training else 0.0
        logits = self.decoder(encodings, frames, labels, sampling)
        return losses_of(logits, targets, config.label_smoothing if self.training else 0.0)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the share of this micro-batch in the loss of the step, in nats.

        The loss of a step is the mean over the utterances of all ranks and micro-batches.

        With ``training.consistency`` the network sees every utterance twice, with masks and dropout
        of its own each time: the mean of both CTC losses, and that share of their disagreement.
        ``training.intermediate`` is the share of the CTC loss of an output layer that sees the
        lower layers of a pyramid alone (Lee & Watanabe 2021, "Intermediate loss regularization for
        CTC-based speech recognition"); the export leaves that layer out. ``attention.weight`` is
        the share of the decoder's loss, beside which all losses of CTC have the rest.
        Dropout and sampled labels depend on (seed, epoch, micro-batch, rank) alone, masks on (seed,
        epoch, id).
        """
        seed = self.config.seed
        dropout = rng(seed, batch.epoch, batch.index, self.global_rank, "dropout")
        torch.manual_seed(int(dropout.integers(2**62)))
        filters = None
        if self.warped is not None and batch.ids:
            filters = self.warped.draw([rng(seed, batch.epoch, n, "warp") for n in batch.ids])
        features, lengths = self.model.features(batch.waveforms, batch.lengths, filters=filters)
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
        hidden, frames = self.model.encoder.below(features, lengths)
        log_probs, encodings = self.model.encoder.outputs(hidden, frames)
        total = self.loss(log_probs, frames, batch)
        detached = float(total.detach())
        if self.intermediate is not None:
            share = self.config.training.intermediate
            below = self.intermediate(hidden).log_softmax(-1)
            total = (1 - share) * total + share * self.loss(below, frames, batch)
        if self.decoder is not None:
            share = self.config.attention.weight
            losses = self.decoder_losses(encodings, frames, batch)
            total = (1 - share) * total + share * self._total(losses, batch)
        if len(views) == 2:
            total = total + weight * disagreement(log_probs, frames)
        self.step_sums = self.over_ranks(
            {
                "loss": detached if detached < float("inf") else 0.0,
                "items": len(batch.ids) if detached < float("inf") else 0,
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
        """Begin to count the errors and losses of the development set anew."""
        self.dev_sums = dict.fromkeys(("loss", "items", "errors", "units", "spelled"), 0.0)
        if self.dev_sets is not None:
            self.dev_sets.reset()

    def validation_step(self, batch: Batch, index: int) -> None:
        """Add the loss of a batch and its errors, in words or characters."""
        if not batch.ids:
            return
        log_probs, encodings, frames = self.model.encode(batch.waveforms, batch.lengths)
        if self.decoder is not None:
            spelled = self.decoder_losses(encodings, frames, batch)
            self.dev_sums["spelled"] += float(spelled.sum())
        losses = self.losses(log_probs, frames, batch)
        self.dev_sums["loss"] += float(losses.sum())
        self.dev_sums["items"] += len(batch.ids)
        rows = zip(batch.ids, batch.texts, log_probs, frames.tolist(), losses.tolist(), strict=True)
        for id, text, row, length, loss in rows:
            hypothesis = greedy(row[:length].float().cpu().numpy(), self.vocabulary.blank_id)
            recognised = self.vocabulary.decode(hypothesis.tokens)
            counts = count_errors(
                self.vocabulary.space_units(text), self.vocabulary.space_units(recognised)
            )
            self.dev_sums["errors"] += counts.errors
            self.dev_sums["units"] += counts.reference
            if self.dev_sets is not None:
                characters = count_character_errors(text, recognised)
                self.dev_sets.add(id, counts, characters, loss)

    def on_validation_epoch_end(self) -> None:
        """Add up the counts of all ranks."""
        self.dev_sums = self.over_ranks(self.dev_sums)
        if self.dev_sets is not None:
            self.dev_sets.sums = self.over_ranks(self.dev_sets.sums)

    def dev_columns(self) -> dict[str, float]:
        """Return the loss of the decoder in nats per utterance, if there is one, and the rates of
        each of the development sets, if they are counted."""
        columns = {}
        if self.decoder is not None:
            total, items = self.dev_sums["spelled"], self.dev_sums["items"]
            columns["dev_attention_loss"] = total / max(items, 1)
        if self.dev_sets is not None:
            columns |= self.dev_sets.columns(self.measure.name.lower())
        return columns

    @property
    def dev_rate(self) -> float:
        """Return the error rate of greedy decoding on the development set, as a fraction."""
        return self.dev_sums["errors"] / max(self.dev_sums["units"], 1)

    @property
    def criterion(self) -> float:
        """Return :attr:`dev_rate`, or the mean of the development sets' rates."""
        return self.dev_rate if self.dev_sets is None else self.dev_sets.rate

    def speed(self, samples: float, seconds: float) -> float:
        """Return the seconds of audio that are trained on in a second."""
        return samples / self.config.features.sample_rate / seconds


def disagreement(log_probs: Tensor, frames: Tensor) -> Tensor:
    """Return the symmetric Kullback-Leibler divergence of two views in nats, summed over frames.

    Each view is drawn towards the other one as it stands: no gradient flows into the target
    (Yao et al. 2024, "CR-CTC: Consistency regularization on CTC for improved speech recognition",
    equation 4).

    Shape: log_probs (2 B, T, V), the first views before the second ones; frames (2 B,) -> ().
    """
    swapped = torch.cat(log_probs.chunk(2)[::-1]).detach().float()
    divergence = (swapped.exp() * (swapped - log_probs.float())).sum(-1)
    exists = torch.arange(log_probs.shape[1], device=log_probs.device) < frames[:, None]
    return (divergence * exists).sum() / 2
