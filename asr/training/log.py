"""The log of a run: one CSV row an epoch, a line on the terminal, and a picture of the curves."""

import csv
import io
import sys
import time
from pathlib import Path
from typing import Any

import lightning

from asr.files import write_atomically

COLUMNS = ("epoch", "step", "learning_rate", "train_loss", "dev_loss", "dev_wer", "seconds")
PICTURE_SECONDS = 10.0
"""Least time between two drawings: with short epochs they would take longer than the training."""


class RunLog(lightning.Callback):
    """Writes ``metrics.csv`` after every epoch, and ``curves.png`` as the run goes on.

    Rows of epochs that a resumed run repeats are cut, so that each epoch stands once.
    """

    def __init__(self, folder: Path, seconds_of_audio: float) -> None:
        self.path = folder / "metrics.csv"
        self.picture = folder / "curves.png"
        self.seconds_of_audio = seconds_of_audio
        self._started = self._drawn = 0.0

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Cut the rows behind the checkpoint that the run starts from."""
        rows = [row for row in read_log(self.path) if row["epoch"] < trainer.current_epoch]
        _write(self.path, rows)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Add the epoch's row."""
        metrics = trainer.callback_metrics
        seconds = time.perf_counter() - self._started
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "train_loss": float(metrics["train_loss_epoch"]),
            "dev_loss": float(metrics["dev_loss"]),
            "dev_wer": float(metrics["dev_wer"]),
            "seconds": round(seconds, 2),
        }
        rows = [*read_log(self.path), row]
        _write(self.path, rows)
        if time.perf_counter() - self._drawn > PICTURE_SECONDS:
            plot_curves(rows, self.picture)
            self._drawn = time.perf_counter()
        left = (trainer.max_epochs or 0) - trainer.current_epoch - 1
        print(
            f"epoch {row['epoch']}: train loss {row['train_loss']:.3f}, dev loss "
            f"{row['dev_loss']:.3f}, dev WER {row['dev_wer']:.2f} %, {seconds:.0f} s "
            f"({self.seconds_of_audio / seconds:.0f} times real time, "
            f"about {left * seconds / 60:.0f} min left)",
            file=sys.stderr,
            flush=True,
        )

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Draw the whole run."""
        plot_curves(read_log(self.path), self.picture)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of ``metrics.csv`` as numbers; none where the file does not exist yet."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {
                key: int(value) if key in ("epoch", "step") else float(value)
                for key, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def plot_curves(rows: list[dict[str, Any]], path: Path) -> None:
    """Losses and development WER over epochs, as a PNG."""
    from matplotlib.figure import Figure

    epochs = [row["epoch"] + 1 for row in rows]
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, errors = figure.subplots(1, 2)
    losses.plot(epochs, [row["train_loss"] for row in rows], label="training")
    losses.plot(epochs, [row["dev_loss"] for row in rows], label="development")
    losses.set(xlabel="epoch", ylabel="CTC loss (nats per utterance)", ylim=(0, None))
    losses.legend()
    errors.plot(epochs, [row["dev_wer"] for row in rows], color="tab:red")
    best = min(rows, key=lambda row: row["dev_wer"])
    errors.set(
        xlabel="epoch",
        ylabel="WER on the development set (%)",
        ylim=(0, 105),
        title=f"best {best['dev_wer']:.2f} % after epoch {best['epoch'] + 1}",
    )
    for axes in (losses, errors):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    write_atomically(path, data.getvalue())
