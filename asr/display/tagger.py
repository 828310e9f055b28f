"""The tagger in ONNX Runtime: which mark follows each word, and in which case it is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.display.features import WordFeatures
from asr.display.pauses import UNKNOWN, pause_class
from asr.model.described_graph import DescribedGraph

METADATA = "tagger"
"""The key of the file's metadata that holds :data:`FIELDS` as JSON."""

SCHEMA_VERSION = 1
FIELDS = ("language", "marks", "cases", "words", "buckets", "mixed", "provenance")

WINDOW, CONTEXT = 192, 32
"""The most words of a window, and those before and behind it that are read as well."""

BATCH = 4
"""The windows that are computed at once."""


REMEMBERED = 50_000
"""The most words whose rows of embeddings are remembered: a server may run for months."""


@dataclass(frozen=True)
class Tags:
    """The mark after each of n words, one of the tagger's, and the case of each."""

    marks: tuple[str, ...]
    cases: tuple[str, ...]


class Tagger:
    """A tagger that ``asr text train`` has written.

    ``source`` is the path of its file, or its contents, which are parsed when they are first
    needed; error messages call it ``name``.

    Raises:
        DataError: this is not a tagger that this version reads.
    """

    def __init__(self, source: str | bytes, name: str = "the tagger") -> None:
        self._graph = DescribedGraph(
            source, name, "a tagger of asr text train", METADATA, SCHEMA_VERSION, FIELDS,
            arena=False,
        )  # fmt: skip
        self._rows: dict[str, list[int]] = {}

    @property
    def description(self) -> dict[str, Any]:
        """The fields of the file's metadata."""
        return self._graph.description

    @property
    def language(self) -> str:
        """The language that it is for, a code of ISO 639."""
        return str(self.description["language"])

    @cached_property
    def mixed(self) -> dict[str, str]:
        """The words with capitals inside by their form in lower case."""
        return {form.lower(): form for form in self.description["mixed"]}

    @cached_property
    def _features(self) -> WordFeatures:
        return WordFeatures(self.description["words"], self.description["buckets"])

    def tag(self, words: Sequence[str], pauses: Sequence[float | None] | None = None) -> Tags:
        """Return the marks and cases of ``words`` (n,), as they were recognised.

        Args:
            pauses: the seconds (n,) of silence after each word, None where that is not known.
        """
        marks: list[int] = []
        cases: list[int] = []
        classes = (
            np.full(len(words), UNKNOWN) if pauses is None else np.array(
                [pause_class(pause) for pause in pauses], np.int64
            )
        )  # fmt: skip
        count = -(-len(words) // WINDOW)
        ends = [len(words) * (index + 1) // count for index in range(count)]
        windows = [*pairwise([0, *ends])]
        for first in range(0, count, BATCH):
            for window, rows in self._batch(words, classes, windows[first : first + BATCH]):
                marks += rows[0][window].argmax(-1).tolist()
                cases += rows[1][window].argmax(-1).tolist()
        names = self.description
        return Tags(
            tuple(names["marks"][mark] for mark in marks),
            tuple(names["cases"][case] for case in cases),
        )

    def _batch(
        self,
        words: Sequence[str],
        classes: npt.NDArray[np.int64],
        windows: Sequence[tuple[int, int]],
    ) -> Iterator[tuple[slice, tuple[Any, Any]]]:
        """Compute windows with their context; yield the place of each in what was computed of it,
        the log-probabilities of marks and of cases."""
        bounds = [
            (max(0, begin - CONTEXT), min(len(words), end + CONTEXT)) for begin, end in windows
        ]
        lengths = np.array([last - first for first, last in bounds])
        shape = len(bounds), int(lengths.max())
        places, pauses = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        distinct: dict[str, int] = {}
        for row, (first, last) in enumerate(bounds):
            places[row, : last - first] = [
                distinct.setdefault(word, len(distinct)) for word in words[first:last]
            ]
            pauses[row, : last - first] = classes[first:last]
        features = np.array([self._padded(word) for word in distinct])
        feed = {"features": features, "words": places, "pauses": pauses, "lengths": lengths}
        marks, cases = self._graph.session.run(["marks", "cases"], feed)
        for (begin, end), (first, _), rows in zip(
            windows, bounds, zip(marks, cases, strict=True), strict=True
        ):
            yield slice(begin - first, end - first), rows

    def _padded(self, word: str) -> list[int]:
        rows = self._rows.get(word)
        if rows is None:
            if len(self._rows) >= REMEMBERED:
                self._rows.clear()
            rows = self._rows[word] = self._features.padded(word)
        return rows


def read_tagger(path: str | Path) -> Tagger:
    """Read a tagger that ``asr text train`` has written.

    Raises:
        DataError: the file cannot be read, or is something else.
    """
    tagger = Tagger(str(path), str(path))
    assert tagger.description  # reading it here reports a faulty file now
    return tagger
