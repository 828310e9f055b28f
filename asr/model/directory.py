"""The model directory, the one door between training and recognition: read, write, check.

model.json    schema version, sample rate, frame stride, vocabulary and what its text is like,
              configuration, provenance, scores, and the SHA-256 of every other file
model.onnx    waveforms (B, samples) float32, lengths (B,) int64
              -> log_probs (B, frames, V) float32, frame lengths (B,) int64
golden/       short clips with the output they must give
README.md     the model card
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from asr.config import EncoderConfig, FeatureConfig, from_mapping, to_mapping
from asr.errors import AsrError, ModelError, OutputError
from asr.files import sha256, write_folder
from asr.model.calibration import Calibrator
from asr.text import Vocabulary

SCHEMA_VERSION = 1
GRAPH = "model.onnx"
DESCRIPTION = "model.json"
GOLDEN = "golden/golden.json"


@dataclass(frozen=True)
class ModelInfo:
    """What ``model.json`` says."""

    vocabulary: Vocabulary
    features: FeatureConfig
    encoder: EncoderConfig
    provenance: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    word_offsets: tuple[float, float] = (0.0, 0.0)
    """Seconds from the first frame of a word to where it is heard to begin, and from its last
    frame to where it ends, as measured; see :mod:`asr.recognition.words`."""
    calibrators: dict[str, Calibrator] = field(default_factory=dict)
    """Of the confidences of words, by decoder ("greedy", "beam"), as measured."""

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.features.sample_rate

    @property
    def frame_stride(self) -> int:
        """Samples from one output frame to the next."""
        return self.features.hop_length * self.encoder.reduction

    @property
    def min_samples(self) -> int:
        """Fewest samples that give the network a frame to tell."""
        return max(self.features.window_length, self.frame_stride)

    @property
    def hash(self) -> str:
        """SHA-256 of the graph, which holds every weight."""
        return self.files[GRAPH]

    def num_frames(self, samples: int) -> int:
        """Output frames of ``samples`` samples, the padding at both ends included."""
        return self.encoder.num_frames(self.features.num_frames(samples))


def default_model() -> Path:
    """The model directory inside the package."""
    return Path(__file__).parent.parent / "models" / "default"


def read_model(folder: str | Path) -> ModelInfo:
    """Read ``model.json`` and check every file of the directory against it.

    Raises:
        ModelError: a missing, surplus or altered file, another schema version, a wrong field;
            the message names the file and the field.
    """
    folder = Path(folder)
    path = folder / DESCRIPTION
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model directory; it needs a folder with {DESCRIPTION}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelError(f"{path}: is not JSON ({error})") from error
    info = _parse(path, values)
    present = {
        item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()
    } - {DESCRIPTION}
    for name in sorted(info.files.keys() - present):
        raise ModelError(f"{folder / name}: missing, though {DESCRIPTION} lists it in 'files'")
    for name in sorted(present - info.files.keys()):
        raise ModelError(f"{folder / name}: not listed in 'files' of {DESCRIPTION}; remove it")
    for name, digest in info.files.items():
        if sha256(folder / name) != digest:
            raise ModelError(
                f"{folder / name}: contents differ from the SHA-256 in {DESCRIPTION}; "
                "get the model directory again"
            )
    return info


def _parse(path: Path, values: Any) -> ModelInfo:
    if not isinstance(values, dict):
        raise ModelError(f"{path}: needs a JSON object, got {type(values).__name__}")
    version = values.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise ModelError(
            f"{path}: schema_version is {version!r}, this version of asr reads {SCHEMA_VERSION}"
        )
    derived = {name: values.pop(name, None) for name in ("sample_rate", "frame_stride")}
    values.setdefault("word_offsets", [0.0, 0.0])
    values.setdefault("calibrators", {})
    text = values.pop("text", {})
    known = {item.name for item in fields(ModelInfo)}
    if values.keys() != known:
        missing, surplus = sorted(known - values.keys()), sorted(values.keys() - known)
        raise ModelError(f"{path}: fields missing: {missing}, unknown: {surplus}")
    if not isinstance(values["files"], dict) or GRAPH not in values["files"]:
        raise ModelError(f"{path}: 'files' must give the SHA-256 of {GRAPH}")
    try:
        info = ModelInfo(
            vocabulary=_vocabulary(values["vocabulary"], **text),
            features=from_mapping(FeatureConfig, values["features"], "features"),
            encoder=from_mapping(EncoderConfig, values["encoder"], "encoder"),
            provenance=dict(values["provenance"]),
            scores=dict(values["scores"]),
            files=dict(values["files"]),
            word_offsets=_offsets(values["word_offsets"]),
            calibrators={
                str(name): from_mapping(Calibrator, item, f"calibrators.{name}")
                for name, item in values["calibrators"].items()
            },
        )
    except (AsrError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: {error}") from error
    for name, value in derived.items():
        if value != getattr(info, name):
            raise ModelError(f"{path}: {name} is {value!r}, the rest gives {getattr(info, name)}")
    return info


def _vocabulary(
    tokens: Any, unicode: str = "NFC", spaced: bool = True, scores: Any = ()
) -> Vocabulary:
    return Vocabulary(tuple(tokens), tuple(map(float, scores)), unicode, spaced)


def _offsets(values: Any) -> tuple[float, float]:
    start, end = map(float, values)
    if not max(abs(start), abs(end)) <= 1:
        raise ValueError(f"word_offsets is {values}, needs seconds between -1 and 1")
    return start, end


def write_model(folder: str | Path, info: ModelInfo, files: Mapping[str, bytes]) -> ModelInfo:
    """Write ``files`` (name to contents, ``model.onnx`` among them) and a ``model.json`` that
    lists them, in place of the model that the folder holds; whole or not at all.

    Raises:
        OutputError: the folder cannot be written, or holds something else than a model.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / DESCRIPTION).exists():
        raise OutputError(f"{folder} holds other files than a model's; name another folder")
    values = {
        "schema_version": SCHEMA_VERSION,
        "sample_rate": info.sample_rate,
        "frame_stride": info.frame_stride,
        "vocabulary": list(info.vocabulary.tokens),
        "text": _text(info.vocabulary),
        "features": to_mapping(info.features),
        "encoder": to_mapping(info.encoder),
        "provenance": info.provenance,
        "scores": info.scores,
        "word_offsets": list(info.word_offsets),
        "calibrators": {name: to_mapping(item) for name, item in info.calibrators.items()},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    description = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    write_folder(folder, {**files, DESCRIPTION: description.encode()})
    return read_model(folder)


def _text(vocabulary: Vocabulary) -> dict[str, Any]:
    values: dict[str, Any] = {"unicode": vocabulary.unicode, "spaced": vocabulary.spaced}
    return values | ({"scores": list(vocabulary.scores)} if vocabulary.scores else {})


def read_files(folder: str | Path, info: ModelInfo) -> dict[str, bytes]:
    """Contents of every file that ``info`` lists, as :func:`write_model` takes them."""
    return {name: (Path(folder) / name).read_bytes() for name in info.files}
