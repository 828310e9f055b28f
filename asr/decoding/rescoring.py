"""Rescoring: a second pass over the best texts of a search, with a recurrent language model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.decoding.config import DecodingConfig
from asr.lm.recurrent_lm import RecurrentLm

TOTAL, ACOUSTIC, LM = range(3)
"""Columns of an array of scores, whose rows are texts."""


def rescore(
    scores: npt.NDArray[np.float64],
    texts: Sequence[str],
    lm: RecurrentLm,
    options: DecodingConfig,
    history: str = "",
    sentence_ends: bool = True,
) -> npt.NDArray[np.float64]:
    """Return the scores (N, 3) of texts after the second pass.

    The two language models are interpolated, as log-probabilities, like in Mikolov et al. (2010),
    section 3: the share ``rescore_share`` of the new language model score is that of ``lm``, and
    its weight is ``rescore_weight``. Texts outside the ``rescore_count`` best distinct ones
    get a total of minus infinity.

    Args:
        scores: (N, 3) after the first pass, in the columns :data:`TOTAL`, :data:`ACOUSTIC` and
            :data:`LM`.
        texts: the N normalised texts, of which several may be equal.
        history: the words of the same sentence before the texts.
        sentence_ends: whether the sentence ends with each text.
    """
    order = np.argsort(-scores[:, TOTAL], kind="stable").tolist()
    distinct = list(dict.fromkeys(texts[index] for index in order))[: options.rescore_count]
    place = {text: index for index, text in enumerate(distinct)}
    second = lm.score_texts(distinct, history, sentence_ends)
    places: Any = np.array([place.get(text, -1) for text in texts])
    result = scores.copy()
    result[:, LM] += options.rescore_share * (second[places] - scores[:, LM])
    result[:, TOTAL] -= options.lm_weight * scores[:, LM]
    result[:, TOTAL] += options.rescore_weight * result[:, LM]
    result[places < 0, TOTAL] = -np.inf
    return result
