"""The recordings that arguments of a command name: files, folders, patterns, manifests."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.inputs import is_audio
from asr.data.manifest import read_manifest
from asr.errors import DataError


@dataclass(frozen=True)
class AudioFile:
    """The ``path`` of a recording, ``-`` for standard input, and ``root``, the folder that it was
    found in, None if the recording itself was named."""

    path: str
    root: str | None = None


def find_audio_files(arguments: Sequence[str]) -> list[AudioFile]:
    """Return the recordings that ``arguments`` name, in their order; those of a folder are sorted.

    A folder stands for the audio files in it and in the folders below, and a ``.jsonl`` file is a
    manifest. An argument that is not the name of a file and holds ``*``, ``?``, ``[…]`` or ``**``
    is a pattern.

    >>> find_audio_files(["a.wav", "-"])
    [AudioFile(path='a.wav', root=None), AudioFile(path='-', root=None)]

    Raises:
        DataError: a folder or pattern without audio files, or an unusable manifest.
    """
    return [source for argument in arguments for source in _find(argument)]


def _find(argument: str) -> list[AudioFile]:
    path = Path(argument)
    if argument == "-":
        return [AudioFile(argument)]
    if path.is_dir():
        files = [str(file) for file in sorted(path.rglob("*")) if is_audio(file.relative_to(path))]
        if not files:
            raise DataError(f"{argument}: no audio files in this folder, nor in those below")
        return [AudioFile(file, argument) for file in files]
    if path.suffix == ".jsonl":
        folder = path.absolute().parent
        audio = [item.audio for item in read_manifest(path, transcribed=False)]
        return [
            AudioFile(str(file), str(folder) if file.is_relative_to(folder) else None)
            for file in audio
        ]
    if not path.exists() and glob.has_magic(argument):
        files = sorted(glob.glob(argument, recursive=True))
        files = [file for file in files if Path(file).is_file()]
        if not files:
            raise DataError(f"{argument}: no file matches this pattern")
        return [AudioFile(file) for file in files]
    return [AudioFile(argument)]
