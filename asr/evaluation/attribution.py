"""Attribution of each word error to a cause: the search, a decoder with attention, the language
model or the acoustics."""

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
    from asr.decoding.attention import Encodings
    from asr.decoding.beam import BeamSearch

CAUSES = SEARCH, ATTENTION, LANGUAGE_MODEL, ACOUSTICS, OUT_OF_VOCABULARY = (
    "search",
    "attention",
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
    encodings: "Encodings | None" = None,
) -> tuple[str | None, ...]:
    """Return the cause of the error at each step of the alignment of two texts
    (:func:`asr.evaluation.word_alignment.align_words`), None where the step is right.

    Errors in a row have one cause. They are corrected while all other errors stay, and the
    corrected text is compared with ``hypothesis``:

    - *out of vocabulary*: the decoder cannot give the corrected text, because a character has no
      symbol or a word is not in a closed lexicon;
    - *search*: the corrected text has the higher score, so the decoder missed it;
    - *attention*: it was ahead, until the decoder with attention scored the texts;
    - *language model*: the corrected text has the higher probability by the acoustics, summed over
      all paths, and what the search adds to them spoilt it: language models, the bonus of words, or
      hot words;
    - *acoustics*: neither; also if the frames are too few for the corrected text.

    Both texts are scored in their best spelling: with single spaces between words, or with one more
    space in one place, because decoders often leave the spaces on both sides of a word that they
    miss. In sub-words, the spellings are that of the training texts, and that of the decoder.

    Args:
        reference: what was said.
        hypothesis: what the decoder gave for ``log_probs``.
        log_probs: (frames, V) of the utterance.
        vocabulary: the V symbols.
        search: the search that gave ``hypothesis``; None for greedy search, whose score is the
            acoustics'.
        encodings: (frames, E) of the utterance, if the search has a decoder with attention.

    Raises:
        DataError: these are not log-probs of ``vocabulary``, it cannot spell the hypothesis, or
            encodings are missing.
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

    def scores(spellings: list[Sequence[int]]) -> tuple[float, float, float]:
        """Return the best score by the decoder, the best without attention, and the best by the
        acoustics alone."""
        if search is None:
            blank = vocabulary.blank_id
            acoustic = max(log_probability(log_probs, item, blank) for item in spellings)
            return acoustic, acoustic, acoustic
        found = [search.score(log_probs, item, encodings) for item in spellings]
        weight = search.options.attention_weight
        before = max(item.score - weight * item.attention_score for item in found)
        acoustic = max(item.acoustic_score for item in found)
        return max(item.score for item in found), before, acoustic

    def cause(first: int, last: int) -> str:
        """Return the cause of the errors from step ``first`` to ``last``, exclusive."""
        corrected = vocabulary.join_units(_corrected_words(steps, first, last))
        words = [step.reference for step in steps[first:last] if step.reference is not None]
        if vocabulary.unknown_characters(corrected) or (
            search and not all(map(search.allows, words))
        ):
            return OUT_OF_VOCABULARY
        score, before, acoustic = scores(spelled(corrected))
        if score > output_score:
            return SEARCH
        if before > output_before:
            return ATTENTION
        return LANGUAGE_MODEL if acoustic > output_acoustic else ACOUSTICS

    output = vocabulary.join_units(_corrected_words(steps, 0, 0))
    output_spelled = spelled(output)
    if vocabulary.scores:  # the decoder may have divided the text into other sub-words
        if search:
            (decoded,) = search.n_best(log_probs, 1, encodings)
        else:
            decoded = greedy(log_probs, vocabulary.blank_id)
        found = vocabulary.space_units(vocabulary.decode(decoded.tokens))
        if found == vocabulary.space_units(output):
            output_spelled.append(decoded.tokens)
    output_score, output_before, output_acoustic = scores(output_spelled)
    causes: list[str | None] = []
    for right, run in groupby(step.kind == "C" for step in steps):
        first, last = len(causes), len(causes) + len(list(run))
        causes += [None if right else cause(first, last)] * (last - first)
    return tuple(causes)


def count_causes(causes: Iterable[str | None]) -> dict[str, int]:
    """Count word errors by cause; every one of :data:`CAUSES` has a count.

    >>> count_causes([None, "search", "search", None])
    {'search': 2, 'attention': 0, 'language model': 0, 'acoustics': 0, 'out of vocabulary': 0}
    """
    found = list(causes)
    return {cause: found.count(cause) for cause in CAUSES}


def _corrected_words(steps: Sequence[Step], first: int, last: int) -> list[str]:
    """Return the words of the hypothesis, but those of the reference from step ``first`` to
    ``last``, exclusive."""
    words = [
        step.reference if first <= index < last else step.hypothesis
        for index, step in enumerate(steps)
    ]
    return [word for word in words if word is not None]


def _spellings(text: str) -> list[str]:
    """Return ``text``, and ``text`` with one more space: before it, after it, or between two
    words."""
    places = {0, len(text), *(place for place, letter in enumerate(text) if letter == " ")}
    return [text, *(f"{text[:place]} {text[place:]}" for place in sorted(places))]
