"""The progress bar of a run."""

import time
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from asr.training.trainable import Trainable


class ProgressBar(lightning.Callback):
    """One line on the terminal with the progress of the run, which disappears when the run ends.

    It shows the epoch, the loss, the last value on the development set, the learning rate, the
    speed and the time that is left.
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._dev = "–"
        self._started = self._samples = self._steps = 0.0

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Show the bar."""
        if not trainer.is_global_zero:
            return
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task = self._progress.add_task("", epoch="", numbers="", total=None)
        self._progress.start()
        self._started = time.perf_counter()
        self._samples = self._steps = 0.0

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Move the bar back to the start."""
        if self._progress:
            self._progress.reset(self._task, total=None)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the bar on by a micro-batch."""
        if not self._progress:
            return
        assert isinstance(module, Trainable)
        sums = module.step_sums
        self._samples += sums["samples"]
        self._steps += 1
        elapsed = time.perf_counter() - self._started
        total = int(trainer.num_training_batches)
        epochs = (trainer.max_epochs or 0) - trainer.current_epoch - (batch_idx + 1) / total
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        measure = module.measure
        loss, speed = sums["loss"] / max(sums["items"], 1), module.speed(self._samples, elapsed)
        self._progress.update(
            self._task,
            completed=batch_idx + 1,
            total=total,
            epoch=f"{trainer.current_epoch + 1}/{trainer.max_epochs}",
            numbers=(
                f"loss {loss:.2f} · dev {measure.name} {self._dev} · "
                f"lr {rate:.1e} · {speed:.0f}{measure.speed} · "
                f"{_clock(epochs * total * elapsed / self._steps)} left"
            ),
        )

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Take up the value of the epoch on the development set."""
        assert isinstance(module, Trainable)
        self._dev = module.measure.shown(module.criterion)

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Remove the bar."""
        self._stop()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Remove the bar."""
        self._stop()

    def _stop(self) -> None:
        if self._progress:
            self._progress.stop()
            self._progress = None


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
