"""The options of beam search."""

from dataclasses import dataclass

from asr.config import Section, option


@dataclass(frozen=True)
class DecodingConfig(Section, name="decoding"):
    """Beam search. Scores and thresholds are natural logarithms.

    A text is worth its acoustic score + ``lm_weight`` x its language model score + ``word_bonus``
    for each word + ``unknown_score`` for each word that the language model does not know. In
    rescoring, the share ``rescore_share`` of the language model score is that of the recurrent
    model, and the weight of both is ``rescore_weight`` in place of ``lm_weight``. With a decoder
    with attention, the best texts are worth ``attention_weight`` x its score more.
    """

    beam_size: int = option(64, "prefixes that are kept", at_least=1, at_most=65536)
    beam_threshold: float = option(
        16.0, "how far below the best a prefix may be to be kept", at_least=0
    )
    max_tokens: int = option(40, "tokens that a frame offers at most", at_least=1, at_most=65536)
    token_threshold: float = option(
        10.0, "how far below the best of its frame a token may be to be offered", at_least=0
    )
    blank_skip: float = option(
        0.9995,
        "probability of the blank above which a frame offers no other token; 1: never skip",
        above=0,
        at_most=1,
    )
    lm_weight: float = option(0.6, "weight of the language model", at_least=0, at_most=100)
    word_bonus: float = option(0.0, "score added for each word", at_least=-100, at_most=100)
    unknown_score: float = option(
        -5.0, "score added for each word that is unknown", at_least=-100, at_most=100
    )
    rescore_count: int = option(
        100, "texts that are rescored, the best ones", at_least=1, at_most=65536
    )
    rescore_weight: float = option(
        0.6, "weight of both language models in rescoring", at_least=0, at_most=100
    )
    rescore_share: float = option(
        0.5, "share of the recurrent model in rescoring", at_least=0, at_most=1
    )
    attention_count: int = option(
        10, "texts that a decoder with attention scores, the best ones", at_least=1, at_most=65536
    )
    attention_weight: float = option(
        0.5, "weight of the decoder with attention", at_least=0, at_most=100
    )
