"""Forced alignment: the most probable CTC path of a known text gives the frames of its tokens.

The path is found by Viterbi's algorithm over blanks and tokens in turn, on the trellis of Graves
et al. (2006), section 4.1. Memory stays bounded for recordings of hours: improbable states are
pruned, and the path is traced back block by block from the scores kept at the beginning of each.
"""

from collections.abc import Sequence
from ctypes import c_double

import numpy as np
import numpy.typing as npt

from asr.counts import counted
from asr.decoding.log_probs import check_tokens
from asr.errors import DataError
from asr.native import library
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
    return viterbi(np.require(log_probs, np.float32, ["C", "A"]), labels, blank_id)


def viterbi(
    log_probs: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], blank: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], float]:
    """Return what :func:`align` does, for labels that are known to be some of ``log_probs``.

    Both arrays need the layout of C.

    Raises:
        DataError: there is no path with a probability above 0.
    """
    starts, ends, score = np.empty_like(labels), np.empty_like(labels), c_double()
    frames, size = log_probs.shape
    for threshold in THRESHOLDS:
        found = library.align_text(
            log_probs, frames, size, labels, len(labels), blank, BLOCK, threshold,
            starts, ends, score,
        )  # fmt: skip
        if found < 0:
            raise MemoryError
        if found:
            return starts, ends, score.value
    raise DataError("the text has probability 0 on this audio")
