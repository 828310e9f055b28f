"""The development sets of a run, each of which is counted by itself.

The error rate of all utterances together follows the sets with many words and many errors. The mean
of the sets' rates follows all sets alike.
"""

from collections.abc import Sequence

from asr.config import require
from asr.data.manifest import Utterance, set_of
from asr.evaluation.scoring import ErrorCounts

SUMS = ("errors", "units", "wrong", "characters", "nats")


class DevSets:
    """Counts the errors and the losses of each set that there is among ``utterances``.

    ``sums`` has by set and kind, as in ``"an4/errors"``: the ``errors`` and ``units`` that the run
    is judged by, the ``wrong`` characters and all ``characters``, and the losses in ``nats``.

    Raises:
        ConfigError: an utterance is of no set.
    """

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._sets = {item.id: set_of(item) for item in utterances}
        for id, name in self._sets.items():
            require(bool(name), f'data.dev_sets needs the field "set" in every line; {id} has none')
        self.names = sorted(set(self._sets.values()))
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.sums = {f"{name}/{kind}": 0.0 for name in self.names for kind in SUMS}

    def add(self, id: str, units: ErrorCounts, characters: ErrorCounts, nats: float) -> None:
        """Add the errors and the loss of an utterance to those of its set."""
        values = (units.errors, units.reference, characters.errors, characters.reference, nats)
        for kind, value in zip(SUMS, values, strict=True):
            self.sums[f"{self._sets[id]}/{kind}"] += value

    @property
    def rate(self) -> float:
        """Return the mean over sets of their rates of errors, as a fraction."""
        return sum(self._share(name, "errors", "units") for name in self.names) / len(self.names)

    def columns(self, measure: str) -> dict[str, float]:
        """Return for each set the rates of its errors and of its characters in per cent, and the
        loss in nats to a character, under the names of their columns in ``metrics.csv``."""
        values = {}
        for name in self.names:
            values[f"{measure}_{name}"] = 100 * self._share(name, "errors", "units")
            values[f"cer_{name}"] = 100 * self._share(name, "wrong", "characters")
            values[f"nats_{name}"] = self._share(name, "nats", "characters")
        return values

    def _share(self, name: str, part: str, whole: str) -> float:
        return self.sums[f"{name}/{part}"] / max(self.sums[f"{name}/{whole}"], 1)
