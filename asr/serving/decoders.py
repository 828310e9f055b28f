"""Decoders: processes that turn uploads into samples, each bounded in time and memory."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import LifoQueue
from threading import Lock
from typing import BinaryIO

import numpy as np

from asr.audio.read import Samples
from asr.errors import AudioError
from asr.serving.decoder_process import BLOCK, END, HEADER
from asr.serving.settings import Settings


class Decoders:
    """Up to ``count`` processes, each started when it is first needed, that decode one file each.

    Args:
        settings: has the limits of memory and duration.
        seconds: the longest time that a file may keep its process computing.
        died: is called when a process had to be ended, or ended by itself, because of a file.
    """

    def __init__(
        self, settings: Settings, count: int, seconds: float, died: Callable[[], None]
    ) -> None:
        self._settings, self._seconds, self._died = settings, seconds, died
        self._free: LifoQueue[_Process | None] = LifoQueue()
        for _ in range(count):
            self._free.put(None)
        self._all = set[_Process]()
        self._lock = Lock()
        self._closed = False
        # Linux ends a child that wants to end with its parent when the thread that started it ends.
        self._starter = ThreadPoolExecutor(1, "decoders")

    def warm(self) -> None:
        """Start a process before it is needed."""
        process = self._free.get()
        self._free.put(process or self._start())

    def decode(
        self,
        file: BinaryIO,
        rate: int,
        warnings: list[str],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Generator[Samples, None, None]:
        """Yield the samples of a file at ``rate`` Hz in blocks (n,), float32.

        Args:
            warnings: get those about the file, at the end.
            is_wanted: tells, before each block, whether anybody waits for it.

        Raises:
            AudioError: it is not usable as audio, or decoding it takes too long or too much memory.
        """
        process = self._free.get() or self._start()
        try:
            yield from self._blocks(process, file, rate, warnings, is_wanted)
        finally:
            if not process.is_usable:
                self._end(process)
            self._free.put(process if process.is_usable else None)

    def close(self) -> None:
        """End all processes."""
        self._closed = True
        with self._lock:
            processes = [*self._all]
        for process in processes:
            self._end(process)
        self._starter.shutdown(wait=False)

    def _start(self) -> "_Process":
        process = self._starter.submit(_Process, self._settings.decode_memory).result()
        with self._lock:
            self._all.add(process)
        return process

    def _end(self, process: "_Process") -> None:
        process.end()
        with self._lock:
            self._all.discard(process)

    def _blocks(
        self,
        process: "_Process",
        file: BinaryIO,
        rate: int,
        warnings: list[str],
        is_wanted: Callable[[], bool],
    ) -> Generator[Samples, None, None]:
        rest = self._seconds
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process.send(
                    file, theirs, {"rate": rate, "max_seconds": self._settings.max_seconds}
                )
            while is_wanted():
                began = time.monotonic()
                try:
                    ours.settimeout(max(0.001, rest))
                    kind, size = HEADER.unpack(_receive(ours, HEADER.size))
                    data = _receive(ours, size)
                except TimeoutError as error:
                    process.is_usable = False
                    self._died()
                    raise AudioError("decoding it takes too long") from error
                except (EOFError, ConnectionError) as error:
                    process.is_usable = False
                    if not self._closed:
                        self._died()
                    raise AudioError("not usable as audio: the decoder failed") from error
                rest -= time.monotonic() - began
                if kind == BLOCK:
                    yield np.frombuffer(data, np.float32)
                    continue
                message = json.loads(bytes(data))
                if kind != END:
                    raise AudioError(message)
                warnings[:] = message
                return
            raise AudioError("nobody waits for it any more")


class _Process:
    """A running process of :mod:`asr.serving.decoder_process`; it is usable until it fails."""

    def __init__(self, memory: int) -> None:
        self._control, theirs = socket.socketpair()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OPENBLAS_NUM_THREADS": "1",
        }
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "asr.serving.decoder_process", str(memory)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        self.is_usable = True

    def send(self, file: BinaryIO, answers: socket.socket, limits: dict[str, float]) -> None:
        """Give it a file to decode, and the socket for its answer."""
        with suppress(ConnectionError):  # it is gone, which the answer will show
            job = json.dumps(limits).encode()
            socket.send_fds(self._control, [job], [file.fileno(), answers.fileno()])

    def end(self) -> None:
        """End it at once."""
        self.is_usable = False
        self._process.kill()
        self._process.wait()
        self._control.close()


def _receive(source: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = source.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return data
