"""Golden clips: short recordings inside a model directory with the output they must give.

``asr verify`` recognises them: an install that gives the same texts and scores computes what the
model's makers computed. ``golden/golden.json`` lists them with the greedy text and the
log-probability of the best path. The expected output is what the model itself gave, right or wrong;
it does not show how good the model is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.audio.read import read_audio
from asr.decoding.greedy import greedy
from asr.errors import DataError, ModelError
from asr.files import parse_json, to_json
from asr.model.directory import read_model
from asr.recognition.transcriber import Transcriber

FOLDER = "golden/"
LIST = f"{FOLDER}golden.json"

TOLERANCE = 1e-2
"""The largest difference between two machines in the log-probability of a path."""


@dataclass(frozen=True)
class GoldenCheck:
    """The result of checking one clip: the ``text`` and ``score`` that were recognised, and those
    that were expected. Scores are log-probabilities."""

    file: str
    text: str
    expected: str
    score: float
    expected_score: float

    @property
    def passed(self) -> bool:
        """True if the text is the same, and the score within ``TOLERANCE``."""
        return self.text == self.expected and abs(self.score - self.expected_score) <= TOLERANCE


def check_golden(folder: str | Path) -> list[GoldenCheck]:
    """Recognise every golden clip of a model directory.

    >>> from asr.model import default_model
    >>> [(check.text, check.passed) for check in check_golden(default_model())][:2]
    [('rubout q x j v k', True), ('yes repeat', True)]

    Raises:
        ModelError: the directory is not sound, or has no golden clips.
    """
    folder = Path(folder)
    if LIST not in read_model(folder).files:
        raise ModelError(f"{folder}: has no golden clips ({LIST}) to verify an install with")
    transcriber = Transcriber(folder, display=False)
    checks = []
    for file, expected, expected_score in _read_list(folder / LIST):
        text, score = recognise(transcriber, (folder / FOLDER / file).read_bytes())
        checks.append(GoldenCheck(file, text, expected, score, expected_score))
    return checks


def _read_list(path: Path) -> list[tuple[str, str, float]]:
    try:
        entries: list[dict[str, Any]] = parse_json(path.read_text(encoding="utf-8"))
        return [(str(item["file"]), str(item["text"]), float(item["score"])) for item in entries]
    except (DataError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is not a list of golden clips ({error!r})") from error


def golden_files(transcriber: Transcriber, clips: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that a model directory needs for golden ``clips`` (bytes of audio files by
    their names); the expected output is what ``transcriber`` gives now.

    Raises:
        AudioError: a clip is not usable as audio.
    """
    files, entries = {}, []
    for name, clip in sorted(clips.items()):
        text, score = recognise(transcriber, clip)
        entries.append({"file": name, "text": text, "score": round(score, 4)})
        files[f"{FOLDER}{name}"] = clip
    content = to_json(entries, indent=1) + "\n"
    return {**files, LIST: content.encode()}


def recognise(transcriber: Transcriber, clip: bytes) -> tuple[str, float]:
    """Return the text of an audio file's bytes, and the log-probability of its best path.

    The network hears the clip twice: the text is the one that users get, of a long clip in chunks,
    of one without a signal none; the score is that of all frames, which no transcript holds.
    """
    samples = read_audio(clip, transcriber.model.sample_rate).samples
    hypothesis = greedy(transcriber.log_probs(samples), transcriber.model.vocabulary.blank_id)
    return transcriber.transcribe(clip).text, hypothesis.score
