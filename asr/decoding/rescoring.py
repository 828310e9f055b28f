"""A second look at the best texts of a search, with a recurrent language model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.decoding.config import DecodingConfig
from asr.lm.recurrent_lm import RecurrentLm

TOTAL, ACOUSTIC, LM = range(3)
"""Columns of the scores of a text."""


def rescore(
    scores: npt.NDArray[np.float64],
    texts: Sequence[str],
    lm: RecurrentLm,
    options: DecodingConfig,
    history: str = "",
    sentence_ends: bool = True,
) -> npt.NDArray[np.float64]:
    """``scores`` (N, 3) of normalised texts, columns as above, after the first pass -> those after
    the second: minus infinity but for the ``rescore_count`` best distinct texts, of which the share
    ``rescore_share`` of the language model score is ``lm``'s; its weight is ``rescore_weight``.

    Interpolation of log-probabilities as in Mikolov et al. (2010), section 3.
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
