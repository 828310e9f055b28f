"""Transcripts as text: plain, JSON, subtitles, tables, and the tiers of Praat.

Subtitles and tables are written as Whisper writes them. All formats of a transcript agree on its
times, which are whole milliseconds.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.audio.read import source_name
from asr.errors import ConfigError, OutputError
from asr.recognition.segments import Segment
from asr.recognition.subtitles import (
    ONE_LINE,
    SubtitleOptions,
    timed_words,
    to_cues,
    to_milliseconds,
)
from asr.recognition.transcript import Transcript
from asr.recognition.words import join_words


def render(
    format: str,
    source: str | Path,
    transcript: Transcript,
    options: SubtitleOptions = ONE_LINE,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A transcript of ``source`` in one of ``FORMATS``.

    ``settings`` (what the decoder was told, …) stand in ``json`` alone.

    Raises:
        ConfigError: an unknown format.
    """
    if format == "json":
        return _json(source, transcript, settings or {})
    if format == "textgrid":
        return _textgrid(transcript)
    return "".join(stream(format, source, transcript.segments, options))


def stream(
    format: str,
    source: str | Path,
    segments: Iterable[Segment],
    options: SubtitleOptions = ONE_LINE,
) -> Iterator[str]:
    """The same text in parts, each as soon as ``segments`` hands out what it takes; for the
    ``INCREMENTAL`` formats.

    Raises:
        ConfigError: another format.
    """
    if format not in INCREMENTAL:
        known = INCREMENTAL if format in FORMATS else FORMATS
        raise ConfigError(f"format is {format!r}, needs one of {', '.join(known)}")
    return INCREMENTAL[format](source, segments, options)


def _txt(_: str | Path, segments: Iterable[Segment], __: SubtitleOptions) -> Iterator[str]:
    """A line per segment; an empty one where nothing was said."""
    line = None
    for segment in segments:
        yield (line := segment.text + "\n")
    if line is None:
        yield "\n"


def _srt(_: str | Path, segments: Iterable[Segment], options: SubtitleOptions) -> Iterator[str]:
    """SubRip, which has no escapes: an arrow within the text loses its shaft."""
    cues = to_cues(segments, options, lambda text: re.sub("-{2,}>", "->", text))
    for number, (start, end, text) in enumerate(cues, start=1):
        times = f"{_clock(start, ',', True)} --> {_clock(end, ',', True)}"
        yield f"{number}\n{times}\n{text}\n\n"


def _vtt(_: str | Path, segments: Iterable[Segment], options: SubtitleOptions) -> Iterator[str]:
    """WebVTT (W3C), whose cues hold tags and escapes."""
    escapes = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    yield "WEBVTT\n\n"
    for start, end, text in to_cues(segments, options, lambda text: text.translate(escapes)):
        yield f"{_clock(start, '.', False)} --> {_clock(end, '.', False)}\n{text}\n\n"


def _tsv(_: str | Path, segments: Iterable[Segment], __: SubtitleOptions) -> Iterator[str]:
    """Milliseconds and text of every segment."""
    yield "start\tend\ttext\n"
    for words in timed_words(segments):
        yield f"{words[0].start}\t{words[-1].end}\t{join_words(words)}\n"


def _ctm(source: str | Path, segments: Iterable[Segment], _: SubtitleOptions) -> Iterator[str]:
    """NIST's conversation time marks: recording, channel, start, duration (s), word, confidence."""
    recording = _column(_stem(source))
    for words in timed_words(segments):
        yield "".join(
            f"{recording} 1 {word.start / 1000:.3f} {(word.end - word.start) / 1000:.3f} "
            f"{_column(word.text)} {word.confidence:.4f}\n"
            for word in words
        )


INCREMENTAL: dict[
    str, Callable[[str | Path, Iterable[Segment], SubtitleOptions], Iterator[str]]
] = {"txt": _txt, "srt": _srt, "vtt": _vtt, "tsv": _tsv, "ctm": _ctm}
FORMATS = ("txt", "json", "srt", "vtt", "tsv", "ctm", "textgrid")


def _json(source: str | Path, transcript: Transcript, settings: Mapping[str, Any]) -> str:
    """One object on one line; times in seconds, ``model`` the hash of the graph."""
    segments = list(timed_words(transcript.segments))
    values: dict[str, Any] = {
        "audio": source_name(source),
        "text": transcript.text,
        "words": [
            {
                "word": word.text,
                "start": word.start / 1000,
                "end": word.end / 1000,
                "confidence": round(word.confidence, 4),
            }
            for words in segments
            for word in words
        ],
        "segments": [
            {"start": words[0].start / 1000, "end": words[-1].end / 1000, "text": join_words(words)}
            for words in segments
        ],
        "duration": to_milliseconds(transcript.duration) / 1000,
        "model": transcript.model,
        "settings": dict(settings),
        "warnings": list(transcript.warnings),
    }
    return json.dumps(values, ensure_ascii=False) + "\n"


def _textgrid(transcript: Transcript) -> str:
    """Praat's long text format; a tier of words, one of segments, each without gap or overlap."""
    segments = list(timed_words(transcript.segments))
    tiers = {
        "words": [(word.start, word.end, word.text) for words in segments for word in words],
        "segments": [(words[0].start, words[-1].end, join_words(words)) for words in segments],
    }
    # Praat makes no tier of length zero.
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
    """``spans`` and, with an empty text, what lies between them and around them until ``end``."""
    tiles, last = [], 0
    for span in [*spans, (end, end, "")]:
        if span[0] > last:
            tiles.append((last, span[0], ""))
        last = span[1]
        tiles.append(span)
    return tiles[:-1]


def _clock(milliseconds: int, mark: str, always_hours: bool) -> str:
    """``HH:MM:SS,mmm``, with ``mark`` for the comma; the hours can be left out where they are 0."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours:02}:" if hours or always_hours else ""
    return f"{start}{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def _column(text: str) -> str:
    """``text`` without the spaces that would make it several columns."""
    return "_".join(text.split()) or "_"


def _stem(source: str | Path) -> str:
    return "stdin" if str(source) == "-" else Path(source).stem


def output_paths(
    sources: Sequence[str | Path],
    folder: str | Path,
    formats: Sequence[str],
    roots: Sequence[str | Path | None] | None = None,
) -> list[list[Path]]:
    """``folder/<stem>.<format>`` for every source and format.

    ``roots``: for every source the input folder that it was found in, None for one that was named
    itself. The folders between a root and its source come again under ``folder``.

    Raises:
        OutputError: two sources claim one output file, or an output is one of the sources.
    """
    claims: dict[Path, str | Path] = {}
    inputs = {Path(source).absolute() for source in sources}
    paths = []
    for source, root in zip(sources, roots or [None] * len(sources), strict=True):
        place = Path(folder)
        if root is not None:
            place /= Path(source).relative_to(root).parent
        paths.append([place / f"{_stem(source)}.{name}" for name in formats])
        for path in paths[-1]:
            if path in claims:
                raise OutputError(
                    f"{claims[path]} and {source} would both be written to {path}; "
                    "transcribe them into different folders"
                )
            if path.absolute() in inputs:
                raise OutputError(f"{path} is an input; choose another output folder")
            claims[path] = source
    return paths
