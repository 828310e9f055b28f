"""The training domain: a description of the recordings and texts that a model was trained on.

The file ``domain.json`` of the model directory holds the ranges of the measures of training
recordings, the confidence of words of speakers that the model was not trained on, and the words of
the training texts. :mod:`asr.training.domain` measures the domain;
:mod:`asr.recognition.warnings` warns of recordings outside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.meter import Measures
from asr.errors import DataError, ModelError
from asr.files import parse_json, to_json
from asr.model.directory import ModelInfo

DOMAIN = "domain.json"
TAIL = 0.005  # the share of training recordings that may lie outside a range at each end
UNSURE_TAIL = 0.02  # the share of development recordings whose words may be less sure
Range = tuple[float, float]


@dataclass(frozen=True)
class Domain:
    """The training domain of a model.

    ``duration`` to ``high_band`` are ranges of :class:`asr.audio.meter.Measures` over the training
    recordings, ``clipped`` is the upper end of such a range. ``confidence`` is the mean confidence
    of words that all but a few of the development recordings reach, ``words`` are those of the
    training texts.
    """

    duration: Range
    level: Range
    noise: Range
    high_band: Range
    clipped: float
    confidence: float
    words: frozenset[str]


def describe(
    measures: Sequence[Measures], confidences: Sequence[float], texts: Iterable[str]
) -> Domain:
    """Describe the domain of training recordings with these ``measures``, development recordings
    whose words have these mean ``confidences`` (there may be none), and training ``texts``."""

    def spread(name: str) -> Range:
        values = [getattr(item, name) for item in measures]
        low, high = np.quantile(values, [TAIL, 1 - TAIL])
        return round(float(low), 3), round(float(high), 3)

    return Domain(
        duration=spread("duration"),
        level=spread("level"),
        noise=spread("noise"),
        high_band=spread("high_band"),
        clipped=spread("clipped")[1],
        confidence=round(float(np.quantile(confidences, UNSURE_TAIL)), 3) if confidences else 0.0,
        words=frozenset(word for text in texts for word in text.split()),
    )


def domain_to_json(domain: Domain) -> bytes:
    """Return the contents of ``domain.json``."""
    values = {**asdict(domain), "words": sorted(domain.words)}
    return (to_json(values, indent=1) + "\n").encode()


def read_domain(folder: str | Path, info: ModelInfo) -> Domain | None:
    """Read the training domain of a model; None if its directory says nothing of it.

    >>> from asr.model.directory import default_model, read_model
    >>> domain = read_domain(default_model(), read_model(default_model()))
    >>> domain.level, "november" in domain.words
    ((-44.0, -7.0), True)

    Raises:
        ModelError: a field is missing or wrong.
    """
    if DOMAIN not in info.files:
        return None
    path = Path(folder) / DOMAIN
    try:
        values: dict[str, Any] = parse_json(path.read_text(encoding="utf-8"))
        return Domain(
            duration=_range(values["duration"]),
            level=_range(values["level"]),
            noise=_range(values["noise"]),
            high_band=_range(values["high_band"]),
            clipped=float(values["clipped"]),
            confidence=float(values["confidence"]),
            words=frozenset(map(str, values["words"])),
        )
    except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: is not the description of a domain ({error!r})") from error


def _range(values: Any) -> Range:
    low, high = map(float, values)
    return low, high
