"""How probable is a text? The sum over all its CTC paths, not the best one alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr.errors import DataError


def log_probability(
    log_probs: npt.NDArray[np.floating], tokens: Sequence[int], blank_id: int
) -> float:
    """ln P(``tokens``) under ``log_probs`` (frames, V): the forward variables of Graves et al.
    (2006), section 4.1, equations 5 to 8, in logarithms.

    Minus infinity where they don't fit into the frames; without frames, 0 for no tokens.

    Raises:
        DataError: not tokens of these log-probs.
    """
    if log_probs.ndim != 2:
        raise DataError(f"log_probs needs shape (frames, V), got {log_probs.shape}")
    labels, size = np.asarray(tokens, np.int64), log_probs.shape[1]
    if len(labels) and not (labels.min() >= 0 and labels.max() < size and blank_id not in labels):
        raise DataError(f"tokens need 0 <= token < V = {size}, without the blank {blank_id}")
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
