"""Recordings of which many pieces are read: each is decoded once, whatever the order of the pieces.

No decoder of a compressed format finds a sample exactly. Decoding each piece from the beginning of
its recording would take a time that grows with the square of their number.
"""

import os
import tempfile
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np

from asr.audio.decoders import open_sound
from asr.audio.inputs import MAX_STORED, AudioInput, Piece, open_input
from asr.audio.sound import Block, Sound
from asr.errors import AudioError

MAX_OPEN = 16
"""The most recordings that are kept open."""
_BLOCK = 1 << 16


def share(sources: Sequence[AudioInput]) -> Sequence[AudioInput]:
    """Return ``sources``; those that are pieces of one recording share a decoder."""
    counts = Counter(source.path for source in sources if isinstance(source, Piece))
    several = {path for path, count in counts.items() if count > 1}
    if not several:
        return sources
    shared = SharedRecordings()
    return [
        shared.share(source) if isinstance(source, Piece) and source.path in several else source
        for source in sources
    ]


class SharedRecordings:
    """Open recordings, whose decoded samples are kept in temporary files as far as pieces have
    needed them. Any number of threads may read pieces."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._opened: OrderedDict[Path, _Recording] = OrderedDict()
        weakref.finalize(self, _close, self._opened.values())

    def __reduce__(self) -> tuple[type["SharedRecordings"], tuple[()]]:
        # Another process opens recordings for itself.
        return SharedRecordings, ()

    def share(self, piece: Piece) -> Piece:
        """Return ``piece``, which is read through the recordings that are open here."""
        return replace(piece, shared=self)

    def open(self, piece: Piece, resources: ExitStack) -> Sound | None:
        """Return the sound of ``piece``, as far as its recording goes; None if the recording cannot
        be kept. ``resources`` closes what the sound needs.

        Raises:
            AudioError: the recording cannot be read.
        """
        while True:
            with self._lock:
                recording = self._opened.pop(piece.path, None) or _Recording(piece.path)
                self._opened[piece.path] = recording
                closed = self._crowding()
            _close(closed)
            with recording.lock:
                if not recording.closed:
                    return recording.sound(piece, resources)

    def _crowding(self) -> list["_Recording"]:
        """Take out the recordings that were used least recently, if there are too many, or if they
        need too much room."""
        taken = []
        while len(self._opened) > 1 and (
            len(self._opened) > MAX_OPEN
            or sum(recording.size for recording in self._opened.values()) > MAX_STORED
        ):
            taken.append(self._opened.popitem(last=False)[1])
        return taken


class _Recording:
    """A recording that is decoded up to a place, and the samples up to there."""

    def __init__(self, path: Path) -> None:
        self.lock = Lock()
        self.closed = False
        self.size = 0
        self._path = path
        self._resources = ExitStack()
        self._sound: Sound | None = None
        self._failure: Exception | None = None
        self._kept = True

    def close(self) -> None:
        """Close it and remove its samples."""
        with self.lock:
            self.closed = True
            self._resources.close()

    def sound(self, piece: Piece, resources: ExitStack) -> Sound | None:
        """Return the sound of a piece, None if the samples cannot be kept."""
        if self._sound is None:
            self._open()
        if self._kept and self._sound:
            begin, end = piece.samples(self._sound.rate)
            self._decode(self._sound, end)
        if self._sound is None or not self._kept:
            return None
        sound = self._sound
        frame = 4 * sound.channels
        end = self.size // frame if end is None else min(end, self.size // frame)
        # The file may be closed here before the sound has been read.
        file = os.dup(self._file)
        resources.callback(os.close, file)

        def blocks() -> Iterator[Block]:
            for at in range(begin, end, _BLOCK):
                data = os.pread(file, (min(at + _BLOCK, end) - at) * frame, at * frame)
                yield np.frombuffer(data, np.float32).reshape(-1, sound.channels).copy()

        return Sound(sound.rate, sound.channels, None, blocks(), list(sound.warnings))

    def _open(self) -> None:
        try:
            with ExitStack() as stack:
                self._file = stack.enter_context(tempfile.TemporaryFile()).fileno()
                self._resources = stack.pop_all()
        except OSError:  # without room, pieces are decoded one by one
            self._kept = False
            return
        try:
            self._sound = open_sound(open_input(self._path, self._resources))
        except BaseException:
            self._resources.close()
            raise

    def _decode(self, sound: Sound, end: int | None) -> None:
        """Decode up to the sample ``end``, None for the end of the recording."""
        frame = 4 * sound.channels
        while self._kept and (end is None or self.size < end * frame):
            if self._failure is not None:
                raise AudioError(str(self._failure)) from self._failure
            try:
                block = next(sound.blocks, None)
            except AudioError as failure:
                self._failure = failure
                continue
            if block is None:
                return
            data = np.ascontiguousarray(block, np.float32).tobytes()
            self._kept = (
                block.shape[1] == sound.channels
                and self.size + len(data) <= MAX_STORED
                and _write(self._file, data)
            )
            self.size += len(data)


def _write(file: int, data: bytes) -> bool:
    """Write ``data``; the result is False if there is no room."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError:
        return False
    return True


def _close(recordings: Iterable[_Recording]) -> None:
    for recording in recordings:
        recording.close()
