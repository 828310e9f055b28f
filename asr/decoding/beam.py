"""Beam search over log-probs: one utterance, a batch, or a stream that is fed part by part."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from asr.config import from_mapping
from asr.decoding.alignment import align
from asr.decoding.beam_kernel import (
    BOTH,
    FIXED,
    LM,
    Limits,
    advance,
    final_scores,
    make_room,
    new_tree,
)
from asr.decoding.confidence import prefix_tokens, token_codes, token_posteriors
from asr.decoding.config import DecodingConfig
from asr.decoding.context import NO_END, NO_LM, TOKEN_LM, WORD_LM, Context, State, text_state
from asr.decoding.hotwords import build_hotwords
from asr.decoding.hypothesis import Hypothesis, TextScore
from asr.decoding.lexicon import build_lexicon
from asr.decoding.log_probs import log_probability, probabilities
from asr.decoding.rescoring import rescore
from asr.errors import DataError
from asr.lm.ngram import END, SPACE, START, NgramModel
from asr.lm.recurrent_lm import RecurrentLm
from asr.lm.trie import empty_trie
from asr.text import Vocabulary, normalize

EMPTY = np.zeros(0, np.int32)
EMPTY_FLOATS = np.zeros(0, np.float32)


class BeamSearch:
    """Prefix beam search, with an n-gram language model, a closed lexicon and hot words if given.

    Args:
        vocabulary: the vocabulary of the log-probs.
        lm: an n-gram model of words or of tokens.
        lexicon: the only words that may come out besides the hot words.
        hotwords: words or phrases with their boosts. A boost is added to the score of a text (a
            natural logarithm) each time the text contains the words whole; where words are not
            spaced, each time it contains them at all.
        rescore_lm: rescores the best texts when the search is over.
        options: those of :class:`asr.decoding.config.DecodingConfig`, such as ``beam_size=64``.

    Raises:
        ConfigError: an option is unknown or out of range, or numba is not installed.
        DataError: the vocabulary cannot spell a hot word or a word of the lexicon.

    The most probable path is two blanks (0.36), but three paths spell "a", 0.64 together:

    >>> search = BeamSearch(Vocabulary.from_characters("a"), beam_size=8)
    >>> hypothesis = search(np.log([[0.6, 0.4], [0.6, 0.4]]))
    >>> search.vocabulary.decode(hypothesis.tokens), round(math.exp(hypothesis.score), 2)
    ('a', 0.64)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lm: NgramModel | None = None,
        lexicon: Iterable[str] | None = None,
        hotwords: Mapping[str, float] | None = None,
        rescore_lm: RecurrentLm | None = None,
        **options: Any,
    ) -> None:
        self.vocabulary = vocabulary
        self.lm = lm
        self.rescore_lm = rescore_lm
        self.lexicon = None if lexicon is None else tuple(lexicon)
        self.hotwords = dict(hotwords or {})
        self._tables = _tables(vocabulary, lm, self.lexicon, self.hotwords)
        self._weigh(from_mapping(DecodingConfig, options, "decoding"))

    def _weigh(self, options: DecodingConfig) -> None:
        self.options = options
        self._context = _context(self._tables, options)
        self._limits = _limits(self.vocabulary, options, self._context)

    def with_options(self, options: DecodingConfig) -> "BeamSearch":
        """Return the same search with other ``options``; its tables are shared, not built again."""
        other = copy(self)
        other._weigh(options)
        return other

    @overload
    def __call__(self, log_probs: npt.NDArray[np.floating]) -> Hypothesis: ...
    @overload
    def __call__(self, log_probs: Sequence[npt.NDArray[np.floating]]) -> list[Hypothesis]: ...
    def __call__(self, log_probs: Any, threads: int = 0) -> Any:
        """Return the best hypothesis of ``log_probs`` (frames, V), or one for each of a list.

        A list is divided among ``threads``; 0 means one for each processor.

        Raises:
            DataError: the values are not log-probs of this vocabulary.
        """
        if isinstance(log_probs, np.ndarray):
            return self.n_best(log_probs, 1)[0]
        threads = min(threads or os.cpu_count() or 1, len(log_probs))
        if threads <= 1:
            return [self(item) for item in log_probs]
        # One share for each thread: handing over single utterances takes as long as decoding them.
        shares = [log_probs[first::threads] for first in range(threads)]
        results: list[Any] = [None] * len(log_probs)
        with ThreadPoolExecutor(threads) as pool:
            decoded = pool.map(lambda share: [self(item) for item in share], shares)
            for first, share in enumerate(decoded):
                results[first::threads] = share
        return results

    def n_best(self, log_probs: npt.NDArray[np.floating], count: int) -> list[Hypothesis]:
        """Return the ``count`` best hypotheses of ``log_probs`` (frames, V), the best first.

        There are fewer if the beam holds fewer different texts.

        Raises:
            DataError: the values are not log-probs of this vocabulary.
        """
        stream = self.stream()
        stream.feed(log_probs)
        return stream.n_best(count)

    def allows(self, text: str) -> bool:
        """Return True if ``text`` can come out of the search.

        Each character needs a symbol and, if there is a lexicon, each word must be in it or hot.
        """
        if self.vocabulary.unknown_characters(text):
            return False
        return bool(self._text_state(self.vocabulary.encode(text)).allowed)

    def score(self, log_probs: npt.NDArray[np.floating], text: str | Sequence[int]) -> TextScore:
        """Return the scores by which the search ranks ``text`` on ``log_probs`` (frames, V).

        They are those without pruning, whether the search finds the text or not, and with
        ``rescore_lm`` those after the second pass. ``text`` may also be given as token ids.

        Raises:
            DataError: the values are not log-probs, or a character has no symbol.
        """
        probabilities(log_probs, len(self.vocabulary))
        tokens = self.vocabulary.encode(text) if isinstance(text, str) else list(text)
        acoustic = log_probability(log_probs, tokens, self.vocabulary.blank_id)
        state = self._text_state(tokens)
        total = acoustic + state.fixed if state.allowed else -np.inf
        scores = np.array([[total, acoustic, state.lm]])
        if self.rescore_lm:
            texts = [normalize(self.vocabulary.decode(tokens))]
            scores = rescore(scores, texts, self.rescore_lm, self.options)
        total, acoustic, lm = scores[0].tolist()
        return TextScore(acoustic, lm, total)

    def _text_state(self, tokens: Sequence[int]) -> State:
        lm_state = _lm_state(self.lm, "") if self.lm else 0
        return text_state(self._context, np.array(tokens, np.int32), lm_state)

    def stream(self, history: str = "") -> "BeamStream":
        """Start a search that is fed part by part.

        ``history`` are the earlier words of the same sentence, for the language model.
        """
        return BeamStream(self, history)


class BeamStream:
    """The state of a search between the parts that it is fed; the result is that of the whole."""

    def __init__(self, search: BeamSearch, history: str = "") -> None:
        self._search = search
        self._history = normalize(history)
        spaced = search.vocabulary.spaced
        state = _lm_state(search.lm, history, spaced) if search.lm else 0
        self._tree = new_tree(search.options.beam_size, state)
        self._parts: list[npt.NDArray[np.float32]] = []

    def feed(self, log_probs: npt.NDArray[np.floating]) -> None:
        """Take in the next frames (frames, V).

        Raises:
            DataError: the values are not log-probs of this vocabulary.
        """
        search = self._search
        rest = probabilities(log_probs, len(search.vocabulary))
        self._parts.append(np.array(log_probs, np.float32))
        while len(rest):
            rest = rest[advance(rest, search._context, search._limits, self._tree) :]
            if len(rest):
                self._tree = make_room(self._tree)

    def n_best(self, count: int, sentence_ends: bool = True) -> list[Hypothesis]:
        """Return the ``count`` best hypotheses of what was fed so far; feeding can go on.

        The last word ends with it and, unless ``sentence_ends`` is False, the sentence too.
        """
        tree, context = self._tree, self._search._context
        if not sentence_ends:
            context = context._replace(lm_end=NO_END)
        totals = final_scores(context, tree)
        alive = np.flatnonzero(totals[:, 0] > -np.inf)
        if not len(alive):
            return [self._unfinished()]
        totals, beam = totals[alive], tree.beam[alive]
        if self._search.rescore_lm:
            totals = self._rescored(totals, beam, self._search.rescore_lm, sentence_ends)
            beam, totals = (part[totals[:, 0] > -np.inf] for part in (beam, totals))
        hypotheses: list[Hypothesis] = []
        texts = set()
        for index in np.argsort(-totals[:, 0], kind="stable").tolist():
            tokens, posteriors = token_posteriors(tree.nodes, beam, totals[:, 0], index, context)
            text = self._search.vocabulary.decode(tokens.tolist()).strip()
            if text in texts:
                continue
            texts.add(text)
            total, acoustic, lm = totals[index].tolist()
            starts, ends, _ = self._align(tokens)
            hypotheses.append(_hypothesis(tokens, starts, ends, posteriors, acoustic, lm, total))
            if len(hypotheses) == count:
                break
        return hypotheses

    def _rescored(self, totals: Any, beam: Any, lm: RecurrentLm, sentence_ends: bool) -> Any:
        search = self._search
        texts = [
            normalize(search.vocabulary.decode(prefix_tokens(self._tree.nodes, node).tolist()))
            for node in beam
        ]
        return rescore(totals, texts, lm, search.options, self._history, sentence_ends)

    def _align(self, tokens: Any) -> tuple[Any, Any, float]:
        """Return first and last frames of ``tokens`` in all that was fed, and the path's score."""
        vocabulary = self._search.vocabulary
        if len(self._parts) != 1:
            none = np.zeros((0, len(vocabulary)), np.float32)
            self._parts = [np.concatenate([none, *self._parts])]
        return align(self._parts[0], tokens, vocabulary.blank_id)

    def _unfinished(self) -> Hypothesis:
        """Return the best prefix without its last word, where no prefix is a whole text."""
        tree, search = self._tree, self._search
        entries = tree.counts[0]
        impossible = Hypothesis((), (), (), (), -np.inf, 0.0, -np.inf)
        if not entries:
            return impossible
        nodes = tree.beam[:entries]
        best = nodes[np.argmax(tree.mass[:entries, BOTH])]
        tokens = prefix_tokens(tree.nodes, best)
        ends = np.flatnonzero(search._context.boundaries[tokens])
        tokens = tokens[: ends[-1] if len(ends) else 0]
        try:
            starts, ends, acoustic = self._align(tokens)
        except DataError:  # the audio ends in sounds that no text of the lexicon allows
            return impossible
        fixed, lm = tree.values[best, [FIXED, LM]].tolist()
        certain = np.zeros(len(tokens))
        return _hypothesis(tokens, starts, ends, certain, acoustic, lm, acoustic + fixed)


def _hypothesis(
    tokens: Any, starts: Any, ends: Any, posteriors: Any, acoustic: float, lm: float, total: float
) -> Hypothesis:
    return Hypothesis(
        tokens=tuple(tokens.tolist()),
        start_frames=tuple(starts.tolist()),
        end_frames=tuple(ends.tolist()),
        log_posteriors=tuple(posteriors.tolist()),
        acoustic_score=acoustic,
        lm_score=lm,
        score=total,
    )


def _tables(
    vocabulary: Vocabulary,
    lm: NgramModel | None,
    lexicon: Iterable[str] | None,
    hotwords: Mapping[str, float],
) -> Context:
    """Build the tables of the search, with all weights 0."""
    space = vocabulary.space_id
    of_words = lexicon is not None or bool(lm and lm.unit == "word")
    if of_words and (space is None or not vocabulary.spaced):
        raise DataError("a lexicon or a language model of words needs a vocabulary with a space")
    if lm and lm.unit == "token" and vocabulary.scores:
        raise DataError("a model of sub-words takes a language model of words, not of characters")
    kind = NO_LM if lm is None else WORD_LM if lm.unit == "word" else TOKEN_LM
    automaton = build_hotwords(hotwords, vocabulary)
    known: dict[str, int] = {}
    if lexicon is not None:
        hot = [word for phrase in hotwords for word in vocabulary.normalize(phrase).split()]
        for word in [*map(vocabulary.normalize, lexicon), *hot]:
            known[word] = lm.word_id(word) if kind == WORD_LM and lm else 0
    elif kind == WORD_LM and lm:
        specials = {lm.unknown_id, lm.word_id(START), lm.word_id(END)}
        known = {
            word: index
            for word, index in _lm_words(lm, vocabulary)
            if index not in specials and not vocabulary.unknown_characters(word)
        }
    use_lexicon = lexicon is not None or bool(known)
    trie, words = empty_trie(), EMPTY
    if use_lexicon:
        built = build_lexicon(list(known), list(known.values()), vocabulary)
        trie, words = built.trie, built.words
    token_words = EMPTY
    if kind == TOKEN_LM and lm:
        names = [SPACE if token == " " else token for token in vocabulary.tokens]
        token_words = np.array([lm.word_id(name) for name in names], np.int32)
    codes, powers = token_codes([vocabulary.decode([id]) for id in range(len(vocabulary))])
    return Context(
        space=-1 if space is None else space,
        leading=bool(vocabulary.scores) and vocabulary.spaced,
        boundaries=np.array(vocabulary.word_boundaries),
        codes=codes,
        powers=powers,
        closed=lexicon is not None,
        lm_kind=kind,
        lm_weight=0.0,
        word_bonus=0.0,
        unknown_score=0.0,
        use_lexicon=use_lexicon,
        lexicon_first=trie.first,
        lexicon_label=trie.label,
        lexicon_words=words,
        lm_first=_plain(lm.trie.first if lm else EMPTY),
        lm_label=_plain(lm.trie.label if lm else EMPTY),
        lm_log10_probs=_plain(lm.log10_probs if lm else EMPTY_FLOATS),
        lm_log10_backoffs=_plain(lm.log10_backoffs if lm else EMPTY_FLOATS),
        lm_suffix=_plain(lm.suffix if lm else EMPTY),
        lm_lower=lm.lower if lm else 0,
        lm_unknown=lm.unknown_id if lm else 0,
        lm_end=lm.word_id(END) if lm else 0,
        token_words=token_words,
        use_hot=bool(hotwords),
        hot_next=automaton.next,
        hot_gain=automaton.gain,
        hot_potential=automaton.potential,
    )


def _lm_words(lm: NgramModel, vocabulary: Vocabulary) -> Iterable[tuple[str, int]]:
    """Return the words of ``lm``, in the normal form of the vocabulary, and their ids."""
    if vocabulary.unicode == "NFC":
        return lm.ids.items()
    return ((vocabulary.normalize(word), id) for word, id in lm.ids.items())


def _lm_state(lm: NgramModel, history: str, spaced: bool = True) -> int:
    ids = lm.encode(normalize(history))
    if ids and lm.unit == "token" and spaced:
        ids.append(lm.word_id(SPACE))
    return lm.context(ids)


def _context(tables: Context, options: DecodingConfig) -> Context:
    """Return the tables with the weights of ``options``."""
    return tables._replace(
        lm_weight=options.lm_weight,
        word_bonus=options.word_bonus,
        unknown_score=options.unknown_score,
        # A potential is only lent: it must not push better prefixes out of the beam.
        hot_potential=np.minimum(tables.hot_potential, options.beam_threshold / 2),
    )


def _plain(array: Any) -> Any:
    """Return a writable array, the one kind that the search is compiled for; a copy if needed."""
    plain = np.asarray(array)
    return plain if plain.flags.writeable else plain.copy()


def _limits(vocabulary: Vocabulary, options: DecodingConfig, context: Context) -> Limits:
    hot = context.hot_gain.max() + context.hot_potential.max()
    bonus = max(0.0, options.word_bonus, options.word_bonus + options.unknown_score)
    plain = not (context.closed or context.lm_kind or context.use_hot or options.word_bonus)
    return Limits(
        blank=vocabulary.blank_id,
        beam_size=options.beam_size,
        beam_threshold=math.exp(-options.beam_threshold),
        max_tokens=min(options.max_tokens, len(vocabulary)),
        token_threshold=math.exp(-options.token_threshold),
        blank_skip=options.blank_skip,
        plain=plain,
        largest_factor=math.exp(bonus + hot),
    )
