"""What a test set has in common with the data that a model was trained on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.data.manifest import Utterance
from asr.errors import DataError
from asr.files import sha256

_PIECE = 1 << 10


@dataclass(frozen=True)
class Leakage:
    """Speakers of the test set that were trained on, and how many of its ``utterances`` have a text
    or audio that was."""

    speakers: tuple[str, ...]
    texts: int
    audio: int
    utterances: int

    @property
    def counts(self) -> str:
        """What is shared, without saying what the sets are for."""
        return (
            f"{len(self.speakers)} speakers, {self.texts} of {self.utterances} texts, "
            f"{self.audio} of {self.utterances} recordings"
        )

    def __str__(self) -> str:
        return (
            f"{len(self.speakers)} speakers of the test set are in the training data, "
            f"{self.texts} of its {self.utterances} texts and {self.audio} of its recordings"
        )


def find_leakage(
    test: Sequence[Utterance], training: Sequence[Utterance], skip_missing: bool = False
) -> Leakage:
    """Recordings are the same if their files are, byte for byte; ``skip_missing``: those that are
    not there are the same as no other.

    Raises:
        DataError: an audio file cannot be read.
    """
    speakers = {item.speaker for item in training} - {None}
    texts = {item.text for item in training}
    ours, theirs = ([item.audio for item in items] for items in (test, training))
    if skip_missing:
        ours, theirs = ([path for path in paths if path.is_file()] for paths in (ours, theirs))
    return Leakage(
        speakers=tuple(sorted({str(item.speaker) for item in test if item.speaker in speakers})),
        texts=sum(item.text in texts for item in test),
        audio=_same_files(ours, theirs),
        utterances=len(test),
    )


def _same_files(paths: Iterable[Path], others: Iterable[Path]) -> int:
    """How many of ``paths`` have the content of one of ``others``: little is read of files unless
    they are equal in size, and all of them only if they are in their middle, too."""
    left, right = list(paths), set(others)
    try:
        for key in (_size, _middle, sha256):
            of = {path: key(path) for path in {*left, *right}}
            common = {of[path] for path in left} & {of[path] for path in right}
            left = [path for path in left if of[path] in common]
            right = {path for path in right if of[path] in common}
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
    return len(left)


def _size(path: Path) -> int:
    return path.stat().st_size


def _middle(path: Path) -> tuple[int, bytes]:
    size = _size(path)
    with open(path, "rb") as file:
        file.seek(size // 2)
        return size, file.read(_PIECE)
