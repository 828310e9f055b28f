"""The recordings that arguments of a command name: files, folders, patterns, manifests."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.inputs import Piece, is_audio
from asr.counts import counted
from asr.errors import DataError

BESIDE = frozenset(
    ".txt .trn .stm .ctm .rttm .lab .phn .wrd .textgrid .eaf .srt .vtt .sbv .ass .json .jsonl .csv "
    ".tsv .tab .xml .yaml .yml .toml .ini .md .rst .pdf .html .log .sh .py .gz .zip .tar .jpg "
    ".jpeg .png .gif .svg .docx .npy .npz .pt .onnx .scp .ark".split()
)
"""The suffixes of files beside recordings that surely hold none."""


@dataclass(frozen=True)
class AudioFile:
    """A recording that an argument names.

    ``path`` is ``-`` for standard input; ``root`` is the folder that it was found in, None if the
    recording itself was named. ``id`` is that in its manifest, None without one, and ``piece`` is
    the part of it that is meant, None for all of it.
    """

    path: str
    root: str | None = None
    id: str | None = None
    piece: Piece | None = None

    @property
    def source(self) -> str | Piece:
        """The recording, or the piece of it, that is to be read."""
        return self.piece or self.path


def find_audio_files(
    arguments: Sequence[str], note: Callable[[str], None] = lambda message: None
) -> list[AudioFile]:
    """Return the recordings that ``arguments`` name, in their order; those of a folder are sorted.

    A folder stands for the audio files in it and in the folders below, and a ``.jsonl`` file is a
    manifest. An argument that is not the name of a file and holds ``*``, ``?``, ``[…]`` or ``**``
    is a pattern.

    >>> find_audio_files(["a.wav", "-"])[1].path
    '-'

    Args:
        arguments: of a command.
        note: is called with one line for each folder in which files are passed over.

    Raises:
        DataError: a folder or pattern without audio files, or an unusable manifest.
    """
    return [source for argument in arguments for source in _find(argument, note)]


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and in the folders below it, sorted by their paths.

    Links to folders are followed, each folder is read once, and hidden files and folders are left
    out.
    """
    root = os.path.realpath(folder)
    seen = {root}
    found = []
    for place, folders, names in os.walk(folder, followlinks=True):
        kept = []
        for name in sorted(folders):
            path = os.path.join(place, name)
            real = os.path.realpath(path)
            # What lies within the folder itself is read where it lies.
            within = os.path.islink(path) and os.path.commonpath([real, root]) in (root, real)
            if not name.startswith(".") and not within and real not in seen:
                seen.add(real)
                kept.append(name)
        folders[:] = kept
        found += [Path(place, name) for name in names if not name.startswith(".")]
    yield from sorted(path for path in found if path.is_file())


def _find(argument: str, note: Callable[[str], None]) -> list[AudioFile]:
    if not argument:  # it would stand for the present folder
        raise DataError("an empty name is given; name a recording, or . for the present folder")
    path = Path(argument)
    if argument == "-":
        return [AudioFile(argument)]
    if os.path.isdir(path):  # False for names that are too long, too
        files = list(walk(path))
        audio = [file for file in files if is_audio(file.relative_to(path))]
        if passed := _passed_over(files):
            note(f"{argument}: {passed}")
        if not audio:
            raise DataError(f"{argument}: no audio files in this folder, nor in those below")
        return [AudioFile(str(file), argument) for file in audio]
    if path.suffix == ".jsonl":
        from asr.data.manifest import read_manifest  # most commands start without it

        folder = path.absolute().parent
        return [
            AudioFile(
                str(item.audio),
                str(folder) if item.audio.is_relative_to(folder) else None,
                item.id,
                item.source if isinstance(item.source, Piece) else None,
            )
            for item in read_manifest(path, transcribed=False)
        ]
    if not os.path.exists(path) and glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True))
        matches = [file for file in matches if Path(file).is_file()]
        if not matches:
            raise DataError(f"{argument}: no file matches this pattern")
        return [AudioFile(file) for file in matches]
    return [AudioFile(argument)]


def _passed_over(files: Sequence[Path]) -> str:
    """Return which files are passed over that may be recordings; an empty text if there are
    none."""
    suffixes = [file.suffix.lower() for file in files if not is_audio(Path(file.name))]
    counts = Counter(suffix or "no suffix" for suffix in suffixes if suffix not in BESIDE)
    if not counts:
        return ""
    kinds = ", ".join(f"{suffix}: {count}" for suffix, count in counts.most_common(5))
    return (
        f"{counted(counts.total(), 'file')} passed over, whose names are not those of audio "
        f"({kinds}{', …' if len(counts) > 5 else ''}); to read them, name the files"
    )
