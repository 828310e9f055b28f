"""The training utterances of a run, in tables, with columns of what all of them have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import chain, compress
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from asr.data.manifest import Utterance, set_of
from asr.training.sampler import blocks
from asr.training.table import Table, key_of

Indices = npt.NDArray[np.int64]


class Utterances(Sequence[Utterance]):
    """The utterances of tables, one table after another, or those in ``rows`` of them (ascending,
    counted over all tables).

    ``names`` replaces ids by row, so that no two utterances have the same.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        names: Mapping[int, str],
        rows: npt.NDArray[np.uint32] | None = None,
    ) -> None:
        self.tables, self.names, self.rows = tables, names, rows
        self._begins = np.cumsum([0, *map(len, tables)])

    @classmethod
    def of(cls, tables: Sequence[Table]) -> "Utterances":
        """Return all utterances of ``tables``, with distinct ids: what is random about an utterance
        depends on its id.

        Of utterances that share an id, the second gets ``#2`` after it, and so on.
        """
        return cls(tables, _distinct_ids(tables))

    def without(self, places: Sequence[int]) -> "Utterances":
        """Return these utterances, which are all of their tables, without those in ``places``."""
        if not places:
            return self
        rows = np.delete(np.arange(len(self), dtype=np.uint32), places)
        return Utterances(self.tables, self.names, rows)

    def __len__(self) -> int:
        return int(self._begins[-1]) if self.rows is None else len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Utterance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Utterance]: ...
    def __getitem__(self, index: int | slice) -> Utterance | list[Utterance]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        place = range(len(self))[index]
        row = place if self.rows is None else int(self.rows[place])
        table = int(np.searchsorted(self._begins, row, side="right")) - 1
        return self._named(row, self.tables[table][row - int(self._begins[table])])

    def __iter__(self) -> Iterator[Utterance]:
        for row, item in self._of_rows(enumerate(chain.from_iterable(self.tables))):
            yield self._named(row, item)

    def texts(self) -> Iterator[str]:
        """Yield the text of each utterance."""
        return self._of_rows(chain.from_iterable(table.texts() for table in self.tables))

    @cached_property
    def durations(self) -> npt.NDArray[np.float64]:
        """(n,) The durations in seconds."""
        return self._column("durations")

    @cached_property
    def spoken(self) -> npt.NDArray[np.bool_]:
        """(n,) True for each utterance that has a text."""
        return self._column("frames") > 0

    @property
    def frames(self) -> npt.NDArray[np.int32]:
        """(n,) The fewest frames on which CTC can emit each text, spelled in characters."""
        return self._column("frames")

    def in_sets(self) -> dict[str, Indices]:
        """Return the places of the utterances of each set, in ascending order, by the sets' names
        in the order in which they occur."""
        every, names = self._joined("sets", "set_names")
        found = {name: np.flatnonzero(every == number) for number, name in enumerate(names)}
        return {name: places for name, places in found.items() if len(places)}

    def in_tars(self) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return the numbers (n,) of the tar files that hold the recordings, and the tar files by
        their numbers; the name of none is empty."""
        return self._joined("tars", "tar_names")

    def _joined(self, column: str, names: str) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return a column of places in a list of names, and that list, over all tables."""
        numbers: dict[str, int] = {}
        parts = []
        for table in self.tables:
            places = [numbers.setdefault(name, len(numbers)) for name in getattr(table, names)]
            parts.append(np.array(places, np.int32)[getattr(table, column)])
        every = np.concatenate(parts)
        return every if self.rows is None else every[self.rows], list(numbers)

    def _column(self, name: str) -> npt.NDArray[Any]:
        columns = [getattr(table, name) for table in self.tables]
        whole: npt.NDArray[Any] = columns[0] if len(columns) == 1 else np.concatenate(columns)
        return whole if self.rows is None else whole[self.rows]

    def _of_rows(self, values: Iterator[Any]) -> Iterator[Any]:
        if self.rows is None:
            return values
        chosen = np.zeros(self._begins[-1], bool)
        chosen[self.rows] = True
        return compress(values, chosen)

    def _named(self, row: int, item: Utterance) -> Utterance:
        name = self.names.get(row)
        return item if name is None else replace(item, id=name)


def durations_of(utterances: Sequence[Utterance]) -> npt.NDArray[np.float64]:
    """Return the durations (n,) of utterances in seconds."""
    if isinstance(utterances, Utterances):
        return utterances.durations
    return np.array([item.duration for item in utterances], dtype=np.float64)


def places_in_sets(utterances: Sequence[Utterance]) -> dict[str, Indices]:
    """Return the places of the utterances of each set, in ascending order, by the sets' names."""
    if isinstance(utterances, Utterances):
        return utterances.in_sets()
    sets: dict[str, list[int]] = {}
    for index, item in enumerate(utterances):
        sets.setdefault(set_of(item), []).append(index)
    return {name: np.array(places) for name, places in sets.items()}


def total(durations: npt.NDArray[np.float64]) -> float:
    """Return the sum of durations, added one after another."""
    parts = (durations[part].tolist() for part in blocks(len(durations)))
    return float(sum(chain.from_iterable(parts)))


def _distinct_ids(tables: Sequence[Table]) -> dict[int, str]:
    """Return the new ids of the utterances whose id an earlier one has, by their rows over all
    tables; within a table ids are distinct.

    The result is that of going through all utterances and counting on until an id is free.
    """
    if len(tables) < 2:
        return {}
    keys = np.concatenate([table.keys for table in tables])
    keys.sort()
    repeated = keys[1:][keys[1:] == keys[:-1]]
    if not len(repeated):
        return {}
    ids = _Ids(tables)
    waiting = ids.rows_of_keys(repeated)
    heapify(waiting)
    names: dict[int, str] = {}
    given = set[str]()

    def taken(name: str, row: int) -> bool:
        first = ids.first(name)
        return name in given or (first is not None and first < row)

    while waiting:
        row = heappop(waiting)
        id = ids[row]
        if row in names or not taken(id, row):
            continue
        name, number = f"{id}#2", 3
        while taken(name, row):
            name, number = f"{id}#{number}", number + 1
        names[row] = name
        given.add(name)
        heap_again = ids.first(name)
        if heap_again is not None:  # it stands further down, and has to give way
            heappush(waiting, heap_again)
    return names


class _Ids:
    """The ids of tables, one table after another, in which rows are found by their id."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables
        self._begins = np.cumsum([0, *map(len, tables)])
        keys = np.concatenate([table.keys for table in tables])
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def __getitem__(self, row: int) -> str:
        table = int(np.searchsorted(self._begins, row, side="right")) - 1
        return self._tables[table].id(row - int(self._begins[table]))

    def rows_of_keys(self, keys: npt.NDArray[np.uint64]) -> list[int]:
        """Return the rows whose ids have these keys."""
        rows: list[int] = self._order[np.isin(self._keys, keys)].tolist()
        return rows

    def first(self, id: str) -> int | None:
        """Return the first row with an id."""
        key = np.uint64(key_of(id))
        begin, end = (
            int(np.searchsorted(self._keys, key, side=side)) for side in ("left", "right")
        )
        return next((row for row in self._order[begin:end].tolist() if self[row] == id), None)
