"""Log-probs and texts before decoding: their checks, and the probability of a whole text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError

TOLERANCE = 0.05
"""How far the probabilities of a frame may sum from 1. Half precision stays within it."""


def probabilities(log_probs: Any, size: int) -> npt.NDArray[np.float64]:
    """Return exp of ``log_probs`` after checking that it is what a decoder needs.

    Args:
        log_probs: (frames, V) natural logarithms of probabilities that sum to 1 in every frame;
            minus infinity stands for 0.
        size: the expected V.

    Returns:
        (frames, V) float64 probabilities.

    Raises:
        DataError: another shape or type, or values that are no logarithms of probabilities; the
            message says what they look like.

    >>> probabilities(np.log([[0.25, 0.75]]), 2)
    array([[0.25, 0.75]])
    """
    values = np.asarray(log_probs)
    if values.ndim != 2 or values.shape[1] != size:
        raise DataError(f"log_probs needs shape (frames, {size}), got {values.shape}")
    if values.dtype.kind != "f":
        raise DataError(f"log_probs needs floats, got {values.dtype}")
    with np.errstate(over="ignore"):
        probs: npt.NDArray[np.float64] = np.exp(values, dtype=np.float64, order="C")
    wrong = ~(np.abs(probs.sum(axis=1) - 1) <= TOLERANCE)
    if wrong.any():
        frame = int(np.argmax(wrong))
        row = values[frame]
        if np.isnan(row).any():
            what = f"frame {frame} holds NaN"
        elif row.min() >= 0 and abs(float(row.sum()) - 1) <= TOLERANCE:
            what = "these are probabilities; take their logarithm"
        else:
            what = f"the probabilities of frame {frame} sum to {probs[frame].sum():.4g}"
        raise DataError(f"log_probs needs natural logarithms of probabilities: {what}")
    return probs


def check_tokens(
    log_probs: npt.NDArray[np.floating], tokens: Sequence[int], blank_id: int
) -> npt.NDArray[np.int32]:
    """Return ``tokens`` as an array (n,) if ``log_probs`` (frames, V) can hold them.

    Raises:
        DataError: ``log_probs`` is not two-dimensional, a token is the blank or outside V, or the
            blank is outside V.
    """
    labels = np.asarray(tokens, np.int32)
    if log_probs.ndim != 2:
        raise DataError(f"log_probs needs shape (frames, V), got {log_probs.shape}")
    size = log_probs.shape[1]
    if not 0 <= blank_id < size:
        raise DataError(f"the blank needs 0 <= blank_id < V = {size}, got {blank_id}")
    if len(labels) and not (labels.min() >= 0 and labels.max() < size and blank_id not in labels):
        raise DataError(f"tokens need 0 <= token < V = {size}, without the blank {blank_id}")
    return labels


def log_probability(
    log_probs: npt.NDArray[np.floating], tokens: Sequence[int], blank_id: int
) -> float:
    """Return ln P(``tokens``), the sum over all CTC paths that spell them.

    The forward variables are those of Graves et al. (2006), section 4.1, equations 5 to 8, in
    logarithms.

    Args:
        log_probs: (frames, V) natural logarithms.
        tokens: token ids without blanks; none for the empty text.
        blank_id: index of the blank.

    Returns:
        The natural logarithm; minus infinity where the tokens do not fit into the frames, and 0
        for no tokens on no frames.

    Raises:
        DataError: see :func:`check_tokens`.

    Three of the four paths through two frames spell the token 1 once: "1 1", "1 0" and "0 1".

    >>> half = np.log([[0.5, 0.5], [0.5, 0.5]])
    >>> round(float(np.exp(log_probability(half, [1], blank_id=0))), 6)
    0.75
    """
    labels = check_tokens(log_probs, tokens, blank_id)
    # State 2 k + 1 is on label k, state 2 k in the blank before it; two states of blanks that no
    # path is in stand before them all.
    symbols = np.full(2 * len(labels) + 1, blank_id)
    symbols[1::2] = labels
    shut = np.ones(len(symbols), bool)  # for steps of two: into blanks, between equal labels
    shut[3::2] = labels[1:] == labels[:-1]
    scores = np.full(len(symbols) + 2, -np.inf)
    scores[2] = 0.0  # before the first frame: as if in the blank before the first label
    for row in log_probs[:, symbols].astype(np.float64):
        skips = np.where(shut, -np.inf, scores[:-2])
        scores[2:] = np.logaddexp(np.logaddexp(scores[2:], scores[1:-1]), skips) + row
    return float(np.logaddexp(scores[-1], scores[-2]))
