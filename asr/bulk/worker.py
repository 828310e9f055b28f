"""Workers: processes of their own that recognise; recordings that end them are set aside."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from asr.bulk.frames import receive, send
from asr.errors import ModelError

START_SECONDS = 300.0
"""The longest time in which a worker loads its model."""
STARTS = 3
"""How often it is tried to start a worker."""

Help = Callable[[dict[str, Any], bytes, Callable[[bytes], None]], Callable[[], None]]
"""A function that has windows computed elsewhere: it gets their description, the bytes of their
features, and what to call with the bytes of the log-probs; it returns what takes the question
back."""


class WorkerLost(Exception):
    """A worker that ended, or stopped answering, before it had done what it was asked for."""


@dataclass(frozen=True)
class Result:
    """What became of a recording: ``texts`` by their formats, ``json`` among them, and the
    ``seconds`` that it lasts, or the ``error`` why there are none."""

    texts: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None


class Worker:
    """A process that recognises recordings.

    Args:
        settings: of the process (:mod:`asr.bulk.child`).
        time_limit: the seconds after which a process that says nothing is ended.
        help: has windows computed elsewhere; None if nobody does.

    Raises:
        ModelError: the model or an option cannot be used.
        WorkerLost: the process ended while it started.
    """

    def __init__(
        self, settings: dict[str, Any], time_limit: float, help: Help | None = None
    ) -> None:
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "asr.bulk.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._input = cast(BinaryIO, self._process.stdin)
        self._output = cast(BinaryIO, self._process.stdout)
        self._time_limit, self._help = time_limit, help
        self._lock = threading.Lock()
        self._asked: dict[int, Callable[[], None]] = {}
        self._send({**settings, "helped": help is not None})
        header, _ = self._receive(START_SECONDS)
        if header["kind"] == "refused":
            self.close()
            raise ModelError(header["error"])

    def recognise(self, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, Result]]:
        """Yield the ``index`` of each row and what became of it.

        Raises:
            WorkerLost: the process has ended, or was ended because it said nothing any more.
        """
        self._send({"kind": "recognise", "rows": list(rows)})
        while True:
            header, payload = self._receive(self._time_limit)
            match header["kind"]:
                case "done":
                    return
                case "transcript":
                    yield header["index"], Result(header["texts"], header["seconds"])
                case "failed":
                    yield header["index"], Result(error=header["error"])
                case "compute":
                    self._ask(header, payload)
                case "computed":
                    if take_back := self._asked.pop(header["ticket"], None):
                        take_back()
                case "lost":
                    self.close()
                    raise WorkerLost(header["reason"])

    def close(self) -> None:
        """End the process."""
        for take_back in self._asked.values():
            take_back()
        self._asked.clear()
        self._process.kill()
        self._process.wait()
        for file in (self._input, self._output):
            with suppress(OSError):
                file.close()

    def _ask(self, header: dict[str, Any], payload: bytes) -> None:
        assert self._help is not None
        ticket = header["ticket"]

        def answer(log_probs: bytes) -> None:
            with suppress(WorkerLost):
                self._send({"kind": "computed", "ticket": ticket}, log_probs)

        self._asked[ticket] = self._help(header, payload, answer)

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        try:
            with self._lock:
                send(self._input, header, payload)
        except (OSError, ValueError) as error:
            raise WorkerLost(self._end()) from error

    def _receive(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        try:
            return receive(self._output, seconds)
        except TimeoutError as error:
            self.close()
            raise WorkerLost(f"nothing came of it for {seconds:g} s") from error
        except EOFError as error:
            raise WorkerLost(self._end()) from error

    def _end(self) -> str:
        """Return how the process ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        self.close()
        if code is not None and code < 0:
            return f"its worker was ended by {signal.Signals(-code).name}"
        return f"its worker ended with exit code {code}"


class Recogniser:
    """Recognises recordings in workers, and tries those again that end one: each by itself, so that
    it takes no other recording with it.

    Args:
        start: starts a worker.
        elsewhere: recognises one row on another machine, with a new worker. It returns the reason
            if that is lost, and None if there is no other machine.
    """

    def __init__(
        self,
        start: Callable[[], Worker],
        elsewhere: Callable[[dict[str, Any]], Result | str | None] = lambda row: None,
    ) -> None:
        self._start, self._elsewhere = start, elsewhere
        self._worker: Worker | None = None

    def recognise(
        self, rows: Sequence[dict[str, Any]], heard: Callable[[Result], None] = lambda result: None
    ) -> list[Result]:
        """Return what became of each row; their ``index`` counts from 0.

        ``heard`` is called with each result as it comes.
        """
        results: dict[int, Result] = {}

        def keep(index: int, result: Result) -> None:
            results[index] = result
            heard(result)

        self._run(rows, keep)
        for row in rows:
            if row["index"] in results:
                continue
            # One of several may have ended the worker: this one is tried alone.
            if len(rows) == 1 or self._run([row], keep):
                if reason := self._last_attempt(row, keep):
                    error = f"{row['audio']}: set aside, {reason}"
                    keep(row["index"], Result(error=error))
        return [results[row["index"]] for row in rows]

    def close(self) -> None:
        """End the worker."""
        if self._worker:
            self._worker.close()
        self._worker = None

    def _last_attempt(self, row: dict[str, Any], keep: Callable[[int, Result], None]) -> str | None:
        found = self._elsewhere(row)
        if found is None:
            return self._run([row], keep)
        if isinstance(found, str):
            return found
        keep(row["index"], found)
        return None

    def _run(
        self, rows: Sequence[dict[str, Any]], keep: Callable[[int, Result], None]
    ) -> str | None:
        """Recognise rows; return the reason if the worker is lost before all are done."""
        try:
            self._worker = self._worker or self._started()
            for index, result in self._worker.recognise(rows):
                keep(index, result)
        except WorkerLost as lost:
            self._worker = None
            return str(lost)
        return None

    def _started(self) -> Worker:
        """Start a worker, which no recording hinders.

        Raises:
            ModelError: the model cannot be used, or no worker can be started.
        """
        reason = ""
        for _ in range(STARTS):
            try:
                return self._start()
            except WorkerLost as lost:
                reason = str(lost)
        raise ModelError(f"no worker can be started: {reason}")
