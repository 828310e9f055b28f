"""Quantisation: many numbers are rounded to few."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asr.lm.ngram import FloatArray

ROUNDS = 20
"""The rounds of Lloyd's algorithm, after which the error falls no further to speak of."""


class Codebook(NamedTuple):
    """The few values, ascending, and the code of each number, which is the place of its value."""

    values: FloatArray
    codes: npt.NDArray[np.uint32]


def quantize(numbers: FloatArray, size: int) -> Codebook:
    """Choose ``size`` values, and the nearest of them for each of ``numbers`` (n,).

    Where there are no more different numbers than values, they all stay exact, and so does 0
    always. Otherwise the values make the squared error as small as Lloyd's algorithm (1982) finds.

    >>> book = quantize(np.array([-1.0, 0.0, -2.0, 0.0], np.float32), 4)
    >>> book.values[book.codes].tolist()
    [-1.0, 0.0, -2.0, 0.0]
    """
    ordered = np.sort(numbers).astype(np.float64)
    values = ordered[np.flatnonzero(np.diff(ordered, prepend=np.nan) != 0)]
    if len(values) > size:
        values = _centers(ordered[ordered != 0], size - 1)
        values = np.sort(np.append(values, 0.0))
    middles = (values[1:] + values[:-1]) / 2
    codes = np.searchsorted(middles, numbers).astype(np.uint32)
    padded = np.concatenate([values, np.zeros(size - len(values))])
    return Codebook(padded.astype(np.float32), codes)


def _centers(ordered: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """Return at most ``count`` centres of ascending numbers.

    At the start they are as dense as the cube root of the density of the numbers, which is best for
    many centres (Panter and Dite 1951); the density is that of small bins of equally many numbers.
    """
    edges = np.linspace(0, len(ordered) - 1, 16 * count + 1).astype(np.int64)
    shares = np.diff(ordered[edges]) ** (2 / 3)
    # An outlier would get the centres of the void before it, too.
    usual = np.sort(shares)[: int(0.99 * len(shares))].sum()
    shares = np.minimum(shares, 2 * usual / count)
    shares = np.concatenate([[0.0], np.cumsum(shares)])
    cuts = np.interp(np.linspace(0, shares[-1], count + 1)[1:-1], shares, ordered[edges])
    bounds = np.concatenate([[0], np.searchsorted(ordered, cuts), [len(ordered)]])
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    for _ in range(ROUNDS):
        bounds = np.unique(bounds)
        centers = np.diff(sums[bounds]) / np.diff(bounds)
        inner = np.searchsorted(ordered, (centers[1:] + centers[:-1]) / 2)
        bounds = np.concatenate([[0], inner, [len(ordered)]])
    bounds = np.unique(bounds)
    means: npt.NDArray[np.float64] = np.diff(sums[bounds]) / np.diff(bounds)
    return means
