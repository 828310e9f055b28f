"""What a file of transcripts says of one utterance."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Place:
    """The stretch of a recording's channel that a transcript belongs to, from ``start`` to ``end``
    (s); both are None if it is the whole channel. Capitals do not distinguish names."""

    recording: str
    channel: str
    start: float | None = None
    end: float | None = None

    @property
    def key(self) -> tuple[str, str, float | None, float | None]:
        """What is equal for equal places."""
        return self.recording.lower(), self.channel.lower(), self.start, self.end


class TimedWord(NamedTuple):
    """A word from ``start`` to ``end`` (s); the confidence is None if the file gives none."""

    start: float
    end: float
    text: str
    confidence: float | None


@dataclass(frozen=True)
class TranscriptLine:
    """The normalised text of an utterance, its speaker, if known, and what else a file says of it:
    the text as it is ``written``, from files that are not NIST's,
    ``duration`` (s) and ``fields`` from JSON or stm in ``more``, the ``place`` from ctm or stm, and
    ``words`` from ctm. Utterances that are not ``scored`` are stretches that stm leaves out."""

    text: str
    speaker: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None
    words: tuple[TimedWord, ...] | None = None
    scored: bool = True
    written: str | None = field(default=None, compare=False)


class LineError(ValueError):
    """A line that cannot be read; ``number`` counts from 1, 0 stands for the whole file."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


Lines = dict[str, TranscriptLine]
"""The utterances of a file by their ids, in its order."""


def add(lines: Lines, number: int, id: str, line: TranscriptLine) -> None:
    """Add an utterance to ``lines``.

    Raises:
        LineError: the id is already there.
    """
    if id in lines:
        raise LineError(number, f"a second text of {id!r}; each needs an id of its own")
    lines[id] = line
