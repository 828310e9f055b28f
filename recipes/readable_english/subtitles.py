"""Count the subtitles that end with a sentence or a clause, as they were recognised and readable.

    python recipes/readable_english/subtitles.py words.jsonl --tagger tagger.onnx

A line of ``words.jsonl`` is a recording, as ``asr align`` prints it: ``words`` with ``word``,
``start`` and ``end``, and ``duration``; ``written`` has the same words with their marks as they are
printed in the book, which decide where a sentence or a clause ends. The recordings follow each
other. The script writes ``subtitles.json``, of which ``tables.py`` makes the table of the README,
and with ``--folder`` the subtitles.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from asr.display.readable import Reader
from asr.display.tagger import read_tagger
from asr.display.written import SENTENCE_ENDS, read_written
from asr.errors import AsrError, DataError
from asr.files import parse_json, read_lines, sha256, to_json, write_atomically
from asr.recognition.reading import SegmentReader
from asr.recognition.segments import Segment, moved, split
from asr.recognition.subtitles import SubtitleOptions, to_cues
from asr.recognition.transcript import Transcript
from asr.recognition.words import Word, join_words
from asr.recognition.writers import render

FOLDER = Path(__file__).parent
LAYOUTS = {
    "a cue a segment": SubtitleOptions(),
    "two lines of 42 characters": SubtitleOptions(max_line_width=42, max_line_count=2),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", type=Path, help="the recordings, a JSON object a line")
    parser.add_argument("--tagger", type=Path, required=True, help="the file of asr text train")
    parser.add_argument("--folder", type=Path, help="write raw.srt, readable.srt, … there")
    parser.add_argument(
        "--output", type=Path, default=FOLDER / "subtitles.json", help="default: beside the script"
    )
    options = parser.parse_args(arguments)
    try:
        words, marks = read_recordings(options.words)
        raw = split(words)
        segments = SegmentReader(lambda: Reader(read_tagger(options.tagger)))
        forms = {"recognised": raw, "readable": (*segments.add(raw), *segments.finish())}
        values = {"tagger": sha256(options.tagger), **measure(words, marks, forms)}
        write_atomically(options.output, to_json(values, indent=1) + "\n")
        if options.folder:
            write_all(options.folder, words, forms)
    except AsrError as error:
        sys.exit(f"error: {error}")


def read_recordings(path: Path) -> tuple[list[Word], list[str]]:
    """Return the words of all recordings on one time axis, and the mark that is printed after each.

    Raises:
        DataError: the file cannot be read, or the words of a recording are not the printed ones.
    """
    words: list[Word] = []
    marks: list[str] = []
    begin = 0.0
    for number, line in enumerate(read_lines(path, "list of recordings"), 1):
        values = parse_json(line)
        said = [str(item["word"]) for item in values["words"]]
        printed = read_written(values["written"])
        if printed is None or [word.word for word in printed] != said:
            raise DataError(f"{path}:{number}: 'written' needs the words that are said")
        for item in values["words"]:
            times = (round(begin + float(item[name]), 3) for name in ("start", "end"))
            words.append(Word(str(item["word"]), *times, 1.0))
        marks += [word.mark for word in printed]
        begin += float(values["duration"])
    return words, marks


def measure(
    words: Sequence[Word], marks: Sequence[str], forms: dict[str, Sequence[Segment]]
) -> dict[str, Any]:
    """Return how many cues end with a sentence, and with a sentence or a clause."""
    rows = []
    for layout, options in LAYOUTS.items():
        for form, segments in forms.items():
            last = [marks[index] for index in last_words(segments, options)]
            row = {
                "layout": layout,
                "form": form,
                "cues": len(last),
                "sentence": sum(mark in SENTENCE_ENDS for mark in last),
                "clause": sum(mark != "" for mark in last),
            }
            rows.append(row)
            print(row, flush=True)
    return {"minutes": round(words[-1].end / 60, 1), "words": len(words), "rows": rows}


def last_words(segments: Sequence[Segment], options: SubtitleOptions) -> list[int]:
    """Return the index of the last word of each cue among all words."""
    ends, count, whole = [], 0, []
    for segment in segments:
        # A token must be one word in the text of its cue.
        tokens = tuple(
            replace(token, text=token.text.replace(" ", "_")) for token in segment.tokens
        )
        whole.append(replace(segment, tokens=tokens))
        lasts = [token.last for token in tokens] if tokens else range(1, len(segment.words) + 1)
        ends += [count + last - 1 for last in lasts]
        count += len(segment.words)
    found, place = [], 0
    for _, _, text in to_cues(whole, options, str):
        place += len(text.split())
        found.append(ends[place - 1])
    return found


def write_all(folder: Path, words: Sequence[Word], forms: dict[str, Sequence[Segment]]) -> None:
    """Write the subtitles and the TextGrid of each form."""
    for form, segments in forms.items():
        tokens, count = [], 0
        for segment in segments:
            tokens += moved(segment.tokens, count)
            count += len(segment.words)
        transcript = Transcript(
            join_words(words), tuple(words), words[-1].end, "", tokens=tuple(tokens)
        )
        for name in ("srt", "vtt", "tsv", "textgrid"):
            text = render(name, "", transcript, LAYOUTS["two lines of 42 characters"])
            write_atomically(folder / f"{form}.{name}", text)


if __name__ == "__main__":
    main()
