"""Why is it wrong? The cause of each word error: the search, the language model, the acoustics."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asr.decoding.greedy import greedy
from asr.decoding.log_probs import log_probability, probabilities
from asr.evaluation.word_alignment import Step, align_words
from asr.text import Vocabulary

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch

CAUSES = SEARCH, LANGUAGE_MODEL, ACOUSTICS, OUT_OF_VOCABULARY = (
    "search",
    "language model",
    "acoustics",
    "out of vocabulary",
)


def attribute(
    reference: str,
    hypothesis: str,
    log_probs: npt.NDArray[np.floating],
    vocabulary: Vocabulary,
    search: "BeamSearch | None" = None,
) -> tuple[str | None, ...]:
    """The cause of the error at each step of the alignment
    (:func:`asr.evaluation.word_alignment.align_words`) of two texts, None where the step is right.

    Errors in a row have one cause. They are mended, the other errors left as they are, and the text
    that comes out is compared with ``hypothesis``:

    - *out of vocabulary*: the decoder cannot give it, for a character without a symbol or a word
      outside a closed lexicon;
    - *search*: it has the higher score, and the decoder missed it;
    - *language model*: it has the higher probability by the acoustics, summed over all paths, and
      what the search adds to them spoilt it: the language model or two of them, the bonus of words,
      hot words;
    - *acoustics*: neither, also where the frames are too few for it.

    Both are scored in the spelling that is best: with single spaces between words, or with one more
    in one place. Where a word is missed, decoders often leave the spaces on both its sides. Of
    sub-words, they are those of the training texts, or those that the decoder gave.

    Args:
        log_probs: (frames, V) of the utterance.
        search: which gave ``hypothesis``; None for greedy search, whose score is the acoustics'.

    Raises:
        DataError: not log-probs of ``vocabulary``, or a hypothesis that it cannot spell.
    """
    probabilities(log_probs, len(vocabulary))
    steps = align_words(
        *(
            vocabulary.space_units(vocabulary.normalize(text)).split()
            for text in (reference, hypothesis)
        )
    )

    def spelled(text: str) -> list[Sequence[int]]:
        one_more = vocabulary.spaced and vocabulary.space_id is not None
        return [vocabulary.encode(item) for item in (_spellings(text) if one_more else [text])]

    def scores(spellings: list[Sequence[int]]) -> tuple[float, float]:
        """The decoder's, and the acoustics'."""
        if search is not None:
            found = [search.score(log_probs, item) for item in spellings]
            return max(item.score for item in found), max(item.acoustic_score for item in found)
        acoustic = max(log_probability(log_probs, item, vocabulary.blank_id) for item in spellings)
        return acoustic, acoustic

    def cause(first: int, last: int) -> str:
        """Of the errors from step ``first`` to ``last``, exclusive."""
        mended = vocabulary.join_units(_mend(steps, first, last))
        words = [step.reference for step in steps[first:last] if step.reference is not None]
        if vocabulary.unknown_characters(mended) or (search and not all(map(search.allows, words))):
            return OUT_OF_VOCABULARY
        score, acoustic = scores(spelled(mended))
        if score > output_score:
            return SEARCH
        return LANGUAGE_MODEL if acoustic > output_acoustic else ACOUSTICS

    output = vocabulary.join_units(_mend(steps, 0, 0))
    output_spelled = spelled(output)
    if vocabulary.scores:  # the decoder may have divided it into other sub-words
        decoded = search(log_probs) if search else greedy(log_probs, vocabulary.blank_id)
        found = vocabulary.space_units(vocabulary.decode(decoded.tokens))
        if found == vocabulary.space_units(output):
            output_spelled.append(decoded.tokens)
    output_score, output_acoustic = scores(output_spelled)
    causes: list[str | None] = []
    for right, run in groupby(step.kind == "C" for step in steps):
        first, last = len(causes), len(causes) + len(list(run))
        causes += [None if right else cause(first, last)] * (last - first)
    return tuple(causes)


def count_causes(causes: Iterable[str | None]) -> dict[str, int]:
    """Word errors by cause, all of :data:`CAUSES`; together the errors of their alignments."""
    found = list(causes)
    return {cause: found.count(cause) for cause in CAUSES}


def _mend(steps: Sequence[Step], first: int, last: int) -> list[str]:
    """The words of the hypothesis with those of the reference from step ``first`` to ``last``,
    exclusive."""
    words = [
        step.reference if first <= index < last else step.hypothesis
        for index, step in enumerate(steps)
    ]
    return [word for word in words if word is not None]


def _spellings(text: str) -> list[str]:
    """``text``, and with one space more: before it, after it, or between two words."""
    places = {0, len(text), *(place for place, letter in enumerate(text) if letter == " ")}
    return [text, *(f"{text[:place]} {text[place:]}" for place in sorted(places))]
