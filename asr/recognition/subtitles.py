"""Subtitles: words on a timeline of whole milliseconds, divided into cues as Whisper divides
them."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from asr.errors import ConfigError
from asr.recognition.segments import Segment
from asr.recognition.words import join_words

ENDS = ((".", "?", "!"), (",", ";", ":", "–"))
"""The marks that a subtitle ends behind, the best ones first."""

LONG_PAUSE = 3000
"""The distance in milliseconds from the start of a word to that of the next beyond which a cue of
several segments ends."""


@dataclass(frozen=True)
class SubtitleOptions:
    """Options for the cues of ``srt`` and ``vtt``; by default a cue is one line, and a segment.

    Args:
        max_line_width: the most characters of a line; a longer word has a line of its own.
        max_line_count: the most lines of a cue. With it, cues are filled across segments, up to a
            long pause.
        max_words_per_line: the most words of a cue, which then has one line.
        highlight_words: true if every word gets a cue in which it is underlined.

    Raises:
        ConfigError: a number is below 1, or the options do not go together.
    """

    max_line_width: int | None = None
    max_line_count: int | None = None
    max_words_per_line: int | None = None
    highlight_words: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "highlight_words" and value is not None and value < 1:
                raise ConfigError(f"{_option(name)} is {value}, needs 1 or more")
        if self.max_line_count is not None and self.max_line_width is None:
            raise ConfigError("--max-line-count needs --max-line-width as well")
        if self.max_words_per_line is not None and self.max_line_width is not None:
            raise ConfigError("give one of --max-words-per-line and --max-line-width, not both")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


ONE_LINE = SubtitleOptions()


@dataclass(frozen=True)
class TimedWord:
    """A word whose ``start`` and ``end`` are whole milliseconds."""

    text: str
    start: int
    end: int
    confidence: float
    joined: bool = False


def timed_words(segments: Iterable[Segment], verbatim: bool = False) -> Iterator[list[TimedWord]]:
    """Yield the words of every segment on a timeline of whole milliseconds: those of the readable
    form, or if ``verbatim`` those that were recognised.

    None starts before the last one has ended, and each lasts 1 ms or more, because players of
    subtitles and Praat drop words without length.
    """
    last = 0
    for segment in segments:
        words = []
        for word in segment.words if verbatim else segment.shown:
            start = max(to_milliseconds(word.start), last)
            last = max(to_milliseconds(word.end), start + 1)
            text = re.sub(r"\s", " ", word.text)
            words.append(TimedWord(text, start, last, word.confidence, word.joined))
        yield words


def to_cues(
    segments: Iterable[Segment], options: SubtitleOptions, escape: Callable[[str], str]
) -> Iterator[tuple[int, int, str]]:
    """Yield the start (ms), the end (ms) and the text of every cue; ``escape`` is applied to words.

    >>> from asr.recognition.words import Word
    >>> segment = Segment((Word("go", 0.0, 0.4, 1.0), Word("on", 0.5, 0.9, 1.0)))
    >>> list(to_cues([segment], ONE_LINE, escape=str))
    [(0, 900, 'go on')]
    >>> list(to_cues([segment], SubtitleOptions(max_words_per_line=1), escape=str))
    [(0, 400, 'go'), (500, 900, 'on')]
    """
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
    """Yield the lines of every subtitle, as soon as no word can be added to it."""
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
                if pause:
                    yield lines
                    lines = []
                elif len(lines) == options.max_line_count:
                    ended, lines = _end([word for line in lines for word in line], word, options)
                    yield ended
                    continue
                lines.append([word])
            if not across:
                yield lines
                lines = []
    if lines:
        yield lines


def _end(
    words: list[TimedWord], following: TimedWord, options: SubtitleOptions
) -> tuple[list[list[TimedWord]], list[list[TimedWord]]]:
    """Divide the ``words`` of a full subtitle: return its lines, and those of the next one, which
    ``following`` belongs to.

    It ends with a sentence, else with a clause, if one ends in its second half; else it stays
    full.
    """
    width, most = options.max_line_width, options.max_line_count
    places = range(len(words), (len(words) + 1) // 2 - 1, -1)
    for marks in ENDS:
        for place in places:
            if place and words[place - 1].text.endswith(marks):
                rest = _fill([*words[place:], following], width)
                if most is None or len(rest) <= most:
                    return _fill(words[:place], width), rest
    return _fill(words, width), [[following]]


def _fill(words: Iterable[TimedWord], width: int | None) -> list[list[TimedWord]]:
    """Return words in lines that are as full as ``width`` allows."""
    lines: list[list[TimedWord]] = []
    for word in words:
        if lines and _fits(lines[-1], word, width):
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _fits(line: list[TimedWord], word: TimedWord, width: int | None) -> bool:
    return width is None or len(join_words([*line, word])) <= width


def to_milliseconds(seconds: float) -> int:
    """Round to whole milliseconds; a half is rounded up."""
    return math.floor(1000 * seconds + 0.5)
