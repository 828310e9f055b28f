"""The log of a run: ``metrics.csv``, TensorBoard, a line on the terminal, ``curves.png``."""

import csv
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import lightning
from torch.utils.tensorboard import SummaryWriter

from asr.files import write_atomically
from asr.training.curves import METRICS, SHOWN, read_metrics
from asr.training.trainable import Measure, Trainable

PICTURE_SECONDS = 10.0
"""The least time between two drawings, which could take longer than short epochs do."""


class RunLog(lightning.Callback):
    """Writes ``metrics.csv`` after every epoch, events for TensorBoard in ``tensorboard/`` after
    every step, and ``curves.png`` as the run goes on.

    Losses are means over items in nats; ``gradient_norm`` is the mean over steps, before
    ``clipped_steps`` of them were clipped; ``padding`` is the share of the samples that was
    padding, ``skipped_steps`` counts those without a finite gradient, ``rejected`` the unusable
    items. Rows of epochs that a resumed run repeats are cut, so that each epoch stands once;
    the sums of an epoch that is not over are kept in the checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / METRICS
        self.picture = folder / "curves.png"
        self.events = folder / "tensorboard"
        self.sums: dict[str, float] = {}
        self._started = self._drawn = 0.0
        self._writer: SummaryWriter | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the sums of the epoch so far."""
        return {"sums": self.sums}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the sums that a checkpoint kept."""
        self.sums = dict(state_dict["sums"])

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Cut off the rows after the checkpoint that the run starts from."""
        self._started = time.perf_counter()
        if trainer.is_global_zero:
            rows = [row for row in read_metrics(self.path) if row["epoch"] <= trainer.current_epoch]
            _write(self.path, rows)
            self._writer = SummaryWriter(self.events, purge_step=trainer.global_step)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Start the clock and the sums."""
        self._started = time.perf_counter()
        self.sums = {}

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Add the numbers of a step to the sums."""
        assert isinstance(module, Trainable)
        last = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        norm = module.step_norm if last else 0.0
        finite = math.isfinite(norm)
        step = module.step_sums | {
            "steps": float(last and finite),
            "skipped_steps": float(not finite),
            "norms": norm if finite else 0.0,
            "clipped_steps": float(finite and norm > module.optimizer_config.gradient_clip),
        }
        for name, value in step.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if self._writer and last:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            loss = step["loss"] / max(step["items"], 1)
            self._writer.add_scalar("train/loss", loss, trainer.global_step)
            self._writer.add_scalar("train/learning_rate", rate, trainer.global_step)
            self._writer.add_scalar("train/gradient_norm", norm, trainer.global_step)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Write the epoch's row and print its line."""
        assert isinstance(module, Trainable)
        seconds = time.perf_counter() - self._started
        sums = self.sums
        row = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "train_loss": sums["loss"] / max(sums["items"], 1),
            "dev_loss": module.dev_loss,
            module.measure.column: module.measure.factor * module.criterion,
            **module.dev_columns(),
            "gradient_norm": sums["norms"] / max(sums["steps"], 1),
            "clipped_steps": int(sums["clipped_steps"]),
            "padding": 1 - sums["samples"] / max(sums["padded"], 1),
            "skipped_steps": int(sums["skipped_steps"]),
            "rejected": int(sums["rejected"]),
            "seconds": round(seconds, 2),
        }
        if not trainer.is_global_zero:
            return
        rows = [*read_metrics(self.path), row]
        _write(self.path, rows)
        if self._writer:
            for name in ("dev_loss", module.measure.column):
                self._writer.add_scalar(name.replace("_", "/"), row[name], trainer.global_step)
            self._writer.flush()
        if time.perf_counter() - self._drawn > PICTURE_SECONDS:
            plot_curves(rows, self.picture, module.measure)
            self._drawn = time.perf_counter()
        left = (module.plan.end or trainer.max_epochs or 0) - row["epoch"]
        print(
            f"epoch {row['epoch']}: train loss {row['train_loss']:.3f}, dev loss "
            f"{row['dev_loss']:.3f}, dev {module.measure.name} "
            f"{module.measure.shown(module.criterion)}, {seconds:.0f} s "
            f"({module.speed(sums['samples'], seconds):.0f}{module.measure.speed}, "
            f"about {left * seconds / 60:.0f} min left)",
            file=sys.stderr,
            flush=True,
        )

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Draw the curves of the whole run."""
        assert isinstance(module, Trainable)
        if self._writer:
            self._writer.close()
            plot_curves(read_metrics(self.path), self.picture, module.measure)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_atomically(path, text.getvalue())


def plot_curves(rows: list[dict[str, Any]], path: Path, measure: Measure) -> None:
    """Draw the losses, and the measure that epochs are compared by, over epochs, as a PNG."""
    from matplotlib.figure import Figure

    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, errors = figure.subplots(1, 2)
    losses.plot(epochs, [row["train_loss"] for row in rows], label="training")
    losses.plot(epochs, [row["dev_loss"] for row in rows], label="development")
    losses.set(xlabel="epoch", ylabel=measure.loss, ylim=(0, None))
    losses.legend()
    values = [row[measure.column] for row in rows]
    unit = f" ({measure.unit.strip()})" if measure.unit else ""
    errors.plot(epochs, values, color="tab:red")
    best = min(rows, key=lambda row: row[measure.column])
    errors.set(
        xlabel="epoch",
        ylabel=f"{measure.name} on the development set{unit}",
        ylim=(0, 1.05 * (min(max(values), SHOWN * min(values)) or 1)),
        title=f"best {best[measure.column]:.2f}{measure.unit} after epoch {best['epoch']}",
    )
    for axes in (losses, errors):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    write_atomically(path, data.getvalue())
