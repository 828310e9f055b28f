"""A suggestion for training on one's own recordings: the network, its start, the epochs.

Two figures are measured: AN4's (``recipes/an4``: 38 minutes from random weights, 160 epochs, three
layers of 256) and those that ``recipes/your_data`` reports. The others are choices.
"""

import math
import unicodedata
from dataclasses import dataclass

from asr.counts import counted

MINUTES_OF_AN4, EPOCHS_FROM_RANDOM = 38, 160
"""The minutes and epochs that gave 6.5 % word errors in AN4's narrow domain."""
MINUTES_TO_TUNE, EPOCHS_TO_TUNE = 10, 60
"""The minutes and epochs of a model that is fine-tuned."""
FEWEST_TO_TUNE, FEWEST_FROM_RANDOM = 5, 60
"""The minutes below which there is too little, by experience, not by measurement."""
FEWEST_UTTERANCES = 50
LITTLE = 120
"""The minutes below which networks learn recordings by heart, so that they need more dropout and
augmentation."""
FOREIGN = 0.1
"""The share of characters unknown to the model above which the language is taken for another."""
MINUTES_OF_FOREIGN, MINUTES_OF_ANY = 300, 1200
"""The minutes from which on random weights are the better start: for another language, and for the
same."""
NETWORKS = ((0, 3, 256), (300, 4, 320), (1200, 4, 512))
"""The layers and the hidden size from so many minutes on; the last takes too long without a GPU."""
SHORT_BATCH, BATCH = 24.0, 48.0
BATCHES_OF_GPU = ((0, BATCH), (60, 96.0), (600, 192.0))
"""The seconds of a batch on a GPU from so many minutes on."""
MANY_HOURS = 12


@dataclass(frozen=True)
class Recordings:
    """The recordings to train on: ``characters`` are those of their texts, ``longest`` is the
    longest recording in seconds."""

    minutes: float
    utterances: int
    characters: frozenset[str]
    longest: float = 30.0


@dataclass(frozen=True)
class Machine:
    """The machine to train on; ``speed`` is how many times faster than real time it trains the
    network, None if that is not known."""

    cores: int
    gpu: bool = False
    speed: float | None = None


@dataclass(frozen=True)
class Start:
    """A model to start from: its directory, network and characters."""

    model: str
    layers: int
    hidden_size: int
    characters: frozenset[str]


@dataclass(frozen=True)
class Suggestion:
    """A suggestion: ``init_from`` is empty for random weights, ``minutes`` is the time that
    training takes (None if the speed is not known), ``warnings`` are sentences."""

    init_from: str
    layers: int
    hidden_size: int
    epochs: int
    batch_seconds: float
    little: bool
    minutes: float | None
    warnings: tuple[str, ...]


def suggest(recordings: Recordings, machine: Machine, start: Start | None) -> Suggestion:
    """Suggest how to train: fine-tune ``start``, or begin with random weights.

    Random weights are the start if there is no model, with much audio of another language, and with
    very much audio of any.

    Epochs fall with the square root of the minutes, so that more recordings are gone through less
    often and yet take longer. Training takes epochs x minutes of audio / times real time; the
    development set, a tenth as long and not trained on, is left out of that.
    """
    minutes = recordings.minutes
    gpu = machine.gpu
    if start and minutes >= (
        MINUTES_OF_FOREIGN if is_foreign(recordings, start) else MINUTES_OF_ANY
    ):
        start = None
    if start:
        layers, hidden_size = start.layers, start.hidden_size
        epochs = _epochs(EPOCHS_TO_TUNE, MINUTES_TO_TUNE, minutes, 10, 100)
    else:
        networks = NETWORKS if gpu else NETWORKS[:-1]
        _, layers, hidden_size = [item for item in networks if item[0] <= minutes][-1]
        epochs = _epochs(EPOCHS_FROM_RANDOM, MINUTES_OF_AN4, minutes, 30, 200)
    if gpu:
        batch = [seconds for least, seconds in BATCHES_OF_GPU if least <= minutes][-1]
    else:
        short = minutes < MINUTES_OF_AN4 / 2 and recordings.longest <= 0.8 * SHORT_BATCH
        batch = SHORT_BATCH if short else BATCH
    expected = None if machine.speed is None else epochs * minutes / machine.speed
    return Suggestion(
        init_from=start.model if start else "",
        layers=layers,
        hidden_size=hidden_size,
        epochs=epochs,
        batch_seconds=batch,
        little=minutes < LITTLE,
        minutes=expected,
        warnings=tuple(_warnings(recordings, machine, start, expected)),
    )


def is_foreign(recordings: Recordings, start: Start) -> bool:
    """Tell whether so many characters are new that it is another language than the model's."""
    characters = recordings.characters
    return len(characters - start.characters) > FOREIGN * len(characters)


def _epochs(count: int, of_minutes: float, minutes: float, least: int, most: int) -> int:
    wanted = count * math.sqrt(of_minutes / max(minutes, 1e-3))
    return max(least, min(most, round(wanted)))


def _warnings(
    recordings: Recordings, machine: Machine, start: Start | None, expected: float | None
) -> list[str]:
    minutes = recordings.minutes
    warnings = []
    if start and minutes < FEWEST_TO_TUNE:
        warnings.append(
            f"too little to train on: {minutes:.1f} minutes; below {FEWEST_TO_TUNE} fine-tuning "
            "gives little: record more"
        )
    if not start and minutes < FEWEST_FROM_RANDOM:
        warnings.append(
            f"too little to train on: {minutes:.1f} minutes; from random weights, less than "
            f"{FEWEST_FROM_RANDOM} teach a network few sentences beside their own (AN4's "
            f"{MINUTES_OF_AN4} came to 6.5 % word errors on letters, numbers and a few commands, "
            "and know no other words): start from a model, or record more"
        )
    if recordings.utterances < FEWEST_UTTERANCES:
        warnings.append(
            f"{counted(recordings.utterances, 'utterance')} to train on; below "
            f"{FEWEST_UTTERANCES} they are "
            "learned by heart"
        )
    new = sorted(recordings.characters - start.characters) if start else []
    if new:
        warnings.append(
            f"{start.model if start else ''} has no symbol for {' '.join(new)}: they are learned "
            "from these recordings alone"
        )
    if any(unicodedata.category(character)[0] == "N" for character in recordings.characters):
        warnings.append("the texts hold figures; words are better, as they are spoken: four, not 4")
    if expected is not None and expected > 60 * MANY_HOURS:
        advice = "" if machine.gpu else "take a GPU, or "
        warnings.append(
            f"about {expected / 60:.0f} hours on this machine: {advice}"
            "fewer epochs (--set training.epochs=N)"
        )
    return warnings
