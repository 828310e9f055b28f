"""The processes of a run, of which there may be others when it goes on.

A step of a run has as many micro-batches as its processes take together. If they are as many as
before, a run goes on with the same batches; otherwise it goes on from the same share of its epoch.
"""

import os
from dataclasses import dataclass, replace
from typing import Any

import torch

from asr.training.config import EngineConfig


@dataclass(frozen=True)
class Processes:
    """The processes of a run: ``devices`` on each of ``nodes``, which take ``accumulate``
    micro-batches each to a step."""

    devices: int
    nodes: int
    accumulate: int

    @property
    def parts(self) -> int:
        """The micro-batches of a step.

        >>> Processes(devices=2, nodes=3, accumulate=4).parts
        24
        """
        return self.devices * self.nodes * self.accumulate

    def __str__(self) -> str:
        several = "es" if self.devices > 1 else ""
        each = f"{self.accumulate} micro-batch{'es' if self.accumulate > 1 else ''} each to a step"
        where = f"each of {self.nodes} nodes" if self.nodes > 1 else "one node"
        return f"{self.devices} process{several} on {where}, {each}"

    def micro_batch(self, before: "Processes", done: int) -> int:
        """Return how many micro-batches of an epoch are behind a process where each process of
        ``before`` had ``done`` so many.

        >>> Processes(1, 1, 4).micro_batch(Processes(2, 1, 2), done=6)
        12
        """
        return done // before.accumulate * before.parts // self.parts * self.accumulate


def processes_of(options: EngineConfig) -> Processes:
    """Return the processes that the options of a run name."""
    return Processes(options.devices, options.nodes, options.accumulate)


def started(config: Any) -> Any:
    """Return the configuration of a run with the processes that torchrun has started, if it has."""
    if not torch.distributed.is_torchelastic_launched():
        return config
    devices, ranks = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    return _with(config, devices=devices, nodes=ranks // devices)


def as_begun(config: Any, begun: Any) -> Any:
    """Return the configuration ``config`` with the processes of the one that the run has
    ``begun`` with."""
    return _with(config, devices=begun.training.devices, nodes=begun.training.nodes)


def going_on(config: Any, begun: Any) -> Any:
    """Return the configuration with which a run that has ``begun`` with other processes goes on.

    As many micro-batches are accumulated as give steps of the size that they had, or nearly.
    """
    wanted, now = processes_of(begun.training), processes_of(config.training)
    accumulate = max(1, round(wanted.parts / (now.devices * now.nodes)))
    return _with(config, accumulate=accumulate)


def _with(config: Any, **options: int) -> Any:
    return replace(config, training=replace(config.training, **options))
