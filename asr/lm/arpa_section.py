"""One section of an ARPA file: the n-grams of one order, parsed in blocks of many lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.lm.ngram import START, UNKNOWN, FloatArray

POSITIVE_LIMIT = 1e-4  # a log10-probability above 0 and up to this is a rounding error
IMPOSSIBLE_LOG10 = -100.0
"""The log10-probability for a word that a file gives a probability of 0 (``-inf``), or does not
list (``<unk>``), as kenlm takes it for the latter. The search needs finite numbers."""

_BLOCK = 1 << 19  # so many bytes are parsed at once: their words stay in the processor's cache
_UNSPOKEN = {START.encode(), UNKNOWN.encode(), b"<UNK>"}
_SPACE = np.isin(np.arange(256), list(b" \t\n\r\v\f"))


@dataclass(frozen=True)
class Section:
    """The lines ``data[begin:end]`` of a file, which hold the ``count`` n-grams of one
    ``order``."""

    path: Path
    data: bytes
    begin: int
    end: int
    order: int
    count: int

    def where(self, row: int) -> str:
        """Return the file and line of the n-gram ``row``, counted from 0."""
        before = self.data.count(b"\n", 0, self.begin)
        lines = self.data[self.begin : self.end].split(b"\n")
        filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
        return f"{self.path}:{before + filled[row]}"

    def blocks(self) -> Iterator[bytes]:
        """Yield the section in blocks of whole lines."""
        begin = self.begin
        while begin < self.end:
            end = self.end
            if begin + _BLOCK < end:
                end = self.data.find(b"\n", begin + _BLOCK, self.end) + 1 or self.end
            yield self.data[begin:end]
            begin = end


def parse_section(
    section: Section,
    highest: int,
    convert: Callable[[Sequence[bytes]], Any],
    index: dict[bytes, int] | None = None,
) -> tuple[list[list[Any]], FloatArray, FloatArray]:
    """Parse all lines of a section, a block at a time.

    Args:
        highest: the highest order of the model, whose n-grams have no back-offs but 0.
        convert: the function that is called with each column of words of each block.
        index: the words that are known, for messages about faults; None in the section of order 1.

    Returns:
        The results of ``convert`` by block and column, the log10-probabilities (n,), and the
        back-offs (n,), both float32.

    Raises:
        DataError: a line is at fault, or the number of n-grams is not that which was announced.
    """
    order = section.order
    columns: list[list[Any]] = []
    probs, backoffs = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    line = 1 + section.data.count(b"\n", 0, section.begin)
    for block in section.blocks():
        fields = _fields(block)
        if len(fields):
            try:
                if fields.min() <= order or fields.max() > order + 2:
                    raise ValueError
                values = block.split()
                prob, *words, backoff = _columns(values, fields, order)
                columns.append([convert(column) for column in words])
                probs.append(_log10_probs(prob, words[-1], order))
                backoffs.append(_floats(backoff))
                if probs[-1].max() > POSITIVE_LIMIT or (order == highest and backoffs[-1].any()):
                    raise ValueError
            except (ValueError, KeyError) as error:
                message = _find_fault(block, line, order, highest, index)
                raise DataError(f"{section.path}:{message}") from error
        line += block.count(b"\n")
    log10_probs = np.minimum(np.concatenate(probs), np.float32(0))
    if len(log10_probs) != section.count:
        number = 1 + section.data.count(b"\n", 0, section.begin)
        raise DataError(
            f"{section.path}:{number}: {len(log10_probs)} {order}-grams follow, "
            f"\\data\\ announces {section.count}"
        )
    return columns, log10_probs, np.concatenate(backoffs)


def _fields(block: bytes) -> npt.NDArray[np.int64]:
    """Return the number of fields (n,) of each line that is not blank."""
    characters = np.frombuffer(block, np.uint8)
    space = _SPACE[characters]
    begins = ~space
    begins[1:] &= space[:-1]
    breaks = np.flatnonzero(characters == ord("\n"))
    ends = np.searchsorted(np.flatnonzero(begins), [*breaks, len(block)])
    fields = np.diff(ends, prepend=0)
    return fields[fields > 0]


def _columns(
    values: list[bytes], fields: npt.NDArray[np.int64], order: int
) -> list[Sequence[bytes]]:
    """Return the values of lines of order + 1 or order + 2 ``fields``, by column; a missing
    back-off
    is 0."""
    width = int(fields[0])
    if (fields == width).all():
        columns: list[Sequence[bytes]] = [values[at::width] for at in range(width)]
        return columns if width == order + 2 else [*columns, [b"0"] * len(fields)]
    starts = np.cumsum(fields) - fields
    columns = [_take(values, starts + at) for at in range(order + 1)]
    last = np.where(fields == order + 2, starts + order + 1, len(values))
    return [*columns, _take([*values, b"0"], last)]


def _take(values: list[bytes], places: npt.NDArray[np.int64]) -> Sequence[bytes]:
    taken: tuple[bytes, ...] = itemgetter(*places.tolist(), 0)(
        values
    )  # with a second place, it gives a tuple
    return taken[:-1]


def _floats(values: Sequence[bytes]) -> FloatArray:
    """Return ``values`` as float32.

    Raises:
        ValueError: one of them is not a finite number.
    """
    with np.errstate(over="ignore"):
        numbers = np.fromiter(map(float, values), np.float64, len(values)).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError
    return numbers


def _log10_probs(values: Sequence[bytes], words: Sequence[bytes], order: int) -> FloatArray:
    """Return ``values``, the log10-probabilities of n-grams that end in ``words``, as float32.

    ``-inf`` is taken from 1-grams, and from longer n-grams that end in ``<s>`` or ``<unk>``.

    Raises:
        ValueError: one of the others is not a finite number.
    """
    if b"-inf" in values:
        values = [
            b"%g" % IMPOSSIBLE_LOG10
            if value == b"-inf" and (order == 1 or word in _UNSPOKEN)
            else value
            for value, word in zip(values, words, strict=True)
        ]
    return _floats(values)


def _find_fault(
    block: bytes, number: int, order: int, highest: int, index: dict[bytes, int] | None
) -> str:
    """Return the line number and a message for the first line of ``block`` that is at fault."""
    for at, line in enumerate(block.split(b"\n"), start=number):
        values = line.split()
        if not values:
            continue
        if not order < len(values) <= order + 2:
            backoff = ", perhaps a back-off" if order < highest else ""
            needed = f"a log10-probability and {order} words{backoff}"
            return f"{at}: needs {needed}, got {len(values)} fields: {shown(line)}"
        try:
            value = values[0]
            _log10_probs([value], [values[order]], order)
            for value in values[order + 1 :]:
                _floats([value])
        except ValueError:
            return f"{at}: needs a finite number, got {shown(value)}"
        if float(values[0]) > POSITIVE_LIMIT:
            return f"{at}: a log10-probability is at most 0, got {shown(values[0])}"
        if order == highest and any(map(float, values[order + 1 :])):
            return f"{at}: a back-off in the highest order is 0, got {shown(values[-1])}"
        for word in values[1 : order + 1]:
            if index is not None and word not in index:
                return f"{at}: the word {shown(word)} is not among the 1-grams"
    raise AssertionError("a block was refused, and each of its lines is good")


def shown(value: bytes) -> str:
    """Return bytes of a file as a message shows them: quoted, and at most 80 characters."""
    return repr(value.strip().decode("utf-8", "replace")[:80])
