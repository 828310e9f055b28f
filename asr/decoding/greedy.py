"""Greedy CTC decoding: the best symbol of each frame, with repeats merged and blanks dropped."""

import numpy as np
import numpy.typing as npt

from asr.decoding.hypothesis import Hypothesis
from asr.errors import DataError


def greedy(log_probs: npt.NDArray[np.floating], blank_id: int) -> Hypothesis:
    """Decode the best path (Graves et al. 2006, section 3.2).

    A token lies on the run of frames in which its symbol is the most probable; its posterior is the
    largest in that run.

    Args:
        log_probs: (frames, V) natural logarithms; frames may be 0.
        blank_id: index of the blank.

    Raises:
        DataError: ``log_probs`` is not two-dimensional, or the blank is outside V.

    >>> frames = np.log([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8]])
    >>> hypothesis = greedy(frames, blank_id=0)
    >>> hypothesis.tokens, hypothesis.start_frames, hypothesis.end_frames
    ((1, 2), (0, 3), (2, 4))
    """
    if log_probs.ndim != 2:
        raise DataError(f"log_probs needs shape (frames, V), got {log_probs.shape}")
    frames, size = log_probs.shape
    if not 0 <= blank_id < size:
        raise DataError(f"blank_id is {blank_id}, needs 0 <= blank_id < V = {size}")
    if frames == 0:
        return Hypothesis((), (), (), (), acoustic_score=0.0)
    path = log_probs.argmax(axis=1)
    best = log_probs[np.arange(frames), path]
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], frames)
    peaks = np.maximum.reduceat(best, starts)
    kept = path[starts] != blank_id
    score = float(best.sum(dtype=np.float64))
    return Hypothesis(
        tokens=tuple(path[starts[kept]].tolist()),
        start_frames=tuple(starts[kept].tolist()),
        end_frames=tuple(ends[kept].tolist()),
        log_posteriors=tuple(peaks[kept].tolist()),
        acoustic_score=score,
        score=score,
    )
