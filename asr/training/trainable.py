"""The base of the modules that the engine trains, for acoustic and for language models."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import lightning
import torch

from asr.training.config import EngineConfig, OptimizerConfig
from asr.training.muon import Muon
from asr.training.schedule import Plan, one_cycle, read_plan, warmup_stable_decay


@dataclass(frozen=True)
class Measure:
    """The measure by which epochs are compared on the development set; the lowest is the best."""

    column: str
    """The name of its column in ``metrics.csv``."""
    name: str
    factor: float
    """The factor from the module's value to the value that people read."""
    unit: str
    loss: str
    """The label of the loss, with its unit."""
    speed: str
    """The unit of :meth:`Trainable.speed`."""

    def shown(self, value: float) -> str:
        """Return a value as people read it.

        >>> Measure("dev_wer", "WER", 100, " %", "nats", "×").shown(0.5)
        '50.00 %'
        """
        return f"{self.factor * value:.2f}{self.unit}"


class Trainable(lightning.LightningModule):
    """A network with its optimiser, learning rate and clipping.

    Callbacks read three attributes. ``step_sums`` are the sums of the last micro-batch over all
    ranks: the ``loss``, the number of ``items`` in it, ``not_finite``, ``rejected``, and the
    ``samples`` without and ``padded`` with padding. ``step_norm`` is the norm of the last step's
    gradient before clipping, which may not be finite. ``dev_sums`` (``loss``, ``items``, …) are
    those of the whole development set.
    """

    measure: Measure

    def __init__(self, optimizer: OptimizerConfig, options: EngineConfig) -> None:
        super().__init__()
        self.optimizer_config = optimizer
        self.options = options
        self.plan = Plan()
        self.step_sums: dict[str, float] = {}
        self.step_norm = 0.0
        self.dev_sums: dict[str, float] = {}

    @property
    @abstractmethod
    def criterion(self) -> float:
        """Return the value on the development set that :attr:`measure` describes."""

    @abstractmethod
    def speed(self, samples: float, seconds: float) -> float:
        """Return the speed of training, in the unit that :attr:`measure` names."""

    def dev_columns(self) -> dict[str, float]:
        """Return further values on the development set, by their columns in ``metrics.csv``."""
        return {}

    def parameter_count(self) -> int:
        """Return the number of trained weights."""
        return sum(weight.numel() for weight in self.parameters())

    @property
    def step_finite(self) -> bool:
        """Tell whether the last step had a finite gradient."""
        return math.isfinite(self.step_norm)

    @property
    def dev_loss(self) -> float:
        """Return the mean loss over the items of the development set, in nats."""
        return self.dev_sums["loss"] / max(self.dev_sums["items"], 1)

    def on_validation_epoch_end(self) -> None:
        """Add up the sums of all ranks."""
        self.dev_sums = self.over_ranks(self.dev_sums)

    def over_ranks(self, sums: dict[str, Any]) -> dict[str, float]:
        """Return ``sums`` added up over all ranks."""
        values = torch.tensor(list(sums.values()), dtype=torch.float64, device=self.device)
        if self.trainer.world_size > 1:
            torch.distributed.all_reduce(values)
        return dict(zip(sums, values.tolist(), strict=True))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser: AdamW (Loshchilov & Hutter 2019), or Muon for recurrent layers."""
        options = self.optimizer_config
        fused = self.device.type == "cpu"
        if options.algorithm == "muon":
            return Muon(self, options.learning_rate, options.weight_decay, fused)
        return torch.optim.AdamW(
            self.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=fused,
        )

    def on_fit_start(self) -> None:
        """Read the plan of the run, by which one that is resumed may be over."""
        self.on_train_epoch_start()

    def on_train_epoch_start(self) -> None:
        """Read the plan of the run, if there is one."""
        if self.optimizer_config.plan:
            self.plan = read_plan(self.optimizer_config.plan)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate that belongs to what is done of the run."""
        config, most = self.optimizer_config, self.options.epochs
        accumulate = self.options.accumulate
        steps = int(self.trainer.num_training_batches) // accumulate
        epochs = self.current_epoch + batch_idx // accumulate / steps
        rate = (
            one_cycle(config, epochs / most)
            if config.schedule == "one_cycle"
            else warmup_stable_decay(config, self.plan, epochs, most)
        )
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient's norm; if it is not finite, the step changes nothing on any rank."""
        norm = torch.nn.utils.clip_grad_norm_(
            self.parameters(), self.optimizer_config.gradient_clip
        )
        self.step_norm = float(norm)
        if not self.step_finite:
            optimizer.zero_grad(set_to_none=True)
