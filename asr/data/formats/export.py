"""The utterances of a manifest as they are written in other formats."""

import json
from dataclasses import replace
from pathlib import Path

from asr.data.formats.item import one_line
from asr.data.manifest import Utterance, read_manifest
from asr.errors import DataError
from asr.files import read_text


def read_utterances(manifest: Path) -> list[Utterance]:
    """All utterances with their texts as they are written there, upper case and all.

    Raises:
        DataError: as :func:`asr.data.manifest.read_manifest`; an audio file that is not there.
    """
    utterances = read_manifest(manifest)
    lines = read_text(manifest, "manifest").split("\n")
    result = []
    for item in utterances:
        if not item.audio.is_file():
            raise DataError(f"{manifest}:{item.line}: no audio file {item.audio}")
        text = json.loads(lines[item.line - 1])["text"]
        result.append(replace(item, text=one_line(text)))
    return result


def cannot_keep(item: Utterance, what: str, format: str) -> DataError:
    """The error for ``what`` ("the id 'a b', because of its space") of an utterance."""
    return DataError(f"{format} cannot hold {what} (line {item.line}, {item.id!r})")
