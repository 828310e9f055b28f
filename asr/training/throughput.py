"""The speed at which this machine trains a network."""

import os
import time
from pathlib import Path
from typing import Any

import lightning
import torch

from asr.training.config import Config
from asr.training.data import SpeechData
from asr.training.engine import calm
from asr.training.module import CTCModule
from asr.training.preparation import prepare
from asr.training.suggestion import Machine

SECONDS = 8.0
"""The time of a trial in seconds; what is decoded meanwhile is kept for the run."""


def this_machine() -> Machine:
    """Return the number of processors of this machine, and whether it has a GPU."""
    return Machine(os.cpu_count() or 1, torch.cuda.is_available())


def measure_speed(config: Config, skipped: Path, seconds: float = SECONDS) -> float:
    """Return how many times faster than real time this machine trains with ``config``.

    It is measured in ``seconds`` of real steps, two at least, of which the first is not counted. If
    too much cannot be trained on, the file ``skipped`` lists it.

    Raises:
        DataError: as :func:`asr.training.preparation.prepare`.
    """
    corpus = prepare(config, skipped)
    torch.manual_seed(config.seed)
    module = CTCModule(config, corpus.vocabulary)
    clock = _Clock(seconds)
    with calm():
        trainer = lightning.Trainer(
            max_epochs=-1,
            accelerator=config.training.accelerator,
            devices=1,
            callbacks=[clock],
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
        )
        trainer.fit(module, SpeechData(config, corpus))
    return clock.samples / config.features.sample_rate / clock.elapsed


class _Clock(lightning.Callback):
    """Adds up ``samples`` that are trained on from the second step on, until ``seconds`` have
    ``elapsed``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.samples = self.elapsed = 0.0
        self._started: float | None = None

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count a step, if it is not the first."""
        assert isinstance(module, CTCModule)
        now = time.perf_counter()
        if self._started is None:
            self._started = now
            return
        self.samples += module.step_sums["samples"]
        self.elapsed = now - self._started
        trainer.should_stop = self.elapsed >= self.seconds
