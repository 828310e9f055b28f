"""Forced alignment: the most probable CTC path of a known text gives the frames of its tokens.

The path is found by Viterbi's algorithm over blanks and tokens in turn, on the trellis of Graves
et al. (2006), section 4.1. Memory stays bounded for recordings of hours: improbable states are
pruned, and the path is traced back block by block from the scores kept at the beginning of each.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr.counts import counted
from asr.decoding.log_probs import check_tokens
from asr.errors import DataError
from asr.native import library
from asr.native.align import Trellis
from asr.text import min_frames

BLOCK = 2048
"""The number of frames whose moves are kept at a time."""

THRESHOLDS = (20_000.0, np.inf)
"""How far below the best state another one may be (natural logarithm) before it is pruned.

The second value is tried where the first one prunes every path to the end of the text. The text of
an hour of AN4 needs no more than 200. Speech that is missing in the text needs more, about 4,000 a
minute, because until it ends other places of the text fit better.
"""


def align(
    log_probs: npt.NDArray[np.float32], tokens: Sequence[int], blank_id: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], float]:
    """Place ``tokens`` on their most probable path through ``log_probs``.

    Between two tokens the path is in the blank, or goes straight from one to the next.

    Args:
        log_probs: (frames, V) natural logarithms.
        tokens: (n,) token ids without blanks.
        blank_id: index of the blank.

    Returns:
        The first frame (n,) and the last frame (n,), exclusive, of each token, and the natural
        logarithm of the path's probability.

    Raises:
        DataError: tokens or a blank that these log-probs do not have, fewer frames than the tokens
            need (with a blank between equal ones), or no path with a probability above 0.

    >>> best = [0, 1, 1, 2]  # the most probable symbol of each frame
    >>> sure = np.log(np.float32(0.1) + np.eye(3, dtype=np.float32)[best] * np.float32(0.7))
    >>> starts, ends, score = align(sure, [1, 2], blank_id=0)
    >>> starts.tolist(), ends.tolist(), round(score, 3)
    ([1, 3], [3, 4], -0.893)
    """
    labels = check_tokens(log_probs, tokens, blank_id)
    needed = min_frames(list(tokens))
    if len(log_probs) < needed:
        raise DataError(
            f"the text needs {counted(needed, 'frame')}, the audio has {len(log_probs)}: it is "
            "too short for this text"
        )
    log_probs = np.require(log_probs, np.float32, ["C", "A"])
    labels = np.require(labels, np.int32, ["C", "A"])
    for threshold in THRESHOLDS:
        path = _viterbi(log_probs, labels, blank_id, threshold)
        if path:
            return path
    raise DataError("the text has probability 0 on this audio")


def _viterbi(
    log_probs: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    blank: int,
    threshold: float,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], float] | None:
    """Return what :func:`align` does, or None if the path to the end of the text is pruned."""
    frames, size = log_probs.shape
    count = len(labels)
    states = 2 * count + 1
    scores = np.full(2 + states, -np.inf)  # two states that no path is in stand before the others
    scores[2] = 0.0  # before the first frame: as if in the blank before the first label
    starts, ends = np.full(count, -1, np.int32), np.empty(count, np.int32)
    trellis = Trellis(
        log_probs=log_probs.ctypes.data,
        labels=labels.ctypes.data,
        scores=scores.ctypes.data,
        starts=starts.ctypes.data,
        ends=ends.ctypes.data,
        threshold=threshold,
        size=size,
        count=count,
        blank=blank,
        low=0,
        high=1,
    )
    firsts = range(0, max(frames, 1), BLOCK)
    kept = []  # the states in use at the beginning of each block
    for first in firsts:
        low, high = trellis.low, trellis.high
        kept.append((first, low, high, scores[2 + low : 2 + high].copy()))
        if first != firsts[-1]:
            library.align_sweep(trellis, first, first + BLOCK, False)
    longest = min(BLOCK, frames)
    widest = max(high - low for _, low, high, _ in kept) + 2 * longest
    moves, lows = np.empty((longest, min(states, widest)), np.int8), np.empty(longest, np.int64)
    trellis.moves, trellis.lows, trellis.width = moves.ctypes.data, lows.ctypes.data, moves.shape[1]
    state, total = states - 1, -np.inf
    for first, low, high, before in reversed(kept):
        last = min(first + BLOCK, frames)
        scores.fill(-np.inf)
        scores[2 + low : 2 + high] = before
        trellis.low, trellis.high = low, high
        library.align_sweep(trellis, first, last, True)
        if first == firsts[-1]:
            state -= int(scores[-2] > scores[-1])
            total = scores[2 + state].item()
            if not total > -np.inf:
                return None
        state = library.align_trace(trellis, first, last, state)
    return starts, ends, total
