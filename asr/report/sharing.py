"""What a test set has in common with the data that a model was trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import DataError
from asr.manifest import Utterance
from asr.modeldir import sha256


@dataclass(frozen=True)
class Sharing:
    """Speakers of the test set that were trained on, and how many of its ``utterances`` have a text
    or audio that was."""

    speakers: tuple[str, ...]
    texts: int
    audio: int
    utterances: int

    def __str__(self) -> str:
        return (
            f"{len(self.speakers)} speakers of the test set are in the training data, "
            f"{self.texts} of its {self.utterances} texts and {self.audio} of its recordings"
        )


def shared(test: Sequence[Utterance], training: Sequence[Utterance]) -> Sharing:
    """Recordings are the same if their files are, byte for byte.

    Raises:
        DataError: an audio file cannot be read.
    """
    speakers = {item.speaker for item in training} - {None}
    texts = {item.text for item in training}
    return Sharing(
        speakers=tuple(sorted({str(item.speaker) for item in test if item.speaker in speakers})),
        texts=sum(item.text in texts for item in test),
        audio=_same_files([item.audio for item in test], {item.audio for item in training}),
        utterances=len(test),
    )


def _same_files(paths: Sequence[Path], others: Iterable[Path]) -> int:
    """How many of ``paths`` have the content of one of ``others``. Only files of a size that occurs
    on both sides are read."""
    try:
        sizes = [path.stat().st_size for path in paths]
        occurring = set(sizes)
        candidates = [path for path in others if path.stat().st_size in occurring]
        hashes = {sha256(path) for path in candidates}
        common = {path.stat().st_size for path in candidates}
        return sum(
            size in common and sha256(path) in hashes
            for path, size in zip(paths, sizes, strict=True)
        )
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
