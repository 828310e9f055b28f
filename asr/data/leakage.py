"""Leakage: what a test set has in common with the data that a model was trained on."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.members import open_stored, stored_size
from asr.counts import counted
from asr.data.manifest import Utterance
from asr.errors import AudioError, DataError

_PART = 1 << 10  # bytes that are compared before the whole files


@dataclass(frozen=True)
class Leakage:
    """The overlap of a test set with training data: the ``speakers``, and the number of its
    ``utterances`` whose text (``texts``) or recording (``audio``) is in the training data."""

    speakers: tuple[str, ...]
    texts: int
    audio: int
    utterances: int

    @property
    def counts(self) -> str:
        """The counts in words that fit any two manifests."""
        return (
            f"{counted(len(self.speakers), 'speaker')}, {self.texts} of {self.utterances} texts, "
            f"{self.audio} of {self.utterances} recordings"
        )

    def __str__(self) -> str:
        return (
            f"{counted(len(self.speakers), 'speaker')} of the test set, {self.texts} of its "
            f"{self.utterances} texts and {self.audio} of its recordings are in the training data"
        )


def find_leakage(
    test: Sequence[Utterance], training: Sequence[Utterance], skip_missing: bool = False
) -> Leakage:
    """Return what the ``test`` set has in common with the ``training`` data.

    Recordings are the same if their files are equal byte for byte. With ``skip_missing``, files
    that do not exist count as different from all others.

    Raises:
        DataError: an audio file cannot be read.
    """
    speakers = {item.speaker for item in training} - {None}
    texts = {item.text for item in training}
    ours, theirs = ([item.audio for item in items] for items in (test, training))
    if skip_missing:
        ours, theirs = ([path for path in paths if _exists(path)] for paths in (ours, theirs))
    return Leakage(
        speakers=tuple(sorted({str(item.speaker) for item in test if item.speaker in speakers})),
        texts=sum(item.text in texts for item in test),
        audio=_same_files(ours, theirs),
        utterances=len(test),
    )


def _same_files(paths: Iterable[Path], others: Iterable[Path]) -> int:
    """Return how many of ``paths`` have the same content as one of ``others``.

    Files are read only if another has the same size, and as a whole only if the parts in their
    middles are equal, too.
    """
    left, right = list(paths), set(others)
    try:
        for key in (stored_size, _middle, _digest):
            keys = {path: key(path) for path in {*left, *right}}
            common = {keys[path] for path in left} & {keys[path] for path in right}
            left = [path for path in left if keys[path] in common]
            right = {path for path in right if keys[path] in common}
    except AudioError as error:
        raise DataError(str(error)) from error
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
    return len(left)


def _middle(path: Path) -> tuple[int, bytes]:
    size = stored_size(path)
    with open_stored(path) as file:
        file.seek(size // 2)
        return size, file.read(_PART)


def _digest(path: Path) -> str:
    with open_stored(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _exists(path: Path) -> bool:
    try:
        stored_size(path)
    except (AudioError, OSError):
        return False
    return True
