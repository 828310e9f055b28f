"""Forced alignment: the most probable CTC path of a known text gives the frames of its tokens.

The path is found by Viterbi's algorithm over blanks and tokens in turn, on the trellis of Graves
et al. (2006), section 4.1. Memory stays bounded for recordings of hours: improbable states are
pruned, and the path is traced back block by block from the scores kept at the beginning of each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.counts import counted
from asr.decoding.jit import compiled
from asr.decoding.log_probs import check_tokens
from asr.errors import DataError
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
        DataError: tokens that these log-probs do not have, fewer frames than the tokens need (with
            a blank between equal ones), or no path with a probability above 0.

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
            "too short "
            "for this text"
        )
    starts, ends = np.zeros(len(labels), np.int32), np.zeros(len(labels), np.int32)
    for threshold in THRESHOLDS:
        score = viterbi(log_probs, labels, blank_id, threshold, starts, ends, BLOCK)
        if score > -np.inf:
            return starts, ends, score
    raise DataError("the text has probability 0 on this audio")


@compiled
def sweep(
    log_probs: Any,
    labels: Any,
    blank: int,
    threshold: float,
    scores: Any,
    low: int,
    high: int,
    moves: Any,
    lows: Any,
) -> tuple[int, int]:
    """Take ``scores`` of the states ``low`` to ``high`` (exclusive) through all frames of a block.

    State 2 k + 1 is on label k, state 2 k in the blank before it. If ``moves`` (frames, width) is
    not empty, it is filled with the number of states that each state came forward in that frame;
    its column 0 is the state ``lows[t]``. Return the range of states that are left.
    """
    states = 2 * len(labels) + 1
    keep = len(moves) > 0
    for t in range(len(log_probs)):
        row = log_probs[t]
        lows[t] = low
        high = min(high + 2, states)
        best = -np.inf
        for state in range(high - 1, low - 1, -1):  # downwards: what is read is not yet replaced
            score, move = scores[state], 0
            if state > low and scores[state - 1] > score:
                score, move = scores[state - 1], 1
            token = blank
            if state & 1:
                label = state >> 1
                token = labels[label]
                if state > low + 1 and labels[label - 1] != token and scores[state - 2] > score:
                    score, move = scores[state - 2], 2
            scores[state] = score + row[token]
            best = max(best, scores[state])
            if keep:
                moves[t, state - low] = move
        floor = best - threshold
        while low < high - 1 and scores[low] < floor:
            scores[low] = -np.inf
            low += 1
        while high > low + 1 and scores[high - 1] < floor:
            high -= 1
            scores[high] = -np.inf
    return low, high


@compiled
def viterbi(
    log_probs: Any,
    labels: Any,
    blank: int,
    threshold: float,
    starts: Any,
    ends: Any,
    block: int,
) -> float:
    """Fill ``starts`` and ``ends`` (n,); return the path's score, -inf if none reaches the end."""
    frames, states = len(log_probs), 2 * len(labels) + 1
    blocks = (frames + block - 1) // block
    lows = np.zeros(frames, np.int32)
    scores = np.full(states, -np.inf)
    scores[0] = 0.0  # before the first frame: as if in the blank before the first label
    low, high = 0, 1
    # The states in use at the beginning of each block, one block behind the other.
    kept = np.empty(1024)
    offsets = np.zeros(blocks + 1, np.int64)
    bounds = np.zeros((blocks + 1, 2), np.int64)
    nothing = np.empty((0, 0), np.int8)
    for index in range(blocks):
        first, last = index * block, min((index + 1) * block, frames)
        bounds[index] = low, high
        offsets[index + 1] = offsets[index] + high - low
        if offsets[index + 1] > len(kept):
            larger = np.empty(2 * offsets[index + 1])
            larger[: offsets[index]] = kept[: offsets[index]]
            kept = larger
        kept[offsets[index] : offsets[index + 1]] = scores[low:high]
        low, high = sweep(
            log_probs[first:last], labels, blank, threshold, scores, low, high, nothing,
            lows[first:last],
        )  # fmt: skip
    state = states - 1
    if states > 1 and scores[states - 2] > scores[states - 1]:
        state = states - 2
    total = scores[state]
    if total == -np.inf:
        return -np.inf
    for label in range(len(labels)):
        starts[label] = -1
    for index in range(blocks - 1, -1, -1):
        first, last = index * block, min((index + 1) * block, frames)
        low, high = bounds[index]
        scores[:] = -np.inf
        scores[low:high] = kept[offsets[index] : offsets[index + 1]]
        width = min(states, high - low + 2 * (last - first))
        moves = np.empty((last - first, width), np.int8)
        sweep(
            log_probs[first:last], labels, blank, threshold, scores, low, high, moves,
            lows[first:last],
        )  # fmt: skip
        for t in range(last - 1, first - 1, -1):
            if state & 1:
                label = state >> 1
                if starts[label] < 0:
                    ends[label] = t + 1
                starts[label] = t
            state -= moves[t - first, state - lows[t]]
    return total
