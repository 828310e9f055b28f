"""Warnings about a recording that differs from the training domain of its model."""

from collections.abc import Sequence
from dataclasses import dataclass

from asr.audio.meter import Measures
from asr.model.domain import Domain
from asr.recognition.words import Word

MARGIN = 3.0  # levels may lie so many dB outside the range of training
MOST_CLIPPED = 0.001  # the share of samples that may always be clipped
LONGER = 2.0  # a recording may be so many times as long as the longest one of training
UNKNOWN_WORDS, UNKNOWN_SHARE = 3, 0.25


@dataclass
class WordTally:
    """The properties of words by which warnings judge, gathered while words are recognised."""

    words: int = 0
    unknown: int = 0
    best_path: int = 0
    confidence: float = 0.0

    def add(self, domain: Domain, words: Sequence[Word], best_path: Sequence[Word]) -> None:
        """Add the next ``words``, and those of greedy decoding, ``best_path``."""
        self.words += len(words)
        self.unknown += sum(word.text not in domain.words for word in words)
        self.best_path += len(best_path)
        self.confidence += sum(word.confidence for word in best_path)


def domain_warnings(
    domain: Domain,
    measures: Measures,
    words: Sequence[Word],
    best_path: Sequence[Word],
    in_one_piece: bool,
) -> tuple[str, ...]:
    """Return a warning for each property of a recording that lies outside the domain of its model.

    ``words`` are those that were recognised; ``best_path`` are those of greedy decoding, whose
    confidences are those of the network alone. A recording that is not recognised
    ``in_one_piece`` may be of any duration.
    """
    tally = WordTally()
    tally.add(domain, words, best_path)
    return tally_warnings(domain, measures, tally, in_one_piece)


def tally_warnings(
    domain: Domain, measures: Measures, tally: WordTally, in_one_piece: bool
) -> tuple[str, ...]:
    """Return the same for a recording of whose words only a ``tally`` was kept."""
    found = []
    low, high = domain.level
    if measures.level < low - MARGIN:
        found.append(f"near silence: it reaches {measures.level:.0f} dB, {_trained(low, high)}")
    elif measures.level > high + MARGIN:
        found.append(f"loud: it reaches {measures.level:.0f} dB, {_trained(low, high)}")
    if measures.clipped > max(MOST_CLIPPED, domain.clipped):
        found.append(f"clipped: {100 * measures.clipped:.1f} % of the samples at full scale")
    low, high = domain.noise
    if measures.noise > high + MARGIN:
        found.append(
            f"noise or music: its quietest parts have {measures.noise:.0f} dB, "
            f"{_trained(low, high)}"
        )
    low, high = domain.high_band
    if measures.high_band < low - MARGIN:
        found.append(
            f"no high frequencies, as over a telephone: {measures.high_band:.0f} dB above "
            f"4 kHz relative to those below, {_trained(low, high)}"
        )
    if in_one_piece and measures.duration > LONGER * domain.duration[1]:
        found.append(
            f"long: {measures.duration:.1f} s without a break, "
            f"{_trained(*domain.duration, unit='s', digits=1)}"
        )
    sure = tally.confidence / tally.best_path if tally.best_path else 1.0
    if sure < domain.confidence:
        found.append(
            f"unsure: the mean confidence of its words is {sure:.2f}, on speech of its domain "
            f"{domain.confidence:.2f} or more; it may be in another language, or no speech"
        )
    if tally.unknown >= UNKNOWN_WORDS and tally.unknown >= UNKNOWN_SHARE * tally.words:
        found.append(
            f"outside its domain: {tally.unknown} of {tally.words} words are not in the texts that "
            "the model was trained on"
        )
    return tuple(found)


def _trained(low: float, high: float, unit: str = "dB", digits: int = 0) -> str:
    return f"in training {low:.{digits}f} to {high:.{digits}f} {unit}"
