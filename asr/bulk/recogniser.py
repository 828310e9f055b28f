"""The actors of the cluster: each holds a processor pair or a GPU, and recognises units of work.

Two calls at once keep it busy, each with a worker process of its own: while one reads or ends, the
other computes.
"""

import os
import tempfile
from functools import partial
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from asr.bulk.attempts import Attempts
from asr.bulk.helpers import Helpers, try_elsewhere
from asr.bulk.options import Limits
from asr.bulk.parts import Destination, transcripts
from asr.bulk.rows import AUDIO, BEGIN, BYTES, DURATION, ID, OFFSET, PLACE, SIZE, from_bytes
from asr.bulk.shipping import Shipped
from asr.bulk.sources import to_recordings
from asr.bulk.store import is_url
from asr.bulk.units import ROWS, UNIT
from asr.bulk.worker import Recogniser, Result, Worker

if TYPE_CHECKING:
    from ray.data import Dataset

CALLS = 2
"""Units that an actor recognises at once."""


class Actor:
    """An actor of Ray Data that recognises recordings as the options say, which were shipped."""

    def __init__(self, shipped: Shipped) -> None:
        self._options = shipped.here()
        self._help = Helpers(shipped) if self._options.device == "cpu" else None
        self._free: LifoQueue[Recogniser] = LifoQueue()
        for _ in range(CALLS):
            self._free.put(Recogniser(self._start, partial(try_elsewhere, shipped)))

    def _start(self) -> Worker:
        return Worker(self._options.of_worker(), self._options.limits.seconds, self._help)

    def close(self) -> None:
        """End the workers."""
        while not self._free.empty():
            self._free.get().close()

    def recognise(self, rows: pa.Table) -> list[Result]:
        """Return what becomes of each recording (:mod:`asr.bulk.rows`)."""
        with tempfile.TemporaryDirectory(prefix="asr-bulk-") as folder:
            columns = rows.select([AUDIO, PLACE, ID, OFFSET, DURATION, BEGIN, SIZE, BYTES])
            requests = [_request(i, row, folder) for i, row in enumerate(columns.to_pylist())]
            recogniser = self._free.get()
            try:
                return recogniser.recognise(requests)
            finally:
                self._free.put(recogniser)


class TableActor(Actor):
    """An actor that returns transcripts beside the columns of the source."""

    def __init__(self, shipped: Shipped, column: str | None, base: str) -> None:
        super().__init__(shipped)
        self._column, self._base = column, base

    def __call__(self, table: pa.Table) -> pa.Table:
        """Recognise the recordings of a table with a column of paths, which are relative to the
        base."""
        rows = to_recordings(table, self._column, self._base)
        return transcripts(self.recognise(rows), rows)


class PartActor(Actor):
    """An actor that writes the parts of units (:mod:`asr.bulk.units`), and reports them."""

    def __init__(self, shipped: Shipped, destination: Destination) -> None:
        super().__init__(shipped)
        self._destination = destination

    def __call__(self, units: dict[str, Any]) -> dict[str, Any]:
        """Recognise one unit."""
        unit, rows = str(units[UNIT][0]), from_bytes(units[ROWS][0])
        names = [self._destination.part(unit)]
        count, seconds = self._destination.finished(unit) or (0, 0.0)
        if count < len(rows):  # else the machine was lost that had written it
            attempts = Attempts(self._destination.folder, unit)
            attempts.begin()
            results = self.recognise(rows) if attempts.together else self._alone(rows, attempts)
            names = self._destination.write(unit, rows, results)
            attempts.end()
            count = sum(result.error is None for result in results)
            seconds = sum(result.seconds for result in results)
        failed = len(rows) - count
        return {"rows": [len(rows)], "failed": [failed], "seconds": [seconds], "parts": [names]}

    def _alone(self, rows: pa.Table, attempts: Attempts) -> list[Result]:
        """Recognise each recording of a unit by itself, since one of them may end actors."""
        results = []
        for index in range(len(rows)):
            if attempts.begin_alone(index):
                results += self.recognise(rows.slice(index, 1))
                attempts.passed(index)
            else:
                name = os.fsdecode(rows[AUDIO][index].as_py())
                error = f"{name}: set aside, the actors that recognised it were ended each time"
                results.append(Result(error=error))
        return results


def with_actors(
    dataset: "Dataset", actor: type[Actor], arguments: tuple[Any, ...], limits: Limits, **how: Any
) -> "Dataset":
    """Return the dataset of what actors make of another one, as many as the cluster has room for.

    ``how`` the batches are that an actor gets is said as in ``map_batches``.
    """
    import ray
    from ray.data import ActorPoolStrategy

    sizes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    # On a machine with few processors, one is left for what else a dataset does: it would wait
    # for ever for an actor to end.
    cpus = max(1, min(limits.cpus, max(sizes), sum(sizes) - 1))
    pool = ActorPoolStrategy(
        min_size=1,
        max_size=1 if sum(sizes) <= limits.cpus else None,
        max_concurrent_calls_per_actor=CALLS,
        enable_true_multi_threading=True,
    )
    return dataset.map_batches(
        actor,
        fn_constructor_args=arguments,
        compute=pool,
        num_cpus=cpus,
        num_gpus=limits.gpus or None,
        **how,
    )


def _request(index: int, row: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return what a worker needs to know of a recording; one whose content is at hand is written
    to a file in ``folder``."""
    audio = os.fsdecode(row[AUDIO])
    place, begin = os.fsdecode(row[PLACE]), row[BEGIN]
    if row[BYTES] is not None:
        path = Path(folder, str(index))
        path.write_bytes(row[BYTES])
        place = str(path)
    elif not is_url(place):
        place = os.path.abspath(place)
    return {
        "index": index,
        "audio": audio,
        "place": place,
        "id": row[ID],
        "offset": row[OFFSET],
        "duration": row[DURATION],
        "begin": begin,
        "size": row[SIZE],
        "local": row[BYTES] is not None,
    }
