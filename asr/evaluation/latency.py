"""How long does one wait for the text of one recording?"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.recognition.transcriber import Transcriber

RECORDINGS = 25


@dataclass(frozen=True)
class Latency:
    """Seconds from opening a file to its text, each file alone: ``median`` and 95 % quantile
    ``p95`` of some ``utterances``, spread evenly over the test set."""

    utterances: int
    median: float
    p95: float


def measure_latency(paths: list[Path], transcriber: Transcriber) -> Latency:
    """Of readable recordings, one at least.

    Raises:
        AudioError: one that is not.
    """
    places = np.unique(np.linspace(0, len(paths) - 1, RECORDINGS).round().astype(int))
    seconds = []
    for place in places:
        started = time.perf_counter()
        transcriber.transcribe(paths[place])
        seconds.append(time.perf_counter() - started)
    median, p95 = np.quantile(seconds, [0.5, 0.95])
    return Latency(len(seconds), round(float(median), 4), round(float(p95), 4))
