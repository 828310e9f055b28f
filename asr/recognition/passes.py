"""Passes through values that are made once and kept for the next pass, in bounded memory."""

import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float32]
MAX_IN_MEMORY = 1 << 25
"""The most bytes that :class:`Passes` keeps in memory: those of 17 minutes of features."""
MAX_ON_DISK = 1 << 30
"""The most bytes that it keeps in a temporary file as well: those of 9 hours of features."""
_BLOCK = 1 << 16


class Passes:
    """Passes through values that are made once, in blocks (n,); a call starts a pass. ``make``
    yields the blocks from the first one on.

    A pass first yields what earlier ones have made, and then goes on from there. The values are
    kept until a pass has found all of them made: at most ``MAX_IN_MEMORY`` bytes in memory and
    ``MAX_ON_DISK`` in an unnamed temporary file. Without room for them, later passes make them
    again. One pass has to end before the next one starts.

    >>> def squares():
    ...     print("made")
    ...     yield np.arange(3, dtype=np.float32) ** 2
    >>> passes = Passes(squares)
    >>> [np.concatenate([*passes()]).tolist() for _ in range(2)]
    made
    [[0.0, 1.0, 4.0], [0.0, 1.0, 4.0]]
    """

    def __init__(self, make: Callable[[], Iterator[Block]]) -> None:
        self._make = make
        self._made = make()
        self._keeps, self._complete = True, False
        self._in_memory: list[Block] = []
        self._memory_bytes = self._disk_bytes = 0
        self._file: BinaryIO | None = None

    def __call__(self) -> Iterator[Block]:
        """Start a pass."""
        if not self._keeps:
            yield from self._make()
            return
        again = self._complete
        yield from self._kept()
        for block in self._made:
            self._keep(block)
            yield block
        self._complete = True
        if again:
            self._forget()

    def _kept(self) -> Iterator[Block]:
        yield from self._in_memory
        for begin in range(0, self._disk_bytes, 4 * _BLOCK):
            assert self._file
            self._file.seek(begin)
            yield np.frombuffer(self._file.read(4 * _BLOCK), np.float32)

    def _keep(self, block: Block) -> None:
        if not self._keeps:
            return
        if self._memory_bytes + block.nbytes <= MAX_IN_MEMORY:
            self._in_memory.append(block)
            self._memory_bytes += block.nbytes
            return
        self._memory_bytes = MAX_IN_MEMORY  # later blocks, even short ones, go into the file
        try:
            if self._file is None:
                self._file = _temporary_file()
                weakref.finalize(self, self._file.close)
            self._file.seek(self._disk_bytes)
            written = self._file.write(block.tobytes())
        except OSError:
            written = 0
        self._disk_bytes += written
        if written < block.nbytes or self._disk_bytes > MAX_ON_DISK:
            self._forget()

    def _forget(self) -> None:
        self._keeps = False
        self._in_memory.clear()
        if self._file:
            self._file.close()


def _temporary_file() -> BinaryIO:
    # Without a buffer, whose rest could fail to be written when it is closed.
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))
