"""The course of the learning rate: one cycle, or warm-up, a constant rate and a decay.

Nothing of it needs saving: it depends on the progress of the run alone.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from asr.config import Section, from_mapping, option, read_values
from asr.training.config import OptimizerConfig

START, END = 1 / 25, 1e-5
"""Where the cycle of the learning rate starts and ends, as shares of its peak."""


@dataclass(frozen=True)
class Plan(Section, name="plan"):
    """What is decided about the learning rate while the run goes on, in a TOML file.

    >>> Plan(decay_from=100, decay_epochs=20).end
    120
    """

    rate: float = option(1.0, "factor of the learning rate", above=0)
    decay_from: int = option(0, "epochs after which the rate falls", at_least=0)
    decay_epochs: int = option(0, "epochs in which it falls to zero; 0: it stays", at_least=0)

    @property
    def end(self) -> int | None:
        """The number of epochs after which the run is over; None if that is left open."""
        return self.decay_from + self.decay_epochs if self.decay_epochs else None


def read_plan(path: str | Path) -> Plan:
    """Read a plan from a TOML file.

    Raises:
        ConfigError: the file is missing or not TOML, a key is unknown, or a value is not allowed.
    """
    return from_mapping(Plan, read_values(path))


def one_cycle(config: OptimizerConfig, progress: float) -> float:
    """Return the learning rate after a share ``progress`` (0 to 1) of the whole run.

    It rises from ``START`` to the peak and falls to ``END``, both along half a cosine (Smith &
    Topin 2018).

    >>> [round(one_cycle(OptimizerConfig(), share), 6) for share in (0, 0.15, 1)]
    [4e-05, 0.001, 0.0]
    """
    peak, rise = config.learning_rate, config.warmup
    if progress < rise:
        return peak * _cosine(START, 1.0, progress / rise)
    return peak * _cosine(1.0, END, (progress - rise) / (1 - rise))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def warmup_stable_decay(config: OptimizerConfig, plan: Plan, epochs: float, most: int) -> float:
    """Return the learning rate after a number of ``epochs``, of which there are ``most``.

    It rises in a straight line from ``START`` to the peak and stays there until the ``plan`` lets
    it fall to zero, as one minus the square root of the share of the decay that is done (Hägele et
    al. 2024, "Scaling laws and compute-optimal training beyond fixed training durations").

    >>> config, plan = OptimizerConfig(learning_rate=1.0), Plan(decay_from=50, decay_epochs=40)
    >>> [round(warmup_stable_decay(config, plan, epochs, 100), 2) for epochs in (0, 15, 50, 60, 90)]
    [0.04, 1.0, 1.0, 0.5, 0.0]
    """
    rate = config.learning_rate * plan.rate
    rate *= START + (1 - START) * min(1.0, epochs / (most * config.warmup))
    if plan.decay_epochs and epochs > plan.decay_from:
        rate *= 1 - math.sqrt(min(1.0, (epochs - plan.decay_from) / plan.decay_epochs))
    return rate
