"""Writers of transcripts: plain text, JSON, subtitles, tables, and the tiers of Praat.

Subtitles and tables are written as Whisper writes them. All formats of a transcript agree on its
times, which are whole milliseconds.

A format is one function here: in :data:`INCREMENTAL` if its text can be written segment by segment,
else called by :func:`render`. Its name stands in :mod:`asr.recognition.formats`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.audio.inputs import Piece
from asr.audio.read import source_name
from asr.errors import ConfigError
from asr.files import name_as_text, to_json
from asr.recognition.formats import FORMATS
from asr.recognition.segments import Segment
from asr.recognition.subtitles import (
    ONE_LINE,
    SubtitleOptions,
    TimedWord,
    timed_words,
    to_cues,
    to_milliseconds,
)
from asr.recognition.transcript import Transcript
from asr.recognition.words import join_words

if TYPE_CHECKING:
    from asr.display.tokens import Token


def render(
    format: str,
    source: str | Path | Piece,
    transcript: Transcript,
    options: SubtitleOptions = ONE_LINE,
    settings: Mapping[str, Any] | None = None,
    *,
    id: str | None = None,
    name: str | None = None,
) -> str:
    """Return a transcript of ``source`` as text in one of ``FORMATS``.

    ``options`` apply to ``srt`` and ``vtt``. ``settings``, such as those of the decoder, are
    written into ``json`` alone, and so is the ``id`` of the recording in its manifest. ``name`` is
    the recording in ``ctm``; None stands for the name of the file without its suffix.

    >>> from asr.recognition.words import Word
    >>> words = Word("go", 0.0, 0.4, 1.0), Word("on", 0.5, 0.9, 1.0)
    >>> transcript = Transcript("go on", words, duration=1.0, model="")
    >>> print(render("vtt", "talk.wav", transcript), end="")
    WEBVTT
    <BLANKLINE>
    00:00.000 --> 00:00.900
    go on
    <BLANKLINE>

    Raises:
        ConfigError: the format is unknown.
    """
    if format == "json":
        return _json(source, transcript, settings or {}, id)
    if format == "textgrid":
        return _textgrid(transcript)
    return "".join(stream(format, source, transcript.segments, options, name))


def stream(
    format: str,
    source: str | Path | Piece,
    segments: Iterable[Segment],
    options: SubtitleOptions = ONE_LINE,
    name: str | None = None,
) -> Iterator[str]:
    """Yield the text that :func:`render` returns in parts, each as soon as its segments have come.

    Raises:
        ConfigError: the format is not one of ``INCREMENTAL``.
    """
    if format not in INCREMENTAL:
        known = INCREMENTAL if format in FORMATS else FORMATS
        raise ConfigError(f"format is {format!r}, needs one of {', '.join(known)}")
    if name is None:
        name = file_stem(source.path if isinstance(source, Piece) else source)
    return INCREMENTAL[format](name, segments, options)


def _txt(_: str, segments: Iterable[Segment], __: SubtitleOptions) -> Iterator[str]:
    """Yield a line for each segment, or one empty line if nothing was said."""
    line = None
    for segment in segments:
        yield (line := segment.display + "\n")
    if line is None:
        yield "\n"


def _srt(_: str, segments: Iterable[Segment], options: SubtitleOptions) -> Iterator[str]:
    """Yield the cues of SubRip, which has no escapes: an arrow ``-->`` within text becomes
    ``->``."""
    cues = to_cues(segments, options, lambda text: re.sub("-{2,}>", "->", text))
    for number, (start, end, text) in enumerate(cues, start=1):
        times = f"{_clock(start, ',', True)} --> {_clock(end, ',', True)}"
        yield f"{number}\n{times}\n{text}\n\n"


def _vtt(_: str, segments: Iterable[Segment], options: SubtitleOptions) -> Iterator[str]:
    """Yield the cues of WebVTT (W3C), in which ``&``, ``<`` and ``>`` of the text are escaped."""
    escapes = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    yield "WEBVTT\n\n"
    for start, end, text in to_cues(segments, options, lambda text: text.translate(escapes)):
        yield f"{_clock(start, '.', False)} --> {_clock(end, '.', False)}\n{text}\n\n"


def _tsv(_: str, segments: Iterable[Segment], __: SubtitleOptions) -> Iterator[str]:
    """Yield a line for each segment: start (ms), end (ms) and text, separated by tabs."""
    yield "start\tend\ttext\n"
    for words in timed_words(segments):
        yield f"{words[0].start}\t{words[-1].end}\t{join_words(words)}\n"


def _ctm(name: str, segments: Iterable[Segment], _: SubtitleOptions) -> Iterator[str]:
    """Yield NIST's conversation time marks, a line for each word: recording, channel, start (s),
    duration (s), word and confidence."""
    recording = column(name_as_text(name))
    for words in timed_words(segments, verbatim=True):
        yield "".join(
            f"{recording} 1 {word.start / 1000:.3f} {(word.end - word.start) / 1000:.3f} "
            f"{column(word.text)} {word.confidence:.4f}\n"
            for word in words
        )


INCREMENTAL: dict[str, Callable[[str, Iterable[Segment], SubtitleOptions], Iterator[str]]] = {
    "txt": _txt,
    "srt": _srt,
    "vtt": _vtt,
    "tsv": _tsv,
    "ctm": _ctm,
}


def _json(
    source: str | Path | Piece,
    transcript: Transcript,
    settings: Mapping[str, Any],
    id: str | None,
) -> str:
    """Return one JSON object on one line; times are in seconds, ``model`` is the hash of the
    graph."""
    segments = list(timed_words(transcript.segments, verbatim=True))
    values: dict[str, Any] = {
        "audio": source_name(source.path if isinstance(source, Piece) else source),
        **({} if id is None else {"id": id}),
        **({"offset": source.start} if isinstance(source, Piece) else {}),
        "text": transcript.text,
        **_readable(transcript),
        "words": [word_values(word) for words in segments for word in words],
        "segments": [
            {"start": words[0].start / 1000, "end": words[-1].end / 1000, "text": join_words(words)}
            for words in segments
        ],
        "duration": to_milliseconds(transcript.duration) / 1000,
        "model": transcript.model,
        "settings": dict(settings),
        "warnings": list(transcript.warnings),
    }
    return to_json(values) + "\n"


def word_values(word: TimedWord) -> dict[str, Any]:
    """Return a word as JSON has it: its text, its times in seconds, and its confidence."""
    return {
        "word": word.text,
        "start": word.start / 1000,
        "end": word.end / 1000,
        "confidence": round(word.confidence, 4),
    }


def _readable(transcript: Transcript) -> dict[str, Any]:
    """Return the readable form, if there is one."""
    if not transcript.tokens:
        return {}
    return {"display": transcript.display, "tokens": token_fields(transcript.tokens)}


def token_fields(tokens: "Sequence[Token]") -> list[dict[str, Any]]:
    """Return tokens as JSON has them, with the words that each stands for: the first one and the
    one behind the last, counted from 0."""
    return [{"text": token.text, "first": token.first, "last": token.last} for token in tokens]


def _textgrid(transcript: Transcript) -> str:
    """Return Praat's long text format: a tier of words and one of segments, both without gaps or
    overlaps."""
    segments = list(timed_words(transcript.segments))
    tiers = {
        "words": [(word.start, word.end, word.text) for words in segments for word in words],
        "segments": [(words[0].start, words[-1].end, join_words(words)) for words in segments],
    }
    # Praat accepts no tier of length zero.
    end = max([1, to_milliseconds(transcript.duration), *(words[-1].end for words in segments)])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {end / 1000:.3f}", "tiers? <exists>"]
    lines += [f"size = {len(tiers)}", "item []:"]
    for number, (name, spans) in enumerate(tiers.items(), start=1):
        intervals = _tiles(spans, end)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            "        xmin = 0",
            f"        xmax = {end / 1000:.3f}",
            f"        intervals: size = {len(intervals)}",
        ]
        for index, (first, last, text) in enumerate(intervals, start=1):
            label = text.replace('"', '""')
            lines += [
                f"        intervals [{index}]:",
                f"            xmin = {first / 1000:.3f}",
                f"            xmax = {last / 1000:.3f}",
                f'            text = "{label}"',
            ]
    return "\n".join(lines) + "\n"


def _tiles(spans: list[tuple[int, int, str]], end: int) -> list[tuple[int, int, str]]:
    """Return ``spans`` and, with empty texts, the gaps before, between and behind them, from 0 to
    ``end``."""
    tiles, last = [], 0
    for span in [*spans, (end, end, "")]:
        if span[0] > last:
            tiles.append((last, span[0], ""))
        last = span[1]
        tiles.append(span)
    return tiles[:-1]


def _clock(milliseconds: int, mark: str, always_hours: bool) -> str:
    """Return a time as ``HH:MM:SS,mmm``, with ``mark`` in place of the comma; hours that are 0 are
    left out unless ``always_hours`` is true."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours:02}:" if hours or always_hours else ""
    return f"{start}{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def column(text: str) -> str:
    """Return ``text`` as one column: with underscores in place of spaces."""
    return "_".join(text.split()) or "_"


def file_stem(source: str | Path) -> str:
    """Return the name of a recording in its outputs: that of its file, without the ending.

    >>> file_stem("in/talk.wav"), file_stem("-")
    ('talk', 'stdin')
    """
    return "stdin" if str(source) == "-" else Path(source).stem
