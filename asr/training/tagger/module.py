"""The tagger in training: cross-entropy of marks and cases, and F1 on the development set."""

from torch import Tensor
from torch.nn import functional

from asr.display.written import MARKS
from asr.training.tagger.config import TaggerConfig
from asr.training.tagger.data import TagBatch
from asr.training.tagger.model import TaggerModel
from asr.training.tokens import PADDING, TokenModule
from asr.training.trainable import Measure

CHOSEN = (",", ".", "?")
"""The marks whose F1 epochs are compared by; others are rare, or a matter of taste."""


class TaggerModule(TokenModule):
    """Trains a :class:`TaggerModel`; items are words."""

    measure = Measure("dev_mark_error", "mark error", 100, " %", "nats per word", " words/s")

    def __init__(self, config: TaggerConfig, rows: int) -> None:
        training = config.training
        super().__init__(config.optimizer, training, config.seed, training.batch_words)
        self.config = config
        self.model = TaggerModel(config.network, rows)

    def loss(self, batch: TagBatch) -> Tensor:
        """Return the negative log-likelihood of marks and cases in nats, summed over the batch."""
        return self._loss(batch, *self.model(batch.features, batch.pauses, batch.lengths))

    def _loss(self, batch: TagBatch, marks: Tensor, cases: Tensor) -> Tensor:
        pairs = (marks, batch.targets), (cases, batch.cases)
        first, second = (
            functional.cross_entropy(
                logits.flatten(0, 1).float(),
                targets.flatten(),
                ignore_index=PADDING,
                reduction="sum",
            )
            for logits, targets in pairs
        )
        return first + second

    def on_validation_epoch_start(self) -> None:
        """Begin to count anew."""
        names = ("right", "said", "true")
        counts = [f"{name} {mark}" for mark in MARKS for name in names]
        self.dev_sums = dict.fromkeys(("loss", "items", "cases", *counts), 0.0)

    def validation_step(self, batch: TagBatch, index: int) -> None:
        """Add the loss of a batch, its right cases, and the counts of each mark."""
        marks, cases = self.model(batch.features, batch.pauses, batch.lengths)
        exists = batch.targets != PADDING
        sums = self.dev_sums
        sums["loss"] += float(self._loss(batch, marks, cases))
        sums["items"] += int(exists.sum())
        sums["cases"] += int((cases.argmax(-1) == batch.cases)[exists].sum())
        said, true = marks.argmax(-1)[exists], batch.targets[exists]
        for number, mark in enumerate(MARKS):
            ours, theirs = said == number, true == number
            sums[f"right {mark}"] += int((ours & theirs).sum())
            sums[f"said {mark}"] += int(ours.sum())
            sums[f"true {mark}"] += int(theirs.sum())

    def f1(self, mark: str) -> float:
        """Return the F1 of a mark on the development set."""
        sums = self.dev_sums
        both = sums[f"said {mark}"] + sums[f"true {mark}"]
        return 2 * sums[f"right {mark}"] / both if both else 0.0

    @property
    def criterion(self) -> float:
        """Return one minus the mean F1 of :data:`CHOSEN` on the development set."""
        return 1 - sum(map(self.f1, CHOSEN)) / len(CHOSEN)

    def results(self) -> dict[str, float]:
        """Return the F1 of each mark and the share of right cases on the development set."""
        sums = self.dev_sums
        marks = {f"f1 {mark}": round(self.f1(mark), 4) for mark in MARKS if mark}
        return {**marks, "case": round(sums["cases"] / max(sums["items"], 1), 4)}
