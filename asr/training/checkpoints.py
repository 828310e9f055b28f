"""Checkpoints: the state from which a run can go on, and the weights of its best epochs."""

import io
import math
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from asr.errors import ModelError
from asr.files import write_atomically
from asr.training.trainable import Trainable

LAST = "last.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints for Lightning, whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Serialise a checkpoint in memory, then write, flush and rename the file."""
        save(checkpoint, Path(path))


def save(content: Any, path: Path) -> None:
    """Write ``content`` as ``torch.save`` does, but whole or not at all."""
    data = io.BytesIO()
    torch.save(content, data)
    write_atomically(path, data.getvalue())


def load_state(path: Path) -> dict[str, Tensor]:
    """Read the weights in a checkpoint; nothing but tensors and plain values is unpickled.

    Raises:
        ModelError: the file is not a checkpoint, or holds other objects.
    """
    state: dict[str, Tensor] = _load(path)["state_dict"]
    return state


def _load(path: Path) -> dict[str, Any]:
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["state_dict"]
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{path}: not a usable checkpoint ({reason})") from error
    return checkpoint


def check_checkpoints(folder: Path, module: Trainable) -> None:
    """Check that ``last.ckpt``, and the best epochs that it names, are there and hold weights of
    the network of ``module``.

    Raises:
        ModelError: one is missing, is no checkpoint, or is one of another network.
    """
    last = folder / LAST
    checkpoint = _load(last)
    _check_shapes(last, checkpoint["state_dict"], module)
    kept = checkpoint.get("callbacks", {}).get(Checkpoints.__qualname__, {"best": []})
    for _, epoch in kept["best"]:
        path = best_path(folder, epoch)
        if not path.exists():
            raise ModelError(
                f"{path} is missing, one of the best epochs so far by {last}; put it back, or "
                "train anew with --set name=NAME"
            )
        _check_shapes(path, load_state(path), module)


def _check_shapes(path: Path, state: dict[str, Tensor], module: Trainable) -> None:
    wanted = module.state_dict()
    for name in dict.fromkeys([*wanted, *state]):
        there, here = (
            tuple(values[name].shape) if name in values else None for values in (state, wanted)
        )
        if there != here:
            raise ModelError(
                f"{path} is of another network: {name} is {_shape(there)}, needs {_shape(here)}"
            )


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else " × ".join(map(str, shape)) or "one number"


def best_path(folder: Path, epoch: int) -> Path:
    """Return the file with the weights of an ``epoch`` (from 0), if it is one of the best."""
    return folder / f"best-{epoch + 1:04d}.ckpt"


def average(paths: list[Path]) -> dict[str, Tensor]:
    """Return the mean of the weights in ``paths``.

    Raises:
        ModelError: one of them is no checkpoint.
    """
    mean: dict[str, Tensor] = {}
    for path in paths:
        for name, value in load_state(path).items():
            mean[name] = mean[name] + value / len(paths) if name in mean else value / len(paths)
    return mean


class Checkpoints(lightning.Callback):
    """Keeps ``last.ckpt``, from which the run can go on, and the weights of the ``keep`` epochs
    with the lowest criterion on the development set (the earlier one of equals) as
    ``best-EPOCH.ckpt``.

    ``last.ckpt`` is written after every epoch, and after every ``steps`` steps unless that is 0. It
    names the best epochs; files that it does not name are deleted only after it is written. After
    ``every`` epochs, and as many again, the weights stay as ``kept-EPOCH.ckpt``, unless that is 0.
    Training ends after ``patience`` epochs without a lower one, unless that is 0, and where the
    module's plan ends.
    """

    def __init__(
        self, folder: Path, keep: int = 1, steps: int = 0, patience: int = 0, every: int = 0
    ) -> None:
        self.every = every
        self.folder = folder
        self.keep = keep
        self.steps = steps
        self.patience = patience
        self.best: list[tuple[float, int]] = []
        self.stale = 0

    @property
    def paths(self) -> list[Path]:
        """Return the files of the best epochs, the best first."""
        return [best_path(self.folder, epoch) for _, epoch in self.best]

    def state_dict(self) -> dict[str, Any]:
        """Return what ``last.ckpt`` keeps of this callback."""
        return {"best": self.best, "stale": self.stale}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what ``last.ckpt`` kept."""
        self.best = [(value, epoch) for value, epoch in state_dict["best"]]
        self.stale = state_dict["stale"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Stop a run that had ended early when its checkpoint was written."""
        assert isinstance(module, Trainable)
        trainer.should_stop = self._over(module, trainer.current_epoch)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write ``last.ckpt`` after every ``steps`` steps within an epoch."""
        done = batch_idx + 1
        if (
            self.steps
            and done % trainer.accumulate_grad_batches == 0
            and done < trainer.num_training_batches
            and trainer.global_step % self.steps == 0
        ):
            trainer.save_checkpoint(self.folder / LAST)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Keep the weights if the epoch is one of the best, then write ``last.ckpt``."""
        assert isinstance(module, Trainable)
        value, epoch = module.criterion, trainer.current_epoch
        lowest = self.best[0][0] if self.best else math.inf
        self.stale = 0 if value < lowest else self.stale + 1
        self.best = sorted([*self.best, (value, epoch)])[: self.keep]
        if (value, epoch) in self.best and trainer.is_global_zero:
            save({"state_dict": module.state_dict()}, best_path(self.folder, epoch))
        if self.every and (epoch + 1) % self.every == 0 and trainer.is_global_zero:
            save({"state_dict": module.state_dict()}, self.folder / f"kept-{epoch + 1:04d}.ckpt")
        trainer.save_checkpoint(self.folder / LAST)
        if trainer.is_global_zero:
            for path in set(self.folder.glob("best-*.ckpt")) - set(self.paths):
                path.unlink()
        trainer.should_stop = self._over(module, epoch + 1)

    def _over(self, module: Trainable, epochs: int) -> bool:
        """Tell whether a run of so many epochs is over before the last one of its configuration."""
        planned = module.plan.end is not None and epochs >= module.plan.end
        return planned or bool(self.patience and self.stale >= self.patience)
