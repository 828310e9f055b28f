"""What a model knows: the recordings and words it was trained on, and what differs from them.

domain.json    in the model directory: ranges of what was measured of training recordings, the
               confidence of words of speakers it was not trained on, the words of its texts
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.meter import Measures
from asr.errors import ModelError
from asr.model.directory import ModelInfo
from asr.recognition.words import Word

DOMAIN = "domain.json"
TAIL = 0.005  # of the training recordings that may lie outside a range at each end
UNSURE_TAIL = 0.02  # of the development recordings whose words may be less sure
MARGIN = 3.0  # dB
MOST_CLIPPED = 0.001
LONGER = 2.0  # than the longest training recording
UNKNOWN_WORDS, UNKNOWN_SHARE = 3, 0.25
Range = tuple[float, float]


@dataclass(frozen=True)
class Domain:
    """Ranges of :class:`asr.audio.meter.Measures` over the training recordings (of ``clipped`` the
    upper end), the mean ``confidence`` of words that all but a few of the development recordings
    reach, and the ``words`` of the training texts."""

    duration: Range
    level: Range
    noise: Range
    high_band: Range
    clipped: float
    confidence: float
    words: frozenset[str]

    def differences(
        self,
        measures: Measures,
        words: Sequence[Word],
        best_path: Sequence[Word],
        in_one_piece: bool,
    ) -> tuple[str, ...]:
        """What of a recording lies outside, each as a sentence.

        ``words`` were recognised, ``best_path`` are those of greedy decoding, whose confidence is
        that of the network alone. A long recording, not recognised ``in_one_piece``, may be of any
        duration.
        """
        found = []
        low, high = self.level
        if measures.level < low - MARGIN:
            found.append(f"near silence: it reaches {measures.level:.0f} dB, {_trained(low, high)}")
        elif measures.level > high + MARGIN:
            found.append(f"loud: it reaches {measures.level:.0f} dB, {_trained(low, high)}")
        if measures.clipped > max(MOST_CLIPPED, self.clipped):
            found.append(f"clipped: {100 * measures.clipped:.1f} % of the samples at full scale")
        low, high = self.noise
        if measures.noise > high + MARGIN:
            found.append(
                f"noise or music: its quietest parts have {measures.noise:.0f} dB, "
                f"{_trained(low, high)}"
            )
        low, high = self.high_band
        if measures.high_band < low - MARGIN:
            found.append(
                f"no high frequencies, as over a telephone: {measures.high_band:.0f} dB above "
                f"4 kHz relative to those below, {_trained(low, high)}"
            )
        if in_one_piece and measures.duration > LONGER * self.duration[1]:
            found.append(
                f"long: {measures.duration:.1f} s without a break, "
                f"{_trained(*self.duration, unit='s', digits=1)}"
            )
        sure = float(np.mean([word.confidence for word in best_path])) if best_path else 1.0
        if sure < self.confidence:
            found.append(
                f"unsure: the mean confidence of its words is {sure:.2f}, on speech of its domain "
                f"{self.confidence:.2f} or more"
            )
        unknown = sum(word.text not in self.words for word in words)
        if unknown >= UNKNOWN_WORDS and unknown >= UNKNOWN_SHARE * len(words):
            found.append(
                f"outside its domain: {unknown} of {len(words)} words are not in the texts that "
                "the model was trained on"
            )
        return tuple(found)


def _trained(low: float, high: float, unit: str = "dB", digits: int = 0) -> str:
    return f"in training {low:.{digits}f} to {high:.{digits}f} {unit}"


def describe(
    measures: Sequence[Measures], confidences: Sequence[float], texts: Iterable[str]
) -> Domain:
    """The domain of training recordings with these ``measures``, development recordings whose words
    have these mean ``confidences`` (0 without any), and training ``texts``."""

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
    """The contents of ``domain.json``."""
    values = {**asdict(domain), "words": sorted(domain.words)}
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def read_domain(folder: str | Path, info: ModelInfo) -> Domain | None:
    """The domain of a model, None if its directory says nothing of it.

    Raises:
        ModelError: a wrong field.
    """
    if DOMAIN not in info.files:
        return None
    path = Path(folder) / DOMAIN
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Domain(
            duration=_range(values["duration"]),
            level=_range(values["level"]),
            noise=_range(values["noise"]),
            high_band=_range(values["high_band"]),
            clipped=float(values["clipped"]),
            confidence=float(values["confidence"]),
            words=frozenset(map(str, values["words"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: is not the description of a domain ({error!r})") from error


def _range(values: Any) -> Range:
    low, high = map(float, values)
    return low, high
