"""Words on a timeline of whole milliseconds, and the cues of subtitles, divided as Whisper divides
them."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from asr.errors import ConfigError
from asr.recognition.segments import Segment
from asr.recognition.words import join_words

LONG_PAUSE = 3000
"""Milliseconds from the start of a word to that of the next that end a cue of many segments."""


@dataclass(frozen=True)
class SubtitleOptions:
    """How ``srt`` and ``vtt`` divide words into cues; without options a cue is one line, a segment.

    Args:
        max_line_width: characters of a line; a longer word has a line of its own.
        max_line_count: lines of a cue. Cues are then filled across segments, up to a long pause.
        max_words_per_line: words of a cue of one line.
        highlight_words: a cue for every word, which is underlined in it.

    Raises:
        ConfigError: a number below 1, or options that do not go together.
    """

    max_line_width: int | None = None
    max_line_count: int | None = None
    max_words_per_line: int | None = None
    highlight_words: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "highlight_words" and value is not None and value < 1:
                raise ConfigError(f"{name} is {value}, needs 1 or more")
        if self.max_line_count is not None and self.max_line_width is None:
            raise ConfigError("max_line_count needs max_line_width as well")
        if self.max_words_per_line is not None and self.max_line_width is not None:
            raise ConfigError("give one of max_words_per_line and max_line_width, not both")


ONE_LINE = SubtitleOptions()


@dataclass(frozen=True)
class TimedWord:
    """``start`` and ``end`` in milliseconds."""

    text: str
    start: int
    end: int
    confidence: float
    joined: bool = False


def timed_words(segments: Iterable[Segment]) -> Iterator[list[TimedWord]]:
    """The words of every segment: none starts before the last ended, and each lasts 1 ms or more,
    because neither players of subtitles nor Praat keep what has no length."""
    last = 0
    for segment in segments:
        words = []
        for word in segment.words:
            start = max(to_milliseconds(word.start), last)
            last = max(to_milliseconds(word.end), start + 1)
            text = re.sub(r"\s", " ", word.text)
            words.append(TimedWord(text, start, last, word.confidence, word.joined))
        yield words


def to_cues(
    segments: Iterable[Segment], options: SubtitleOptions, escape: Callable[[str], str]
) -> Iterator[tuple[int, int, str]]:
    """Start and end (ms) and text of the cues."""
    for lines in _subtitles(timed_words(segments), options):
        plain = "\n".join(escape(join_words(line)) for line in lines)
        if not options.highlight_words:
            yield lines[0][0].start, lines[-1][-1].end, plain
            continue
        last = lines[0][0].start
        for spoken in (word for line in lines for word in line):
            if spoken.start > last:
                yield last, spoken.start, plain
            marked = "\n".join(
                join_words(
                    replace(word, text=f"<u>{text}</u>" if word is spoken else text)
                    for word, text in ((word, escape(word.text)) for word in line)
                )
                for line in lines
            )
            yield spoken.start, spoken.end, marked
            last = spoken.end


def _subtitles(
    segments: Iterable[list[TimedWord]], options: SubtitleOptions
) -> Iterator[list[list[TimedWord]]]:
    """The lines of every subtitle, as soon as nothing can be added to it."""
    across = options.max_line_count is not None
    lines: list[list[TimedWord]] = []
    for segment in segments:
        count = options.max_words_per_line or len(segment)
        for first in range(0, len(segment), count):
            for word in segment[first : first + count]:
                pause = bool(across and lines) and word.start - lines[-1][-1].start > LONG_PAUSE
                if lines and not pause and _fits(lines[-1], word, options.max_line_width):
                    lines[-1].append(word)
                    continue
                if pause or len(lines) == options.max_line_count:
                    yield lines
                    lines = []
                lines.append([word])
            if not across:
                yield lines
                lines = []
    if lines:
        yield lines


def _fits(line: list[TimedWord], word: TimedWord, width: int | None) -> bool:
    return width is None or len(join_words([*line, word])) <= width


def to_milliseconds(seconds: float) -> int:
    """Rounded, a half up."""
    return math.floor(1000 * seconds + 0.5)
