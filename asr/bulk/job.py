"""A bulk transcription as one job, which goes on where an earlier call has stopped."""

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from asr import errors
from asr.bulk.attempts import FOLDER as ATTEMPTS
from asr.bulk.options import Options
from asr.bulk.parts import ERRORS, PARQUET, Destination
from asr.bulk.recogniser import PartActor, with_actors
from asr.bulk.shipping import ship
from asr.bulk.sources import read_source
from asr.bulk.store import Folder
from asr.bulk.units import MOST_ROWS, units_dataset
from asr.counts import counted
from asr.errors import AsrError, ConfigError, DataError, OutputError
from asr.model.directory import default_model, read_model

FEWEST_ROWS = 16
"""The fewest recordings of a unit, unless less are left."""
UNITS = 8
"""The units that each processor should get at least, so that all end at about the same time."""
NOBODY = "http://127.0.0.1:9/"
"""An address at which nobody answers."""
CLOUDS = ("169.254.169.254", "metadata.google.internal")
"""Where Ray asks in which cloud a machine is, for its report, whether that is on or off."""


@dataclass(frozen=True)
class Progress:
    """What has been done of a job: recordings, those of them that ``failed``, and the ``hours`` of
    audio of the others; ``rows`` are to be done in all, None while nobody knows. ``seconds`` have
    passed since it began."""

    done: int
    failed: int
    hours: float
    rows: int | None
    seconds: float

    @property
    def speed(self) -> float:
        """How many times as fast as the recordings themselves it was."""
        return 3600 * self.hours / max(self.seconds, 1e-3)

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest will take, None while nobody knows."""
        if not self.rows or not self.done:
            return None
        return self.seconds * (self.rows - self.done) / self.done


@dataclass(frozen=True)
class Job:
    """A bulk transcription.

    Args:
        source: where the recordings are (:func:`asr.bulk.sources.read_source`).
        destination: where the parts are written.
        options: how recordings are recognised.
        format: of the parts, ``"parquet"`` or ``"jsonl"``.
        address: of a cluster that runs; without one, this machine becomes one.
        column: the name of the column of paths in tables.
        max_failed: the job ends when more recordings than this have failed.
        retry_failed: try those again that have failed in an earlier call.
    """

    source: str
    destination: str
    options: Options
    format: str = PARQUET
    address: str | None = None
    column: str | None = None
    max_failed: int | None = None
    retry_failed: bool = False

    def run(self, report: Callable[[Progress], None]) -> tuple[Progress, int]:
        """Do the job, and return what was done in this call, and how many recordings were done in
        earlier ones. ``report`` is called from time to time.

        Raises:
            DataError: the source cannot be read, the destination holds other transcripts, or too
                many recordings have failed.
            ModelError, ConfigError: the model or an option cannot be used.
            OutputError: the destination cannot be written.
        """
        info = read_model(self.options.model or default_model())
        portions, rows = read_source(self.source, self.column)
        place = Folder(self.destination).place
        destination = Destination(place, self.format, uuid4().hex)
        destination.begin(
            {
                "model": info.hash,
                "settings": self.options.settings,
                "display": self.options.display,
                "formats": list(self.options.formats),
            }
        )
        names = destination.names()
        if self.retry_failed:
            for name in names:
                if name.startswith(f"{ERRORS}/"):
                    destination.folder.remove(name)
            names = [name for name in names if not name.startswith(f"{ERRORS}/")]
        done = destination.done(names)
        connect(self.address)
        from ray.exceptions import RayError

        left = None if rows is None else max(0, rows - len(done))
        units = units_dataset(portions, done, _rows_of_unit(left))
        reports = with_actors(
            units, PartActor, (ship(self.options), destination), self.options.limits, batch_size=1
        )
        known = set(names)
        progress = Progress(0, 0, 0.0, left, 0.0)
        started = time.monotonic()
        try:
            for found in reports.iter_rows():
                known |= set(found["parts"])
                progress = Progress(
                    progress.done + found["rows"],
                    progress.failed + found["failed"],
                    progress.hours + found["seconds"] / 3600,
                    left,
                    time.monotonic() - started,
                )
                report(progress)
                if self.max_failed is not None and progress.failed > self.max_failed:
                    raise DataError(
                        f"{counted(progress.failed, 'recording')} could not be transcribed, more "
                        f"than --max-failed {self.max_failed}: the job has ended; "
                        f"{place}/{ERRORS} says why, and another call goes on"
                    )
        except RayError as error:
            raise _cause(error) from error
        for name in set(destination.names()) - known:
            destination.folder.remove(name)  # of a worker that a dead run had left behind
        for name in destination.folder.names(ATTEMPTS):
            destination.folder.remove(name)  # of dead runs, too
        return progress, len(done)


def connect(address: str | None) -> None:
    """Connect to a cluster, or start one on this machine; nothing is reported to anybody.

    Raises:
        ConfigError: there is no cluster at the address.
    """
    report_nothing()
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else notes of its own come to us
    if not address:
        # A cluster of one machine listens at its loopback interface, as on macOS and Windows.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray
    from ray.data import DataContext

    if not ray.is_initialized():
        try:
            with _silent():
                ray.init(
                    log_to_driver=False, logging_level=logging.CRITICAL, address=address or "local"
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"no cluster at {address or 'this machine'}: {error}") from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def report_nothing() -> None:
    """Make clusters that are started from here report to nobody, and ask nobody where they are."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Release 2.60 of Ray may report that its report is off.
    os.environ["RAY_USAGE_STATS_REPORT_URL"] = NOBODY
    for host in CLOUDS:  # the library that it asks with takes a proxy for a single host
        os.environ.setdefault(f"http://{host}_proxy", NOBODY)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep from standard error what libraries write there themselves."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _rows_of_unit(rows: int | None) -> int:
    import ray

    if rows is None:
        return MOST_ROWS
    resources = ray.cluster_resources()
    processors = max(1, int(resources.get("CPU", 1)))
    return max(FEWEST_ROWS, min(MOST_ROWS, rows // (UNITS * processors)))


def _cause(error: Exception) -> AsrError:
    """Return the error that an actor has raised, which reaches us as text alone."""
    text = str(error).strip()
    for name, message in reversed(re.findall(r"^asr\.errors\.(\w+): (.*)$", text, re.MULTILINE)):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, AsrError):
            return kind(message)
    last = text.splitlines()[-1] if text else type(error).__name__
    return OutputError(f"the cluster has failed ({last}); another call goes on where this one ends")
