"""Decoded and resampled audio, kept on disk and mapped into memory."""

import hashlib
import os
import tempfile
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from asr.audio.inputs import Piece
from asr.audio.members import tar_of
from asr.audio.read import Samples, read_audio
from asr.audio.shared import SharedRecordings
from asr.data.manifest import Utterance
from asr.training.sampler import blocks

FULL_SCALE = 32767
_LOADING = Lock()
"""numpy parses a header as Python does its code, which fails in threads of Python 3.11 at once."""


class AudioCache:
    """A folder of decoded utterances at ``sample_rate`` Hz, with 16 bits a sample.

    Each utterance has one file in ``folder``, whose name is made of the audio's path, size and time
    of change, and of where a piece lies: several processes and runs can share it, and a changed
    recording is decoded again. A file that cannot be read counts as missing. Without a ``folder``
    nothing is kept.
    """

    def __init__(self, folder: Path | None, sample_rate: int) -> None:
        self.folder = folder
        self.sample_rate = sample_rate
        self._shared = SharedRecordings()

    def read(self, item: Utterance) -> Samples:
        """Return the samples (n,) of an utterance in float32, from the cache if it has them.

        Raises:
            AudioError: the audio cannot be used.
        """
        path = self._path(item)
        stored = _load(path) if path else None
        if stored is None:
            source = item.source
            if isinstance(source, Piece):
                source = self._shared.share(source)
            audio = read_audio(source, self.sample_rate).samples
            stored = np.round(audio * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE).astype(np.int16)
            if path:
                _store(path, stored)
        return stored.astype(np.float32) / np.float32(FULL_SCALE)

    def _path(self, item: Utterance) -> Path | None:
        if self.folder is None:
            return None
        try:
            status = os.stat(tar_of(item.audio) or item.audio)
        except OSError:
            return None  # read_audio says what is wrong with it
        key = f"{os.path.abspath(item.audio)}\0{status.st_size}\0{status.st_mtime_ns}"
        if item.offset is not None:
            key += f"\0{item.offset!r}\0{item.duration!r}"
        name = hashlib.sha1(key.encode()).hexdigest()
        return self.folder / str(self.sample_rate) / name[:2] / f"{name[2:]}.npy"


def cached_share(durations: npt.ArrayLike, sample_rate: int, gigabytes: float) -> int:
    """Return how many utterances, from the first, fit into ``gigabytes`` with 16 bits a sample.

    >>> cached_share([60.0, 60.0, 60.0], 16000, gigabytes=0.004)
    2
    """
    seconds = np.asarray(durations, dtype=np.float64)
    share, size = 0, 0.0
    for part in blocks(len(seconds)):
        sizes = np.cumsum(np.append(size, seconds[part] * sample_rate * 2))[1:]
        fitting = int(np.searchsorted(sizes, gigabytes * 1e9, side="right"))
        share, size = share + fitting, sizes[-1]
        if fitting < len(sizes):
            break
    return share


def _load(path: Path) -> npt.NDArray[np.int16] | None:
    try:
        with _LOADING:
            stored: npt.NDArray[np.int16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return stored if stored.dtype == np.int16 and stored.ndim == 1 else None


def _store(path: Path, samples: npt.NDArray[np.int16]) -> None:
    # Whole or not at all, but not flushed to disk: what a power cut damages is decoded again.
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.save(file, samples)
        os.replace(temporary, path)
        temporary = None
    except OSError:
        pass  # a full disk costs speed, not the run
    finally:
        if temporary is not None:
            os.unlink(temporary)
