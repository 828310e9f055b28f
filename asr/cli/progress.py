"""Progress of a command as one line on a terminal."""

import time
from collections.abc import Sequence
from threading import Thread

import soundfile
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from asr.audio.inputs import Piece


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


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
