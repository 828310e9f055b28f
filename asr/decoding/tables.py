"""The tables of a beam search: vocabulary, lexicon, language model and hot words, as the compiled
search reads them (``asr/native/search.h``)."""

import ctypes
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.decoding.config import DecodingConfig
from asr.decoding.hotwords import build_hotwords
from asr.decoding.lexicon import build_lexicon
from asr.errors import DataError
from asr.lm.ngram import END, SPACE, START, UNKNOWN
from asr.lm.packed import PackedLm
from asr.lm.word_hash import BASE, MASK, hash_words
from asr.native.structures import Search
from asr.text import Vocabulary

NO_LM, WORD_LM, TOKEN_LM = range(3)


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a search, which do not depend on its options.

    The arrays are those of ``Search`` in ``asr/native/search.h``, whose comments say what they
    hold; None stands for what a search does without.
    """

    vocabulary: Vocabulary
    lm: PackedLm | None
    boundaries: npt.NDArray[np.uint8]
    codes: npt.NDArray[np.uint64]
    powers: npt.NDArray[np.uint64]
    closed: bool = False
    lexicon_first: npt.NDArray[np.int32] | None = None
    lexicon_label: npt.NDArray[np.int32] | None = None
    lexicon_words: npt.NDArray[np.int32] | None = None
    lexicon_follow: npt.NDArray[np.uint64] | None = None
    token_words: npt.NDArray[np.int32] | None = None
    hot_next: npt.NDArray[np.int32] | None = None
    hot_gain: npt.NDArray[np.float64] | None = None
    hot_potential: npt.NDArray[np.float64] | None = None

    def search(self, options: DecodingConfig) -> Search:
        """Return the structure that the compiled search reads; it keeps the tables alive."""
        vocabulary, lm = self.vocabulary, self.lm
        space = vocabulary.space_id
        hot_gain, hot_potential = self.hot_gain, self.hot_potential
        most = max(0.0, options.word_bonus, options.word_bonus + options.unknown_score)
        if hot_gain is not None and hot_potential is not None:
            # A potential is only lent: it must not push better prefixes out of the beam.
            hot_potential = np.minimum(hot_potential, options.beam_threshold / 2)
            most += float(hot_gain.max() + hot_potential.max())
        arrays = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        if hot_potential is not None:
            arrays["hot_potential"] = hot_potential
        kind = _kind(lm)
        context = self.closed or kind or hot_gain is not None
        result = Search(
            lm=ctypes.pointer(lm.native) if lm else None,
            lm_weight=options.lm_weight,
            word_bonus=options.word_bonus,
            unknown_score=options.unknown_score,
            beam_threshold=math.exp(-options.beam_threshold),
            token_threshold=math.exp(-options.token_threshold),
            blank_skip=options.blank_skip,
            largest_factor=math.exp(most),
            size=len(vocabulary),
            blank=vocabulary.blank_id,
            space=-1 if space is None else space,
            leading=vocabulary.leading_space,
            closed=self.closed,
            lm_kind=kind,
            lm_unknown=lm.unknown_id if lm else 0,
            lm_end=lm.word_id(END) if lm else 0,
            beam_size=options.beam_size,
            max_tokens=min(options.max_tokens, len(vocabulary)),
            plain=not (context or options.word_bonus),
            **{name: array.ctypes.data for name, array in arrays.items()},
        )
        result.kept = (self, arrays)
        return result


def build_tables(
    vocabulary: Vocabulary,
    lm: PackedLm | None,
    lexicon: Iterable[str] | None,
    hotwords: Mapping[str, float],
) -> Tables:
    """Build the tables of a search.

    Raises:
        DataError: the vocabulary cannot spell a hot word or a word of the lexicon, or does not go
            with the language model.
    """
    kind = _kind(lm)
    if lexicon is not None or kind == WORD_LM:
        if vocabulary.space_id is None or not vocabulary.spaced:
            raise DataError(
                "a lexicon or a language model of words needs a vocabulary with a space"
            )
    if kind == TOKEN_LM and vocabulary.scores:
        raise DataError("a model of sub-words takes a language model of words, not of characters")
    arrays: dict[str, Any] = {}
    if hotwords:
        automaton = build_hotwords(hotwords, vocabulary)
        arrays["hot_next"] = automaton.next
        arrays["hot_gain"] = automaton.gain
        arrays["hot_potential"] = automaton.potential
    known: dict[str, int] = {}
    if lexicon is not None:
        hot = [word for phrase in hotwords for word in vocabulary.normalize(phrase).split()]
        words = [*map(vocabulary.normalize, lexicon), *hot]
        known = {word: lm.word_id(word) if lm and kind == WORD_LM else 0 for word in words}
    elif lm and kind == WORD_LM and not _found_by_hash(vocabulary):
        known = _spelled(lm, vocabulary)
    if known or lexicon is not None:
        built = build_lexicon([*known], [*known.values()], vocabulary)
        arrays["lexicon_first"], arrays["lexicon_label"] = built.trie.first, built.trie.label
        arrays["lexicon_words"], arrays["lexicon_follow"] = built.words, built.follow
    if lm and kind == TOKEN_LM:
        names = [SPACE if token == " " else token for token in vocabulary.tokens]
        arrays["token_words"] = np.array([lm.word_id(name) for name in names], np.int32)
    # With a hash and a factor for each token, tokens hash a word as its characters would.
    spelled = [vocabulary.decode([id]).replace(" ", "") for id in range(len(vocabulary))]
    return Tables(
        vocabulary,
        lm,
        boundaries=np.array(vocabulary.word_boundaries, np.uint8),
        codes=hash_words(spelled),
        powers=np.array([pow(BASE, len(text), MASK + 1) for text in spelled], np.uint64),
        closed=lexicon is not None,
        **arrays,
    )


def _kind(lm: PackedLm | None) -> int:
    return NO_LM if lm is None else WORD_LM if lm.unit == "word" else TOKEN_LM


def _found_by_hash(vocabulary: Vocabulary) -> bool:
    """Return True if the table of a language model finds a word by its characters.

    It does not where words are known by one of several spellings in sub-words, where they have
    another normal form, and where the marker of a sentence could be taken for a word.
    """
    nfc = vocabulary.unicode == "NFC"
    return nfc and not vocabulary.scores and bool(vocabulary.unknown_characters(START))


def _spelled(lm: PackedLm, vocabulary: Vocabulary) -> dict[str, int]:
    """Return the words of ``lm`` that the vocabulary can spell, in its normal form, and their
    ids."""
    marks = {lm.word_id(mark) for mark in (START, END, UNKNOWN)}
    words = ((vocabulary.normalize(word), lm.word_id(word)) for word in lm.words)
    return {
        word: id
        for word, id in words
        if id not in marks and not vocabulary.unknown_characters(word)
    }
