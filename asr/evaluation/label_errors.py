"""Label errors: references that are likely wrong, because the model finds its own text far
likelier.

The score is a likelihood ratio per character. Of the wrong texts that were planted in AN4's
development set, this ratio finds as many exchanged texts as the plain ratio and the ratio per frame
do, and of the exchanged words a few more than the plain ratio and far more than the ratio per frame
(``recipes/an4/label_errors.py``, ``recipes/an4/label_errors.json``).
"""

import math

import numpy as np
import numpy.typing as npt

from asr.decoding.log_probs import log_probability, probabilities
from asr.text import Vocabulary


def label_score(
    reference: str, hypothesis: str, log_probs: npt.NDArray[np.floating], vocabulary: Vocabulary
) -> float:
    """Return how much likelier ``hypothesis`` is than ``reference``, per character.

    It is the natural logarithm of the ratio of their CTC probabilities under ``log_probs``
    (frames, V), divided by the characters of the longer text. The higher the score, the likelier is
    a label error. It is 0 if the texts are equal, and infinite if the reference is impossible,
    because it is too long for the frames or has characters without a symbol.

    Raises:
        DataError: these are not log-probs of ``vocabulary``.
    """
    probabilities(log_probs, len(vocabulary))
    reference, hypothesis = map(vocabulary.normalize, (reference, hypothesis))
    ratio = log_ratio(reference, hypothesis, log_probs, vocabulary)
    return ratio / max(1, len(reference), len(hypothesis))


def log_ratio(
    reference: str, hypothesis: str, log_probs: npt.NDArray[np.floating], vocabulary: Vocabulary
) -> float:
    """Return ln P(hypothesis) - ln P(reference) of normalised texts; it is infinite if the
    reference is impossible, even if the hypothesis is, too."""
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
