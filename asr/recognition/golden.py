"""Golden clips: short recordings inside a model directory with the output they must give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.audio.read import read_audio
from asr.decoding.greedy import greedy
from asr.errors import ModelError
from asr.model.directory import GOLDEN, ModelInfo, read_files, read_model, write_model
from asr.recognition.transcriber import Transcriber

TOLERANCE = 1e-2
"""Largest difference of a path's log-probability between machines."""


@dataclass(frozen=True)
class GoldenCheck:
    """One clip: what was recognised and what was expected; scores are log-probabilities."""

    file: str
    text: str
    expected: str
    score: float
    expected_score: float

    @property
    def passed(self) -> bool:
        """Same text, same score within ``TOLERANCE``."""
        return self.text == self.expected and abs(self.score - self.expected_score) <= TOLERANCE


def recognise(transcriber: Transcriber, clip: bytes) -> tuple[str, float]:
    """Greedy text of an audio file's bytes, and the log-probability of its best path."""
    samples = read_audio(clip, transcriber.model.sample_rate).samples
    hypothesis = greedy(transcriber.log_probs(samples), transcriber.model.vocabulary.blank_id)
    return transcriber.transcribe(clip).text, hypothesis.score


def check_golden(folder: str | Path) -> list[GoldenCheck]:
    """Recognise every golden clip of a model directory.

    Raises:
        ModelError: the directory is not sound, or has no golden clips.
    """
    folder = Path(folder)
    if GOLDEN not in read_model(folder).files:
        raise ModelError(f"{folder}: has no golden clips ({GOLDEN}) to verify an install with")
    transcriber = Transcriber(folder)
    checks = []
    for entry in json.loads((folder / GOLDEN).read_text(encoding="utf-8")):
        text, score = recognise(transcriber, (folder / "golden" / entry["file"]).read_bytes())
        checks.append(GoldenCheck(entry["file"], text, entry["text"], score, entry["score"]))
    return checks


def add_golden(folder: str | Path, clips: Mapping[str, bytes]) -> ModelInfo:
    """Put ``clips`` (name to an audio file's bytes) and what the model gives for them into the
    directory."""
    info = read_model(folder)
    transcriber = Transcriber(folder)
    entries = []
    files = {
        name: data
        for name, data in read_files(folder, info).items()
        if not name.startswith("golden/")
    }
    for name, clip in sorted(clips.items()):
        text, score = recognise(transcriber, clip)
        entries.append({"file": name, "text": text, "score": round(score, 4)})
        files[f"golden/{name}"] = clip
    files[GOLDEN] = (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode()
    return write_model(folder, info, files)
