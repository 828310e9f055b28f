"""Transcripts as text files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asr.audio import source_name
from asr.errors import OutputError
from asr.transcriber import Transcript


def to_txt(source: str | Path, transcript: Transcript) -> str:
    """The text and a line feed."""
    return transcript.text + "\n"


def to_json(source: str | Path, transcript: Transcript) -> str:
    """One JSON object on one line: source, text, words with times (s), duration (s), model."""
    values: dict[str, Any] = {
        "audio": source_name(source),
        "text": transcript.text,
        "words": [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in transcript.words
        ],
        "duration": round(transcript.duration, 3),
        "model": transcript.model,
        "warnings": list(transcript.warnings),
    }
    return json.dumps(values, ensure_ascii=False) + "\n"


WRITERS: dict[str, Callable[[str | Path, Transcript], str]] = {"txt": to_txt, "json": to_json}


def output_paths(
    sources: Sequence[str | Path], folder: str | Path, formats: Sequence[str]
) -> list[list[Path]]:
    """``folder/<stem>.<format>`` for every source and format.

    Raises:
        OutputError: two sources claim one output file, or an output is one of the sources.
    """
    claims: dict[Path, str | Path] = {}
    inputs = {Path(source).absolute() for source in sources}
    paths = []
    for source in sources:
        stem = "stdin" if str(source) == "-" else Path(source).stem
        paths.append([Path(folder) / f"{stem}.{name}" for name in formats])
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
