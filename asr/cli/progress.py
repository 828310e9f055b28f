"""Progress of a command as one line on a terminal."""

import sys
import time
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING

import soundfile
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from asr.audio.inputs import Piece

if TYPE_CHECKING:
    from asr.bulk.job import Progress as BulkState

LINE_SECONDS = 60.0
"""The shortest time between two lines of progress in a log."""


class CountProgress:
    """A line that counts what is done; it is shown on standard error if that is a terminal."""

    def __init__(self, what: str) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(what, total=0)

    def __enter__(self) -> "CountProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def reached(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        self._progress.update(self._task, completed=done, total=total)


class TranscriptionProgress:
    """A line with the recordings that are done, the speed and the time left.

    It is shown on standard error if that is a terminal. The durations of ``sources`` (paths) are
    read from their headers on a thread meanwhile.
    """

    def __init__(self, sources: Sequence[str | Piece]) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.fields[files]} of {task.fields[count]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self._sources = sources
        self._task = TaskID(0)
        self._started = time.perf_counter()
        self._files, self._seconds = 0, 0.0  # done
        self._total: float | None = None

    def __enter__(self) -> "TranscriptionProgress":
        if not self._progress.disable:
            self._task = self._progress.add_task(
                "", total=None, files=0, count=len(self._sources), speed="", left=""
            )
            self._progress.start()
            Thread(target=self._survey, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def finished(self, seconds: float) -> None:
        """Count a recording of ``seconds`` as done; 0 for one that cannot be used."""
        self._files += 1
        self._seconds += seconds
        self.heard(0.0)

    def heard(self, seconds: float) -> None:
        """Show that ``seconds`` of the next recording are done."""
        if self._progress.disable:
            return
        done = self._seconds + seconds
        speed = done / max(1e-3, time.perf_counter() - self._started)
        left = ""
        if self._total is not None and speed:
            left = f"{_clock(max(0.0, self._total - done) / speed)} left"
        self._progress.update(
            self._task,
            completed=done,
            total=None if self._total is None else max(self._total, done),
            files=self._files,
            speed=f"{done / 60:.1f} min, {speed:.0f}× real time",
            left=left,
        )

    def _survey(self) -> None:
        total = 0.0
        for source in self._sources:
            try:
                path = source if isinstance(source, str) else source.path
                held = soundfile.info(path).duration
                total += held if isinstance(source, str) else source.duration or held
            except (soundfile.SoundFileError, OSError):
                continue  # libsndfile cannot read it; its duration is unknown until it is done
        self._total = total


class BulkProgress:
    """The progress of ``asr bulk`` on standard error: a line that changes on a terminal, and now
    and then a new line in a log."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("starting")
        self._said = time.monotonic()

    def __enter__(self) -> "BulkProgress":
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, state: "BulkState") -> None:
        """Show what has been done."""
        text = bulk_line(state)
        if self._console.is_terminal:
            self._status.update(text)
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            print(text, file=sys.stderr, flush=True)


def bulk_line(state: "BulkState") -> str:
    """Return what has been done as a line.

    >>> from types import SimpleNamespace
    >>> state = SimpleNamespace(done=90, rows=120, hours=1.5, speed=300.0, failed=2, seconds_left=6)
    >>> bulk_line(state)
    '90 of 120 recordings, 1.50 h, 300× real time, 2 failed, 0:00:06 left'
    """
    count = f"{state.done:,}" if state.rows is None else f"{state.done:,} of {state.rows:,}"
    line = f"{count} recordings, {state.hours:,.2f} h, {state.speed:,.0f}× real time"
    if state.failed:
        line += f", {state.failed:,} failed"
    left = state.seconds_left
    return line if left is None else f"{line}, {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
