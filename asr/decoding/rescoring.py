"""Rescoring: a second pass over the best texts of a search, with a recurrent language model or a
decoder with attention."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.decoding.attention import AttentionScorer, Encodings
from asr.decoding.config import DecodingConfig
from asr.lm.recurrent_lm import RecurrentLm
from asr.text import Vocabulary

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
    get a total of minus infinity. Like the first model, the second has no score for an empty text.

    Args:
        scores: (N, 3) after the first pass, in the columns :data:`TOTAL`, :data:`ACOUSTIC` and
            :data:`LM`.
        texts: the N normalised texts, of which several may be equal.
        history: the words of the same sentence before the texts.
        sentence_ends: whether the sentence ends with each text.
    """
    best, places = _best(scores, texts, options.rescore_count)
    said = np.array([text != "" for text in best], bool)
    second = np.where(said, lm.score_texts(best, history, sentence_ends), 0.0)
    result = scores.copy()
    result[:, LM] += options.rescore_share * (second[places] - scores[:, LM])
    result[:, TOTAL] -= options.lm_weight * scores[:, LM]
    result[:, TOTAL] += options.rescore_weight * result[:, LM]
    result[places < 0, TOTAL] = -np.inf
    return result


def attend(
    scores: npt.NDArray[np.float64],
    texts: Sequence[str],
    scorer: AttentionScorer,
    encodings: Encodings,
    vocabulary: Vocabulary,
    options: DecodingConfig,
) -> npt.NDArray[np.float64]:
    """Return the scores (N, 3) of texts after a decoder with attention has scored them.

    Its score is the log-probability of a text as it is spelled in training, with its end, and is
    added to the total with ``attention_weight``: the attention rescoring of Yao et al. (2021),
    "WeNet: Production oriented streaming and non-streaming end-to-end speech recognition toolkit",
    section 2.2. Texts outside the ``attention_count`` best distinct ones get a total of minus
    infinity.

    Args:
        scores: (N, 3) before, in the columns :data:`TOTAL`, :data:`ACOUSTIC` and :data:`LM`.
        texts: the N normalised texts, of which several may be equal.
        encodings: (T, E) of what was heard, T > 0.
        vocabulary: that of the model.
    """
    best, places = _best(scores, texts, options.attention_count)
    second = scorer.score(encodings, [vocabulary.encode(text) for text in best])
    result = scores.copy()
    result[:, TOTAL] += options.attention_weight * second[places]
    result[places < 0, TOTAL] = -np.inf
    return result


def _best(
    scores: npt.NDArray[np.float64], texts: Sequence[str], count: int
) -> tuple[list[str], Any]:
    """Return the ``count`` best distinct texts, and the place of each text among them, or -1."""
    order = np.argsort(-scores[:, TOTAL], kind="stable").tolist()
    best = list(dict.fromkeys(texts[index] for index in order))[:count]
    place = {text: index for index, text in enumerate(best)}
    return best, np.array([place.get(text, -1) for text in texts])
