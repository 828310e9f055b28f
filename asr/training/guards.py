"""Guards against bad data and numbers: they are left out, counted and named.

A run in which there are too many of them ends with an error.
"""

import sys
from pathlib import Path
from typing import Any

import lightning
import torch

from asr.counts import counted
from asr.data.manifest import Utterance
from asr.errors import DataError, TrainingError
from asr.files import parse_json, to_json, write_atomically
from asr.training.trainable import Trainable

SHOWN = 20
"""The names that the summary at the end puts on the terminal; the file holds all."""


def entry(item: Utterance, reason: str) -> dict[str, Any]:
    """Return the line of ``skipped.jsonl`` for an utterance that is left out."""
    return {"id": item.id, "audio": str(item.audio), "reason": reason}


class Guards(lightning.Callback):
    """Keeps ``skipped.jsonl``, the list of what was not trained on.

    It names the utterances that were left out, with the reason, and those of steps without a finite
    gradient, which changed nothing. ``prepared`` are the lines of utterances that were left out
    before the run. The run ends with an error
    when an epoch has rejected more than ``max_rejected`` utterances, or after ``max_skipped`` steps
    in a row.
    """

    def __init__(
        self, folder: Path, prepared: list[dict[str, Any]], max_rejected: float, max_skipped: int
    ) -> None:
        self.path = folder / "skipped.jsonl"
        self.prepared = prepared
        self.max_rejected = max_rejected
        self.max_skipped = max_skipped
        self.met: list[dict[str, Any]] = []
        self.rejected = 0
        self.in_row = 0
        self._ids: list[str] = []

    def state_dict(self) -> dict[str, Any]:
        """Return what has been met so far."""
        return {"met": self.met, "rejected": self.rejected, "in_row": self.in_row}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint kept."""
        self.met = list(state_dict["met"])
        self.rejected, self.in_row = state_dict["rejected"], state_dict["in_row"]

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Begin to count anew: every utterance is met once an epoch."""
        self.rejected = 0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note what could not be used, and end the run if that is too much.

        Raises:
            DataError: too many unusable utterances.
            TrainingError: too many steps in a row without a finite gradient.
        """
        assert isinstance(module, Trainable)
        self._note(batch)
        self.rejected += int(module.step_sums["rejected"])
        self._ids += batch.ids
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.in_row = 0 if module.step_finite else self.in_row + 1
            if not module.step_finite:
                self.met.append({"step": trainer.global_step, "ids": self._ids})
            self._ids = []
        if self.rejected > self.max_rejected or self.in_row >= self.max_skipped:
            self._write(trainer)
        if self.rejected > self.max_rejected:
            raise DataError(
                f"{self.rejected} training utterances cannot be used, data.max_dropped allows "
                f"{self.max_rejected:g} with those left out before; see {self.path}"
            )
        if self.in_row >= self.max_skipped:
            raise TrainingError(
                f"{counted(self.in_row, 'step')} in a row without a finite gradient; "
                f"{self.path} names their "
                "utterances; lower optimizer.learning_rate, or look at the audio"
            )

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Note what could not be used of the development set."""
        self._note(batch)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Write the file."""
        self._write(trainer)

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Print what was left out."""
        if not trainer.is_global_zero:
            return
        lines = read_skipped(self.path)
        utterances = [line for line in lines if "id" in line]
        if utterances:
            print(
                f"{len(utterances)} utterances were left out, {self.path} lists them:",
                file=sys.stderr,
            )
        for line in utterances[:SHOWN]:
            print(f"  {line['id']}: {line['reason']}", file=sys.stderr)
        if len(utterances) > SHOWN:
            print(f"  … and {len(utterances) - SHOWN} more", file=sys.stderr)
        if steps := len(lines) - len(utterances):
            print(
                f"{steps} steps without a finite gradient were skipped; {self.path} names their "
                "utterances",
                file=sys.stderr,
            )

    def _note(self, batch: Any) -> None:
        if batch.rejected:
            known = {line.get("id") for line in self.met}
            self.met += [entry(*pair) for pair in batch.rejected if pair[0].id not in known]

    def _write(self, trainer: lightning.Trainer) -> None:
        gathered: list[Any] = [self.met]
        if trainer.world_size > 1:
            gathered = [None] * trainer.world_size
            torch.distributed.all_gather_object(gathered, self.met)
        if trainer.is_global_zero:
            write_skipped(self.path, [*self.prepared, *(x for met in gathered for x in met)])


def write_skipped(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write ``skipped.jsonl``; an utterance that several ranks met stands once."""
    distinct = dict.fromkeys(to_json(line) + "\n" for line in lines)
    write_atomically(path, "".join(distinct))


def read_skipped(path: Path) -> list[dict[str, Any]]:
    """Read the lines of ``skipped.jsonl``."""
    return [parse_json(line, names=None) for line in path.read_text(encoding="utf-8").splitlines()]
