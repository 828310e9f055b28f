"""Units of work: some recordings of a dataset that are recognised in one call, and make one part.

The name of a unit is made of those of its recordings: whoever does a unit once more, because the
machine that did it was lost, writes the same part.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from asr.bulk.rows import (
    AUDIO,
    BEGIN,
    BYTES,
    DURATION,
    ID,
    PLACE,
    SECONDS,
    SIZE,
    Keys,
    among,
    digests,
    key_of,
    to_bytes,
)
from asr.bulk.sources import Portion
from asr.bulk.store import is_url

if TYPE_CHECKING:
    from ray.data import Dataset

UNIT, ROWS, COUNT = "unit", "rows", "count"
"""The columns of a unit: its name, its recordings as a table of Arrow, their number."""

MOST_ROWS = 512
"""The most recordings of a unit."""
MOST_UNKNOWN = 64
"""The most recordings of a unit of which nobody knows how long they are."""
MOST_SECONDS = 1800.0
"""The most audio of a unit, unless it is one recording: a few seconds of work."""

_PLAIN = frozenset((".wav", ".wave", ".w64", ".aif", ".aiff", ".au", ".sph", ".caf"))
_PLAIN_BYTES, _CODED_BYTES = 32_000, 8_000  # a second, about


def units_of(
    table: pa.Table, done: Keys, most_rows: int = MOST_ROWS
) -> Iterator[dict[str, list[Any]]]:
    """Yield the units of recordings that are not ``done``, the longest recordings first.

    A recording whose key occurs twice in the table is taken once.
    """
    audio = [os.fsdecode(name) for name in table[AUDIO].to_pylist()]
    keys = [key_of(*pair) for pair in zip(table[ID].to_pylist(), audio, strict=True)]
    first = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
    finished = among(digests(keys), done)
    left = [i for i, key in enumerate(keys) if first[key] == i and not finished[i]]
    seconds = _seconds(table, audio)
    left.sort(key=lambda i: -seconds[i])
    group, total = list[int](), 0.0
    for index in left:
        known = seconds[index] > 0
        limit = min(most_rows, MOST_ROWS if known else MOST_UNKNOWN)
        if group and (len(group) >= limit or total + seconds[index] > MOST_SECONDS):
            yield _unit(table, group, keys)
            group, total = [], 0.0
        group.append(index)
        total += seconds[index]
    if group:
        yield _unit(table, group, keys)


def units_dataset(portions: "Sequence[Portion]", done: Keys, most_rows: int) -> "Dataset":
    """Return the units of a source as a dataset, each in a block of its own, so that an actor gets
    one at a time."""
    import ray

    finished = ray.put(done)

    def divide(batch: pa.Table) -> Iterator[dict[str, list[Any]]]:
        keys = ray.get(finished)
        for row in batch.to_pylist():
            for table in Portion.of_row(row).tables():
                yield from units_of(table, keys, most_rows)

    rows = [portion.as_row() for portion in portions]
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    dataset.context.target_max_block_size = 1  # a block ends as soon as it has a row
    # No processor is counted for it: all of them are for the network.
    return dataset.map_batches(divide, batch_size=1, batch_format="pyarrow", num_cpus=0)


def _unit(table: pa.Table, indices: list[int], keys: list[bytes]) -> dict[str, list[Any]]:
    name = hashlib.blake2b(digest_size=8)
    for key in sorted(keys[index] for index in indices):
        name.update(key)
    # In the order of the table, which for archives is that of their bytes.
    rows = table.take(pa.array(sorted(indices)))
    return {
        UNIT: [name.hexdigest()],
        ROWS: [to_bytes(rows)],
        COUNT: [len(indices)],
    }


def _seconds(table: pa.Table, audio: list[str]) -> np.ndarray[Any, Any]:
    """Return about how long each recording lasts, 0 where nobody knows."""
    columns = [table[name].to_pylist() for name in (SECONDS, DURATION, SIZE, BEGIN, PLACE, BYTES)]
    result = np.zeros(len(audio))
    for index, row in enumerate(zip(*columns, strict=True)):
        known, wanted, size, begin, place, content = row
        if known or wanted:
            result[index] = wanted or known
            continue
        if size is None and content is not None:
            size = len(content)
        if size is None and begin is None and not is_url(os.fsdecode(place)):
            try:
                size = os.stat(place).st_size
            except OSError:
                continue
        suffix = Path(audio[index]).suffix.lower()
        result[index] = (size or 0) / (_PLAIN_BYTES if suffix in _PLAIN else _CODED_BYTES)
    return result
