"""Which references are likely wrong? Those that the model finds far less likely than its own text.

The ratio is taken per character, which finds most of the wrong texts that were planted in AN4's
development set: whole texts as many as the plain ratio and that per frame do, single words a few
more than the plain ratio and far more than per frame (``scripts/label_errors.py``,
``recipes/an4/label_errors.json``).
"""

import math

import numpy as np
import numpy.typing as npt

from asr.decoding.log_probs import log_probability, probabilities
from asr.text import Vocabulary


def label_score(
    reference: str, hypothesis: str, log_probs: npt.NDArray[np.floating], vocabulary: Vocabulary
) -> float:
    """How much likelier ``hypothesis`` is than ``reference``: the natural logarithm of the ratio of
    their CTC probabilities under ``log_probs`` (frames, V), for each character of the longer text.

    The higher, the likelier a label error; 0 for the same text; infinite for a reference that
    cannot be: it is too long for the frames, or has characters without a symbol.

    Raises:
        DataError: not log-probs of ``vocabulary``.
    """
    probabilities(log_probs, len(vocabulary))
    reference, hypothesis = map(vocabulary.normalize, (reference, hypothesis))
    ratio = log_ratio(reference, hypothesis, log_probs, vocabulary)
    return ratio / max(1, len(reference), len(hypothesis))


def log_ratio(
    reference: str, hypothesis: str, log_probs: npt.NDArray[np.floating], vocabulary: Vocabulary
) -> float:
    """ln P(hypothesis) - ln P(reference) of normalised texts; infinite where the reference cannot
    be, even if the hypothesis cannot either."""
    if reference == hypothesis:
        return 0.0

    def score(text: str) -> float:
        if vocabulary.unknown_characters(text):
            return -math.inf
        return log_probability(log_probs, vocabulary.encode(text), vocabulary.blank_id)

    score_of_reference = score(reference)
    if score_of_reference == -math.inf:
        return math.inf
    return score(hypothesis) - score_of_reference
