"""The data that a page (:mod:`asr.report.page`) shows: one evaluation, or two of one test set."""

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import soundfile

from asr.audio.headers import SNIFFED, container_of
from asr.audio.inputs import Piece
from asr.audio.read import read_audio
from asr.audio.shared import SharedRecordings
from asr.errors import AudioError
from asr.evaluation.comparison import Difference
from asr.evaluation.pictures import Picture
from asr.evaluation.word_alignment import align_words
from asr.files import write_atomically

OWN = {"utterances", "schema_version"}
"""Fields of ``results.json`` that the page holds in another form, or does not hold."""

PLAYED = {"wav", "flac", "ogg", "mp3", "mov", "matroska", "aac"}
"""The containers that browsers play, as :func:`asr.audio.headers.container_of` names them."""

AUDIO_FOLDER = "audio"
"""The folder beside the page for recordings that were converted."""
SAMPLE_RATE = 16000
"""The rate (Hz) of converted recordings."""


def build_payload(
    systems: Mapping[str, Mapping[str, Any]],
    folder: Path,
    pictures: Mapping[str, Picture] | None = None,
    difference: Difference | None = None,
) -> dict[str, Any]:
    """Return the payload of a page: plain values, which JSON can hold.

    Args:
        systems: the contents of one or two ``results.json``, by the names of the systems.
        folder: where the page will lie; recordings that browsers cannot play are written there.
        pictures: by utterance id.
        difference: between the two systems.

    Raises:
        OutputError: the folder cannot be written.
    """
    values = list(systems.values())
    first = values[0]
    others = [{item["id"]: item for item in system["utterances"]} for system in values[1:]]
    manifest = first.get("manifest")
    audio = None if manifest is None else Path(manifest["path"]).parent
    shared = SharedRecordings()
    utterances = []
    for number, item in enumerate(first["utterances"], start=1):
        outputs = [item, *(other[item["id"]] for other in others)]
        utterances.append(
            {
                **{name: item.get(name) for name in ("id", "speaker", "duration", "noise")},
                "fields": item.get("fields") or {},
                "audio": playable(_source(audio / item["audio"], item, shared), folder, number)
                if audio is not None and item.get("audio") is not None
                else None,
                "reference": item["reference"],
                "outputs": [_output(output) for output in outputs],
                "picture": pictures[item["id"]].values()
                if pictures and item["id"] in pictures
                else None,
            }
        )
    return {
        "title": " and ".join(systems),
        "systems": [
            {"name": name, **{key: value for key, value in system.items() if key not in OWN}}
            for name, system in systems.items()
        ],
        "comparison": None if difference is None else _comparison(difference, list(systems)),
        "left_out": 0,
        "utterances": utterances,
    }


def shortened(payload: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return a payload with only the ``count`` utterances that have the most errors, in their
    order; ``left_out`` counts the others."""
    utterances = payload["utterances"]
    errors = [max(output["errors"] for output in item["outputs"]) for item in utterances]
    worst = sorted(range(len(utterances)), key=errors.__getitem__, reverse=True)
    kept = sorted(worst[:count])
    return {
        **payload,
        "left_out": payload["left_out"] + len(utterances) - len(kept),
        "utterances": [utterances[place] for place in kept],
    }


def _output(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a system's transcript of one utterance."""
    steps = align_words(item["reference"].split(), item["hypothesis"].split())
    return {
        "hypothesis": item["hypothesis"],
        "errors": item["errors"],
        "steps": [[step.reference, step.hypothesis] for step in steps],
        "words": item.get("words"),
        "kinds": item.get("causes"),
        "label_score": item.get("label_score"),
    }


def _comparison(difference: Difference, names: Sequence[str]) -> dict[str, Any]:
    pairs = difference.matched_pairs
    values = asdict(difference)
    del values["matched_pairs"]
    return values | {
        "segments": None if pairs is None else pairs.segments,
        "z": None if pairs is None else pairs.z,
        "p": None if pairs is None else pairs.p,
        "verdict": difference.verdict(*names),
    }


def _source(audio: Path, item: Mapping[str, Any], shared: SharedRecordings) -> Path | Piece:
    """Return the recording of an utterance, or the piece of it."""
    if item.get("offset") is None:
        return audio
    return Piece(audio, item["offset"], item.get("duration"), shared)


def playable(audio: Path | Piece, folder: Path, number: int) -> str | None:
    """Return the URL, relative to ``folder``, from which a page there can play ``audio``; None if
    the recording cannot be read.

    If browsers do not play the file, or if it is a piece, it is converted to a WAV file in
    ``folder``, whose name is ``number``.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        if not isinstance(audio, Piece) and _is_played(audio):
            return quote(os.path.relpath(audio, folder.absolute()).replace(os.sep, "/"))
        samples = read_audio(audio, SAMPLE_RATE).samples
    except (OSError, AudioError, ValueError):  # there is no relative path to another drive
        return None
    wav = io.BytesIO()
    soundfile.write(wav, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    write_atomically(folder / AUDIO_FOLDER / f"{number}.wav", wav.getvalue())
    return f"{AUDIO_FOLDER}/{number}.wav"


def _is_played(audio: Path) -> bool:
    with open(audio, "rb") as file:
        return container_of(file.read(SNIFFED)) in PLAYED
