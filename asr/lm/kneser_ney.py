"""Estimation of n-gram models: interpolated modified Kneser-Ney smoothing.

Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98,
Harvard University 1998, section 4.1; conventions as in Heafield et al. 2013, "Scalable Modified
Kneser-Ney Language Model Estimation" (lmplz).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from asr.errors import ConfigError, DataError
from asr.lm.ngram import END, MAX_ORDER, SPACE, START, UNKNOWN, NgramModel, split_units
from asr.lm.ngram import assemble as assemble_model
from asr.lm.packed import PackedLm
from asr.lm.packing import pack
from asr.lm.trie import IntArray

FIXED_DISCOUNTS = (0.5, 1.0, 1.5)  # used where a text is too small to estimate them
START_LOG10 = -99.0  # the probability of <s>, which is never predicted
_UNKNOWN_ID, _START_ID, _END_ID = 0, 1, 2

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimated model and the facts of its estimation; each tuple has an entry for each
    order."""

    ngrams: NgramModel
    """The n-grams, which can be written as an ARPA file."""
    discounts: tuple[tuple[float, float, float], ...]
    """The discounts from the counts of n-grams seen once, twice, and three times or more."""
    fixed: tuple[bool, ...]
    """True where the text was too small to estimate the discounts."""
    seen: tuple[int, ...]
    """The number of n-grams before pruning."""

    @cached_property
    def model(self) -> PackedLm:
        """The model in the form that scores texts and that the search takes."""
        return pack(self.ngrams)


def estimate(
    texts: Iterable[str],
    order: int,
    unit: str = "word",
    prune: Sequence[int] = (0,),
    vocabulary: Iterable[str] | None = None,
) -> Estimate:
    """Estimate a model from normalised texts, each a sentence.

    Args:
        order: 1 to 6.
        unit: ``word``, or ``token`` for characters and ``<space>``.
        prune: a number for each order; n-grams that were seen so often or less are left out. The
            last number holds for higher orders too. The probability of what is left out goes to
            the back-offs, so that the probabilities after every history still sum to one.
        vocabulary: the words of the model; others count as ``<unk>``. None stands for all words of
            the texts.

    >>> model = estimate(["go on", "go back"], order=2).model
    >>> model.counts
    (6, 5)
    >>> (scores,) = model.score([model.encode("go on")])
    >>> (10**scores).round(2).tolist()  # the probabilities of "go", of "on", and of the end
    [0.6, 0.35, 0.65]

    Raises:
        ConfigError: the order or the pruning is out of range.
        DataError: there is no text, a text holds a marker such as ``<s>`` as a word, or a word of
            the vocabulary holds spaces.
    """
    if not 1 <= order <= MAX_ORDER:
        raise ConfigError(f"the order of an n-gram model is 1 to {MAX_ORDER}, got {order}")
    if not prune or prune[0] != 0 or any(low > high for low, high in pairwise(prune)):
        raise ConfigError(
            f"pruning needs counts that start with 0 and don't decrease, such as 0,0,1; got "
            f"{','.join(map(str, prune))}; a vocabulary limits the words"
        )
    if len(prune) > order:
        raise ConfigError(f"pruning has {len(prune)} counts, the order is only {order}")
    words, ids = _number_words(texts, unit, vocabulary)
    levels = _count(ids, len(words), order)
    adjusted = _adjust(levels)
    thresholds = [*prune, *[prune[-1]] * (order - len(prune))]

    discounts, fixed, probs, backoffs = [], [], [], []
    kept: list[npt.NDArray[np.bool_]] = []
    # Below the unigrams, all words but <s> are equally likely (section 4.1, after eq. 25).
    lower = np.full(1, 1.0 / (len(words) - 1))
    for level, counts, threshold in zip(levels, adjusted, thresholds, strict=True):
        values, usable = estimate_discounts(counts)
        kept.append((level.count > threshold) | (len(kept) == 0))
        level_probs, gammas = _interpolate(level, counts, values, kept[-1], lower)
        discounts.append(values)
        fixed.append(not usable)
        probs.append(level_probs)
        backoffs.append(gammas)
        lower = level_probs
    probs[0][_START_ID] = 10.0**START_LOG10
    ngrams = _assemble(words, levels, kept, probs, backoffs[1:])
    seen = tuple(len(level.word) for level in levels)
    return Estimate(ngrams, tuple(discounts), tuple(fixed), seen)


def estimate_discounts(counts: Counts) -> tuple[tuple[float, float, float], bool]:
    """Compute the discounts D1, D2 and D3+ (eq. 26) from the (adjusted) counts (n,) of one order.

    Returns:
        The discounts, and True if the numbers of n-grams seen once to four times give usable ones;
        if not, :data:`FIXED_DISCOUNTS` and False.
    """
    n1, n2, n3, n4 = (int(n) for n in np.bincount(np.minimum(counts, 5), minlength=5)[1:5])
    if min(n1, n2, n3, n4) == 0:
        return FIXED_DISCOUNTS, False
    y = n1 / (n1 + 2 * n2)
    values = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    # A discount of 0 would leave no probability for words that were not seen.
    if any(not 0 < value <= seen for seen, value in enumerate(values, start=1)):
        return FIXED_DISCOUNTS, False
    return values, True


@dataclass(frozen=True)
class _Level:
    """The n distinct k-grams of a text, sorted by context and word; every array is (n,)."""

    context: IntArray  # index of w1 .. w(k-1) in the level below; 0 for k = 1
    word: IntArray
    suffix: IntArray  # index of w2 .. wk in the level below; 0 for k = 1
    count: Counts
    from_start: npt.NDArray[np.bool_]  # true where w1 is <s>


def _number_words(
    texts: Iterable[str], unit: str, vocabulary: Iterable[str] | None
) -> tuple[list[str], IntArray]:
    """Return the words, of which the special ones come first and the others sorted, and the ids of
    all sentences in a row, each between ``<s>`` and ``</s>``."""
    index = {UNKNOWN: _UNKNOWN_ID, START: _START_ID, END: _END_ID}
    for word in vocabulary or ():
        if word.split() != [word]:
            raise DataError(f"a vocabulary holds single words, got {word!r}")
        index.setdefault(word, len(index))
    closed = vocabulary is not None
    if unit == "token":  # the model is known by this word, though its texts may have no spaces
        index.setdefault(SPACE, len(index))
    stream: list[int] = []
    sentences = 0
    for text in texts:
        sentence = split_units(text, unit)
        if not sentence:
            continue
        sentences += 1
        stream.append(_START_ID)
        if closed:
            stream.extend([index.get(word, _UNKNOWN_ID) for word in sentence])
        else:
            stream.extend([index.setdefault(word, len(index)) for word in sentence])
        stream.append(_END_ID)
    ids = np.array(stream, np.int32)
    if not len(ids):
        raise DataError("a language model needs text, got none")
    if any(np.count_nonzero(ids == marker) != sentences for marker in (_START_ID, _END_ID)):
        raise DataError(f"the texts hold {START} or {END} as a word; take these markers out")
    if unit == "word" and SPACE in index:
        raise DataError(f"the texts hold {SPACE} as a word, which only models of characters have")
    ordered = [UNKNOWN, START, END, *sorted(index.keys() - {UNKNOWN, START, END})]
    new = np.empty(len(index), np.int32)
    new[[index[word] for word in ordered]] = np.arange(len(index))
    return ordered, new[ids]


def _count(ids: IntArray, size: int, order: int) -> list[_Level]:
    """Count the k-grams of the sentences in ``ids`` for k = 1 .. ``order``; ``size`` is V."""
    starts = np.flatnonzero(ids == _START_ID)
    position = np.arange(len(ids)) - np.repeat(starts, np.diff(starts, append=len(ids)))
    words = np.arange(size, dtype=np.int32)
    none = np.zeros(size, np.int32)
    unigrams = np.bincount(ids, minlength=size)
    levels = [_Level(none, words, none, unigrams, words == _START_ID)]
    place = ids  # the index of the (k-1)-gram that ends at each position
    for k in range(2, order + 1):
        ends = np.flatnonzero(position >= k - 1)
        keys = place[ends - 1].astype(np.int64) * size + ids[ends]
        keys, inverse, count = np.unique(keys, return_inverse=True, return_counts=True)
        context = (keys // size).astype(np.int32)
        suffix = np.empty(len(keys), np.int32)
        suffix[inverse] = place[ends]
        place = np.zeros(len(ids), np.int32)
        place[ends] = inverse
        from_start = levels[-1].from_start[context]
        word = (keys % size).astype(np.int32)
        levels.append(_Level(context, word, suffix, count, from_start))
    return levels


def _adjust(levels: Sequence[_Level]) -> list[Counts]:
    """Return the adjusted counts of each order.

    Below the highest order, the count of an n-gram is replaced by the number of distinct words
    before it (eq. 18). N-grams that begin with ``<s>`` have no words before them and keep their
    counts; that of ``<s>`` itself, which is never predicted, is 0.
    """
    adjusted = []
    for level, above in pairwise(levels):
        continuations = np.bincount(above.suffix, minlength=len(level.word))
        adjusted.append(np.where(level.from_start, level.count, continuations))
    adjusted.append(levels[-1].count.copy())
    adjusted[0][_START_ID] = 0
    return adjusted


def _interpolate(
    level: _Level,
    counts: Counts,
    discounts: tuple[float, float, float],
    kept: npt.NDArray[np.bool_],
    lower: Floats,
) -> tuple[Floats, Floats]:
    """Compute the probabilities (n,) of the level's n-grams (eq. 25), and for each of its contexts
    the weight gamma of the order below (eq. 28, to which a pruned n-gram gives all its count)."""
    given = np.where(kept, np.array([0.0, *discounts])[np.minimum(counts, 3)], counts)
    contexts = len(lower)
    total = np.bincount(level.context, counts, contexts)
    gammas = np.ones(contexts)
    np.divide(np.bincount(level.context, given, contexts), total, out=gammas, where=total > 0)
    probs = (counts - given) / np.maximum(total, 1)[level.context]
    return probs + gammas[level.context] * lower[level.suffix], gammas


def _assemble(
    words: Sequence[str],
    levels: Sequence[_Level],
    kept: Sequence[npt.NDArray[np.bool_]],
    probs: Sequence[Floats],
    gammas: Sequence[Floats],
) -> NgramModel:
    """Assemble the model of the n-grams that are ``kept``; ``gammas`` are the back-offs of each
    order below the highest."""
    ids = levels[0].word[None]
    grams = [ids]
    for level, keep in zip(levels[1:], kept[1:], strict=True):
        ids = np.vstack([ids[:, level.context], level.word])
        grams.append(ids[:, keep])
    log10_probs = [np.log10(values[keep]) for values, keep in zip(probs, kept, strict=True)]
    log10_backoffs = [np.log10(values[keep]) for values, keep in zip(gammas, kept, strict=False)]
    return assemble_model(words, grams, log10_probs, log10_backoffs)
