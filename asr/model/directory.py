"""The model directory, the only connection between training and recognition.

Training writes it and recognition reads it, both through this module:

model.json       schema version, sample rate, frame stride, vocabulary, configuration, provenance,
                 scores, calibration, and the SHA-256 of every other file
model.onnx       waveforms (B, samples) float32, lengths (B,) int64, and optionally feature
                 statistics (B, 2, num_mels) float32
                 -> log_probs (B, frames, V) float32, frame_lengths (B,) int64, and beside a decoder
                 encodings (B, frames, E) float32
attention.onnx   a decoder with attention (:mod:`asr.decoding.attention`), if one was trained
domain.json      the training domain (:mod:`asr.model.domain`)
tagger.onnx      the tagger of the readable form (:mod:`asr.display.tagger`)
lm.json, lm.*    the language-model bundle for beam search (:mod:`asr.decoding.bundle`)
golden/          short clips with the output that they must give (:mod:`asr.recognition.golden`)
README.md        the model card

``model.json`` and ``model.onnx`` are always there. ``asr train`` writes all but the tagger, which
``asr text add`` adds, and the language-model bundle, which ``asr lm tune`` adds.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from asr.config import from_mapping, to_mapping
from asr.errors import AsrError, DataError, ModelError, OutputError
from asr.files import parse_json, sha256, to_json, write_folder
from asr.model.calibration import Calibrator
from asr.model.config import EncoderConfig, FeatureConfig
from asr.text import Vocabulary

SCHEMA_VERSION = 1
DESCRIPTION = "model.json"
GRAPH = "model.onnx"
ATTENTION = "attention.onnx"
CARD = "README.md"
TAGGER = "tagger.onnx"
DECODERS = ("greedy", "beam")


@dataclass(frozen=True)
class ModelInfo:
    """The description of a model, as ``model.json`` holds it.

    ``provenance`` tells how the weights were trained, ``scores`` are the error rates of tests, and
    ``files`` gives the SHA-256 of each other file of the directory.

    ``word_offsets`` are two measured times in seconds: from the first frame of a word to its
    audible beginning, and from its last frame to its audible end (see
    :mod:`asr.recognition.words`). ``calibrators`` turn the confidences of words into shares of
    right words; there is one for each of the :data:`DECODERS` that was measured, and
    ``"attention"`` for beam search whose best texts a decoder with attention scores. ``decoder`` is
    the one that recognises unless another is asked for.
    """

    vocabulary: Vocabulary
    features: FeatureConfig
    encoder: EncoderConfig
    provenance: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    word_offsets: tuple[float, float] = (0.0, 0.0)
    calibrators: dict[str, Calibrator] = field(default_factory=dict)
    decoder: str = "greedy"

    @property
    def sample_rate(self) -> int:
        """The sample rate of the waveforms, in Hz."""
        return self.features.sample_rate

    @property
    def frame_stride(self) -> int:
        """The number of samples from one output frame to the next."""
        return self.features.hop_length * self.encoder.reduction

    @property
    def min_samples(self) -> int:
        """The fewest samples in which the network can recognise anything."""
        return max(self.features.window_length, self.frame_stride)

    @property
    def hash(self) -> str:
        """The SHA-256 of the graph, which holds every weight."""
        return self.files[GRAPH]

    def num_frames(self, samples: int) -> int:
        """Return the number of output frames of ``samples`` samples, padding at both ends
        included."""
        return self.encoder.num_frames(self.features.num_frames(samples))


def default_model() -> Path:
    """Return the path of the model directory inside the package."""
    return Path(__file__).parent.parent / "models" / "default"


def read_model(folder: str | Path, unchecked: Collection[str] = ()) -> ModelInfo:
    """Read ``model.json`` and check every file of the directory against it.

    Files that are ``unchecked`` must be there, but their contents are not read;
    :func:`check_file` checks them when they are needed.

    >>> info = read_model(default_model())
    >>> info.sample_rate, info.frame_stride, len(info.vocabulary)
    (16000, 640, 29)

    Raises:
        ModelError: a file is missing, surplus or altered, the schema version is another one, or a
            field is wrong; the message names the file and the field.
    """
    folder = Path(folder)
    path = folder / DESCRIPTION
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model directory; it needs a folder with {DESCRIPTION}")
    try:
        values = parse_json(path.read_text(encoding="utf-8"), names=None)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: is not UTF-8 text ({error.reason})") from error
    except DataError as error:
        raise ModelError(f"{path}: {error}") from error
    info = _parse(path, values)
    present = {
        item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()
    } - {DESCRIPTION}
    for name in sorted(info.files.keys() - present):
        raise ModelError(f"{folder / name}: missing, though {DESCRIPTION} lists it in 'files'")
    for name in sorted(present - info.files.keys()):
        raise ModelError(f"{folder / name}: not listed in 'files' of {DESCRIPTION}; remove it")
    for name in info.files:
        if name not in unchecked:
            check_file(folder, info, name)
    return info


def check_file(folder: str | Path, info: ModelInfo, name: str) -> None:
    """Check the contents of a file of a model directory against its description.

    Raises:
        ModelError: they differ.
    """
    path = Path(folder) / name
    if sha256(path) != info.files[name]:
        raise ModelError(
            f"{path}: contents differ from the SHA-256 in {DESCRIPTION}; "
            "get the model directory again"
        )


def read_files(folder: str | Path, info: ModelInfo) -> dict[str, bytes]:
    """Return the contents of every file that ``info`` lists, as :func:`write_model` takes them."""
    return {name: (Path(folder) / name).read_bytes() for name in info.files}


def write_model(folder: str | Path, info: ModelInfo, files: Mapping[str, bytes]) -> ModelInfo:
    """Write a model directory whole or not at all, in place of the model that ``folder`` holds.

    Args:
        info: the description; its ``files`` are replaced by the hashes of the given ones.
        files: the contents of every other file by its name, ``model.onnx`` among them.

    Returns:
        The description that a reader now finds.

    Raises:
        OutputError: the folder cannot be written, or holds something else than a model.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / DESCRIPTION).exists():
        raise OutputError(f"{folder} holds other files than a model's; name another folder")
    description = to_json(_to_values(info, files), indent=1) + "\n"
    write_folder(folder, {**files, DESCRIPTION: description.encode()})
    return read_model(folder)


def update_model(
    folder: str | Path,
    add: Mapping[str, bytes] | None = None,
    remove: Iterable[str] = (),
    output: str | Path | None = None,
    **changes: Any,
) -> ModelInfo:
    """Write a sound model directory anew with some of it changed, whole or not at all.

    Args:
        add: the contents of files that are added, or take the place of files of the same name.
        remove: names of files that are removed before files are added. A name that ends with a
            slash stands for all files of a folder; names that do not exist are ignored.
        output: the folder to write, if ``folder`` itself is to stay as it is.
        changes: new values of fields of :class:`ModelInfo`.

    Returns:
        The description that a reader now finds.

    Raises:
        ModelError: the directory is not sound.
        OutputError: it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     info = update_model(
    ...         default_model(), add={"README.md": b"# My model"}, remove=["golden/"],
    ...         output=f"{folder}/mine", scores={"mine": {"wer": 0.05}},
    ...     )
    >>> "golden/golden.json" in info.files, info.scores
    (False, {'mine': {'wer': 0.05}})
    """
    info = read_model(folder)
    gone = tuple(remove)
    folders = tuple(name for name in gone if name.endswith("/"))
    kept = {
        name: data
        for name, data in read_files(folder, info).items()
        if name not in gone and not name.startswith(folders)
    }
    return write_model(output or folder, replace(info, **changes), {**kept, **(add or {})})


def _to_values(info: ModelInfo, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the contents of ``model.json``; ``sample_rate`` and ``frame_stride`` follow from the
    rest, and are there for human readers."""
    return {
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
        "decoder": info.decoder,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }


def _text(vocabulary: Vocabulary) -> dict[str, Any]:
    values: dict[str, Any] = {"unicode": vocabulary.unicode, "spaced": vocabulary.spaced}
    return values | ({"scores": list(vocabulary.scores)} if vocabulary.scores else {})


def _parse(path: Path, values: Any) -> ModelInfo:
    if not isinstance(values, dict):
        raise ModelError(f"{path}: needs a JSON object, got {type(values).__name__}")
    version = values.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise ModelError(
            f"{path}: schema_version is {version!r}, this version of asr reads {SCHEMA_VERSION}"
        )
    derived = {name: values.pop(name, None) for name in ("sample_rate", "frame_stride")}
    # Directories of the first versions lack these fields.
    values.setdefault("word_offsets", [0.0, 0.0])
    values.setdefault("calibrators", {})
    values.setdefault("decoder", "greedy")
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
            encoder=from_mapping(EncoderConfig, _encoder(values["encoder"]), "encoder"),
            provenance=dict(values["provenance"]),
            scores=dict(values["scores"]),
            files=dict(values["files"]),
            word_offsets=_offsets(values["word_offsets"]),
            calibrators={
                str(name): from_mapping(Calibrator, item, f"calibrators.{name}")
                for name, item in values["calibrators"].items()
            },
            decoder=_decoder(values["decoder"]),
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


def _encoder(values: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` without ``front = "stack"``, which stands in old models that join frames
    instead of having convolutions; only their graph needs to know that."""
    return {key: value for key, value in values.items() if (key, value) != ("front", "stack")}


def _decoder(name: Any) -> str:
    if name not in DECODERS:
        raise ValueError(f"decoder is {name!r}, needs one of {DECODERS}")
    return str(name)


def _offsets(values: Any) -> tuple[float, float]:
    start, end = map(float, values)
    if not max(abs(start), abs(end)) <= 1:
        raise ValueError(f"word_offsets is {values}, needs seconds between -1 and 1")
    return start, end
