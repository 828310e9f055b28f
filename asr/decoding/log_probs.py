"""What a decoder may be fed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError

TOLERANCE = 0.05
"""How far the probabilities of a frame may sum from 1: half precision passes."""


def probabilities(log_probs: Any, size: int) -> npt.NDArray[np.float64]:
    """exp of ``log_probs`` (frames, V), if they are natural logarithms of probabilities that sum to
    1 in every frame; -inf stands for 0.

    Raises:
        DataError: something else; the message says what it looks like.
    """
    values = np.asarray(log_probs)
    if values.ndim != 2 or values.shape[1] != size:
        raise DataError(f"log_probs needs shape (frames, {size}), got {values.shape}")
    if not np.issubdtype(values.dtype, np.floating):
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
