"""The readable form of recognised words: a tagger and the rules of its language together."""

from collections.abc import Sequence

from asr.display.tagger import Tagger
from asr.display.tokens import Token, to_tokens

FIGURES = ("en",)
"""The languages in which numbers and the like are written in figures."""


def readable(
    tagger: Tagger, words: Sequence[str], pauses: Sequence[float | None] | None = None
) -> tuple[Token, ...]:
    """Return the readable form of ``words`` (n,) as tokens, whose spans are all words in order.

    Args:
        tagger: the tagger of a model.
        pauses: the seconds (n,) of silence after each word, None where that is not known.
    """
    tags = tagger.tag(words, pauses)
    figures = tagger.language in FIGURES
    return to_tokens(words, tags.marks, tags.cases, tagger.mixed, figures)
