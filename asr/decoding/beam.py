"""Beam search over log-probs: one utterance, a batch, or a stream that is fed part by part."""

import os
import weakref
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from asr.config import from_mapping
from asr.decoding.alignment import BLOCK, THRESHOLDS, viterbi
from asr.decoding.attention import AttentionScorer, Encodings
from asr.decoding.config import DecodingConfig
from asr.decoding.hypothesis import Hypothesis, TextScore
from asr.decoding.log_probs import log_probability, probabilities
from asr.decoding.rescoring import attend, rescore
from asr.decoding.tables import build_tables
from asr.errors import DataError
from asr.lm.ngram import SPACE
from asr.lm.packed import PackedLm
from asr.lm.recurrent_lm import RecurrentLm
from asr.native import library
from asr.text import Vocabulary, normalize

NO_MEMORY, DISAGREE = -1, -2  # as in asr/native/beam.c
VALUES_AT_ONCE = 1 << 18
"""The number of log-probs of short utterances that one call decodes."""


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
        attention: scores the best texts after that; the search then needs encodings as well.
        options: those of :class:`asr.decoding.config.DecodingConfig`, such as ``beam_size=64``.

    Raises:
        ConfigError: an option is unknown or out of range.
        DataError: the vocabulary cannot spell a hot word or a word of the lexicon.

    The most probable path is two blanks (0.36), but three paths spell "a", 0.64 together:

    >>> search = BeamSearch(Vocabulary.from_characters("a"), beam_size=8)
    >>> hypothesis = search(np.log([[0.6, 0.4], [0.6, 0.4]]))
    >>> search.vocabulary.decode(hypothesis.tokens), round(float(np.exp(hypothesis.score)), 2)
    ('a', 0.64)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lm: PackedLm | None = None,
        lexicon: Iterable[str] | None = None,
        hotwords: Mapping[str, float] | None = None,
        rescore_lm: RecurrentLm | None = None,
        attention: AttentionScorer | None = None,
        **options: Any,
    ) -> None:
        self.vocabulary = vocabulary
        self.lm = lm
        self.rescore_lm = rescore_lm
        self.attention = attention
        self.lexicon = None if lexicon is None else tuple(lexicon)
        self.hotwords = dict(hotwords or {})
        self._tables = build_tables(vocabulary, self.lm, self.lexicon, self.hotwords)
        self._start = self.lm.state([]) if self.lm else None
        self._weigh(from_mapping(DecodingConfig, options, "decoding"))

    def _weigh(self, options: DecodingConfig) -> None:
        self.options = options
        self._native = self._tables.search(options)

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
            DataError: the values are not log-probs of this vocabulary, or the search has a decoder
                with attention, which needs encodings (:meth:`n_best`).
        """
        if isinstance(log_probs, np.ndarray):
            return self.n_best(log_probs, 1)[0]
        threads = min(threads or os.cpu_count() or 1, len(log_probs))
        if threads <= 1:
            return self._decode(log_probs)
        # One share for each thread: handing over single utterances takes as long as decoding them.
        shares = [log_probs[first::threads] for first in range(threads)]
        results: list[Any] = [None] * len(log_probs)
        with ThreadPoolExecutor(threads) as pool:
            for first, share in enumerate(pool.map(self._decode, shares)):
                results[first::threads] = share
        return results

    def _decode(self, log_probs: Sequence[npt.NDArray[np.floating]]) -> list[Hypothesis]:
        """Return the best hypothesis of each of ``log_probs``; a call decodes many short ones."""
        if self.rescore_lm or self.attention:
            return [self(item) for item in log_probs]
        results: list[Hypothesis] = []
        begin = values = 0
        for end, item in enumerate(log_probs, 1):
            values += item.size
            if values >= VALUES_AT_ONCE or end == len(log_probs):
                results += self._decode_together(log_probs[begin:end])
                begin, values = end, 0
        return results

    def _decode_together(self, log_probs: Sequence[npt.NDArray[np.floating]]) -> list[Hypothesis]:
        try:
            joined = np.concatenate(log_probs, casting="no")
            probs = probabilities(joined, len(self.vocabulary))
        except (TypeError, ValueError, DataError):
            return [self(item) for item in log_probs]  # of other types, or one of them is wrong
        frames = np.array([len(item) for item in log_probs], np.int64)
        lengths, scores = np.empty_like(frames), np.empty((len(frames), 3))
        tokens, starts, ends = np.empty((3, len(joined)), np.int32)
        posteriors = np.empty(len(joined))
        status = library.beam_decode(
            self._native, self._start, probs, joined.astype(np.float32, copy=False), frames,
            len(frames), BLOCK, THRESHOLDS[0], lengths, tokens, starts, ends, posteriors, scores,
        )  # fmt: skip
        if status < 0:
            raise MemoryError
        found = int(lengths[lengths > 0].sum())
        columns = [column[:found].tolist() for column in (tokens, starts, ends, posteriors)]
        results, begin = list[Hypothesis](), 0
        for item, length, numbers in zip(log_probs, lengths.tolist(), scores.tolist(), strict=True):
            if length < 0:  # no prefix is a whole text, or something is wrong
                results.append(self(item))
                continue
            results.append(_hypothesis(columns, begin, begin + length, numbers))
            begin += length
        return results

    def n_best(
        self,
        log_probs: npt.NDArray[np.floating],
        count: int,
        encodings: Encodings | None = None,
    ) -> list[Hypothesis]:
        """Return the ``count`` best hypotheses of ``log_probs`` (frames, V), the best first.

        There are fewer if the beam holds fewer different texts. A decoder with attention needs the
        ``encodings`` (frames, E) of the same frames.

        Raises:
            DataError: the values are not log-probs of this vocabulary, or there are no encodings
                where they are needed.
        """
        stream = self.stream()
        stream.feed(log_probs, encodings)
        return stream.n_best(count)

    def allows(self, text: str) -> bool:
        """Return True if ``text`` can come out of the search.

        Each character needs a symbol and, if there is a lexicon, each word must be in it or hot.
        """
        if self.vocabulary.unknown_characters(text):
            return False
        return self._context_scores(self.vocabulary.encode(text)) is not None

    def score(
        self,
        log_probs: npt.NDArray[np.floating],
        text: str | Sequence[int],
        encodings: Encodings | None = None,
    ) -> TextScore:
        """Return the scores by which the search ranks ``text`` on ``log_probs`` (frames, V).

        They are those without pruning, whether the search finds the text or not, and with
        ``rescore_lm`` those after the second pass. A decoder with attention needs the ``encodings``
        (frames, E) of the same frames. ``text`` may also be given as token ids.

        Raises:
            DataError: the values are not log-probs, there are no encodings where they are needed,
                or a character has no symbol.
        """
        probabilities(log_probs, len(self.vocabulary))
        tokens = self.vocabulary.encode(text) if isinstance(text, str) else list(text)
        acoustic = log_probability(log_probs, tokens, self.vocabulary.blank_id)
        context = self._context_scores(tokens)
        weighted, lm_score = context or (-np.inf, 0.0)
        scores = np.array([[acoustic + weighted, acoustic, lm_score]])
        decoded = self.vocabulary.decode(tokens)
        if self.rescore_lm:
            scores = rescore(scores, [normalize(decoded)], self.rescore_lm, self.options)
        total, acoustic, lm = scores[0].tolist()
        attended = 0.0
        if self.attention is not None:
            heard = self.checked(log_probs, encodings)
            spelled = self.vocabulary.encode(self.vocabulary.normalize(decoded))
            (attended,) = self.attention.score(heard, [spelled]).tolist() if len(heard) else [0.0]
            total += self.options.attention_weight * attended
        return TextScore(acoustic, lm, total, attended)

    def checked(
        self, log_probs: npt.NDArray[np.floating], encodings: Encodings | None
    ) -> Encodings:
        """Return the ``encodings`` of the frames of ``log_probs``, of which there must be as many.

        Raises:
            DataError: there are not.
        """
        if encodings is None or len(encodings) != len(log_probs):
            given = "none" if encodings is None else str(len(encodings))
            raise DataError(
                f"a search with attention needs the encodings of its {len(log_probs)} frames, "
                f"got {given}"
            )
        return encodings

    def _context_scores(self, tokens: Sequence[int]) -> tuple[float, float] | None:
        """Return the weighted score of a text's context, and the language model's unweighted part;
        None if the text cannot come out of the search."""
        scores = np.zeros(2)
        array = np.array(tokens, np.int32)
        status = library.text_scores(self._native, self._start, array, len(array), scores)
        if status < 0:
            raise MemoryError
        weighted, lm = scores.tolist()
        return (weighted, lm) if status else None

    def _lm_state(self, history: str) -> Any:
        """Return the language model's state after ``history``, words of the same sentence."""
        if self.lm is None or not history:
            return self._start
        ids = self.lm.encode(normalize(history))
        if ids and self.lm.unit == "token" and self.vocabulary.spaced:
            ids.append(self.lm.word_id(SPACE))
        return self.lm.state(ids)

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
        self._parts: list[npt.NDArray[np.float32]] = []
        self._encodings: list[Encodings] = []
        self._stream = library.beam_new(search._native, search._lm_state(history))
        if not self._stream:
            raise MemoryError
        weakref.finalize(self, library.beam_free, self._stream)

    def feed(self, log_probs: npt.NDArray[np.floating], encodings: Encodings | None = None) -> None:
        """Take in the next frames (frames, V), with their encodings (frames, E) for a decoder with
        attention.

        Raises:
            DataError: the values are not log-probs of this vocabulary, or there are not as many
                encodings where they are needed.
        """
        probs = probabilities(log_probs, len(self._search.vocabulary))
        if self._search.attention is not None:
            self._encodings.append(self._search.checked(log_probs, encodings))
        self._parts.append(np.array(log_probs, np.float32))
        status = library.beam_feed(self._stream, probs, len(probs))
        if status == DISAGREE:
            raise RuntimeError(
                "the lexicon's tables disagree: a token may follow by one, not by another"
            )
        if status < 0:
            raise MemoryError

    def n_best(self, count: int, sentence_ends: bool = True) -> list[Hypothesis]:
        """Return the ``count`` best hypotheses of what was fed so far; feeding can go on.

        The last word ends with it and, unless ``sentence_ends`` is False, the sentence too. The
        empty text is no sentence, and has no score of the language model.
        """
        entries = library.beam_entries(self._stream)
        nodes, totals = np.empty(entries, np.int32), np.empty((entries, 3))
        possible = library.beam_finish(self._stream, sentence_ends, nodes, totals)
        if possible < 0:
            raise MemoryError
        if possible == 0:
            return [self._unfinished()]
        nodes, totals = nodes[:possible], totals[:possible]
        if self._search.rescore_lm:
            totals = self._rescored(totals, nodes, self._search.rescore_lm, sentence_ends)
            possible = totals[:, 0] > -np.inf
            nodes, totals = nodes[possible], totals[possible]
        if self._search.attention and any(map(len, self._encodings)):
            totals = self._attended(totals, nodes, self._search.attention)
            possible = totals[:, 0] > -np.inf
            nodes, totals = nodes[possible], totals[possible]
        scores = np.ascontiguousarray(totals[:, 0])
        hypotheses: list[Hypothesis] = []
        texts = set()
        for index in np.argsort(-scores, kind="stable").tolist():
            if count > 1:
                tokens = self._tokens(nodes[index])
                text = self._search.vocabulary.decode(tokens.tolist()).strip()
                if text in texts:
                    continue
                texts.add(text)
            hypotheses.append(self._describe(nodes, scores, index, totals[index].tolist()))
            if len(hypotheses) == count:
                break
        return hypotheses

    def _describe(self, nodes: Any, scores: Any, index: int, numbers: list[float]) -> Hypothesis:
        """Return the hypothesis ``nodes[index]``, whose total, acoustic and language model's scores
        are ``numbers``."""
        log_probs = self._log_probs()
        tokens, starts, ends = np.empty((3, len(log_probs)), np.int32)
        posteriors = np.empty(len(log_probs))
        length = library.beam_describe(
            self._stream, nodes, scores, len(nodes), index, log_probs, len(log_probs), BLOCK,
            THRESHOLDS[0], tokens, starts, ends, posteriors,
        )  # fmt: skip
        if length == NO_MEMORY:
            raise MemoryError
        if length < 0:
            raise DataError("the text has probability 0 on this audio")
        columns = [column[:length].tolist() for column in (tokens, starts, ends, posteriors)]
        return _hypothesis(columns, 0, length, numbers)

    def _tokens(self, node: int) -> npt.NDArray[np.int32]:
        """Return the tokens (n,) of a prefix."""
        tokens = np.empty(library.beam_length(self._stream, node), np.int32)
        library.beam_tokens(self._stream, node, len(tokens), tokens)
        return tokens

    def _rescored(self, totals: Any, nodes: Any, lm: RecurrentLm, sentence_ends: bool) -> Any:
        search = self._search
        texts = [normalize(search.vocabulary.decode(self._tokens(node).tolist())) for node in nodes]
        return rescore(totals, texts, lm, search.options, self._history, sentence_ends)

    def _attended(self, totals: Any, nodes: Any, scorer: AttentionScorer) -> Any:
        vocabulary = self._search.vocabulary
        decoded = [vocabulary.decode(self._tokens(node).tolist()) for node in nodes]
        texts = [vocabulary.normalize(text) for text in decoded]
        encodings = np.concatenate(self._encodings)
        return attend(totals, texts, scorer, encodings, vocabulary, self._search.options)

    def _log_probs(self) -> npt.NDArray[np.float32]:
        """Return all that was fed (frames, V)."""
        if len(self._parts) != 1:
            none = np.zeros((0, len(self._search.vocabulary)), np.float32)
            self._parts = [np.concatenate([none, *self._parts])]
        return self._parts[0]

    def _unfinished(self) -> Hypothesis:
        """Return the best prefix without its last word, where no prefix is a whole text."""
        impossible = Hypothesis((), (), (), (), -np.inf, 0.0, -np.inf)
        scores = np.empty(2)
        best = library.beam_best(self._stream, scores)
        if best < 0:
            return impossible
        tokens = self._tokens(best)
        ends = np.flatnonzero(self._search._tables.boundaries[tokens])
        tokens = tokens[: ends[-1] if len(ends) else 0]
        try:
            blank = self._search.vocabulary.blank_id
            starts, last, acoustic = viterbi(self._log_probs(), tokens, blank)
        except DataError:  # the audio ends in sounds that no text of the lexicon allows
            return impossible
        context, lm = scores.tolist()
        columns = [column.tolist() for column in (tokens, starts, last, np.zeros(len(tokens)))]
        return _hypothesis(columns, 0, len(tokens), [acoustic + context, acoustic, lm])


def _hypothesis(columns: list[list[Any]], begin: int, end: int, numbers: list[float]) -> Hypothesis:
    """Return a hypothesis of the tokens, starts, ends and posteriors from ``begin`` to ``end``
    (exclusive) of ``columns``, and of its total, acoustic and language model's scores."""
    tokens, starts, ends, posteriors = (tuple(column[begin:end]) for column in columns)
    total, acoustic, lm = numbers
    return Hypothesis(tokens, starts, ends, posteriors, acoustic, lm, total)
