"""Tuning: the choice of the weights of beam search on a development set."""

import time
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.data.manifest import Utterance, read_manifest, set_of
from asr.decoding.attention import AttentionScorer, Encodings
from asr.decoding.beam import BeamSearch
from asr.decoding.bundle import Bundle, open_scorer
from asr.decoding.config import DecodingConfig
from asr.decoding.rescoring import TOTAL, attend
from asr.errors import AsrError, DataError
from asr.evaluation.scoring import ErrorCounts, count_each
from asr.lm.overlap import ModelOverlap, model_overlap
from asr.lm.packed import PackedLm
from asr.lm.perplexity import perplexity
from asr.lm.recurrent_lm import RecurrentLm
from asr.model.session import LogProbs
from asr.recognition.transcriber import Transcriber
from asr.text import Vocabulary

LM_WEIGHTS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5)
WORD_BONUSES = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
"""The word bonuses without a language model. With one, what a word costs by it is added: a word of
a large vocabulary may cost 6 nats, and without that only short words would be left."""
UNKNOWN_SCORES = (-12.0, -8.0, -5.0, -2.0, 0.0, 2.0, 4.0)
RESCORE_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
ATTENTION_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
BEAMS = ((16, 12.0), (32, 12.0), (64, 12.0), (64, 16.0), (128, 16.0), (256, 20.0))
"""Beam sizes with thresholds, the narrowest beam first."""
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """A setting of beam search, its word errors on the development set, and the seconds it took.

    ``weighed`` are the word errors that there would be if all sets had equally many words, None if
    sets are not told apart.
    """

    options: DecodingConfig
    errors: ErrorCounts
    seconds: float
    weighed: float | None = None

    @property
    def compared(self) -> float:
        """The number of errors that settings are compared by."""
        return self.errors.errors if self.weighed is None else self.weighed


@dataclass(frozen=True)
class Tuning:
    """All trials of a tuning, in the order of its steps; each step starts from the best so far.

    ``unknown`` has the best trial of each unknown-word score, if there are any. ``surface`` is that
    of the best of them: it has a row for each LM weight and a column for each word bonus, to which
    LM weight x ``word_cost`` is added; ``middle`` is the trial that was taken from it.
    ``word_cost`` is the mean cost (nats) of a word of the references by the language model, 0
    without one. ``beams`` are the trials of beams, and ``first`` is the one that was taken from
    them. ``rescoring`` has a row for each of :data:`LM_WEIGHTS` and a column for each of
    :data:`RESCORE_SHARES`, ``attention`` has one for each of :data:`ATTENTION_WEIGHTS`, if there is
    a decoder with attention. ``chosen`` is the result.
    """

    lm_weights: tuple[float, ...]
    word_bonuses: tuple[float, ...]
    word_cost: float
    surface: tuple[tuple[Trial, ...], ...]
    middle: Trial
    unknown: tuple[Trial, ...]
    beams: tuple[Trial, ...]
    first: Trial
    rescoring: tuple[tuple[Trial, ...], ...]
    attention: tuple[Trial, ...]
    chosen: Trial


class Tuner:
    """A tuner, which decodes the log-probabilities (frames, V) of a development set many times.

    ``references`` are the texts of its utterances. With ``sets``, the names of the sets that these
    are of, all sets weigh alike: the mean of their error rates counts. A decoder with ``attention``
    hears the ``encodings`` (frames, E), and scores each utterance once.

    Raises:
        DataError: there is no utterance, or the numbers of log-probs and references differ.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        log_probs: Sequence[LogProbs],
        references: Sequence[str],
        lm: PackedLm | None,
        lexicon: Sequence[str] | None,
        rescore_lm: RecurrentLm | None = None,
        attention: AttentionScorer | None = None,
        encodings: Sequence[Encodings] = (),
        sets: Sequence[str] = (),
    ) -> None:
        if not log_probs or len(log_probs) != len(references):
            raise DataError(
                f"tuning needs an utterance or more, and as many log-probs as references; got "
                f"{len(log_probs)} and {len(references)}"
            )
        self._log_probs = log_probs
        self._attention, self._encodings = attention, encodings
        self._texts = [vocabulary.normalize(text) for text in references]
        self._references = [vocabulary.space_units(text) for text in self._texts]
        self._weights = _weights(self._references, sets)
        # All trials share one search, whose tables take longer than a trial for large vocabularies.
        self._search = BeamSearch(vocabulary, lm=lm, lexicon=lexicon)
        self._rescoring = copy(self._search)
        self._rescoring.rescore_lm = rescore_lm

    def trial(self, options: DecodingConfig, rescore: bool = False) -> Trial:
        """Decode the development set with ``options``, and count the errors and the seconds."""
        started = time.perf_counter()
        texts = self.texts(options, rescore)
        seconds = time.perf_counter() - started
        return self._trial(options, texts, seconds)

    def _trial(self, options: DecodingConfig, texts: Sequence[str], seconds: float) -> Trial:
        counts = count_each(self._references, texts)
        weighed = None
        if self._weights is not None:
            weighed = round(float(self._weights @ [item.errors for item in counts]), 1)
        return Trial(options, sum(counts, ErrorCounts()), seconds, weighed)

    def texts(self, options: DecodingConfig, rescore: bool = False) -> list[str]:
        """Return the text of each utterance that ``options`` give, in the units that are scored."""
        search = self._rescoring if rescore else self._search
        hypotheses = search.with_options(options)(self._log_probs)
        vocabulary = self._search.vocabulary
        return [vocabulary.space_units(vocabulary.decode(item.tokens)) for item in hypotheses]

    def tune(self, start: DecodingConfig) -> Tuning:
        """Search the best setting step by step, from ``start`` on.

        LM weight and word bonus are searched on a grid, on which the bonus grows with the weight by
        what a word costs, for each unknown-word score, if unknown words can be recognised; then the
        narrowest beam that makes no more errors than the widest; then the weight and share of the
        second pass, if there is one; then the weight of a decoder with attention, if there is one.

        A development set is small and its surface rough. Therefore, of the settings whose errors
        may be the fewest but for chance, the one with the lowest mean of the errors of itself and
        its neighbours is taken.
        """
        lm = self._search.lm
        weights = LM_WEIGHTS if lm is not None else (0.0,)
        cost = 0.0 if lm is None else round(log(perplexity(lm, self._texts).per_word), 1)
        open_ = lm is not None and lm.unit == "word" and self._search.lexicon is None
        surfaces = [
            self._surface(replace(start, unknown_score=score), weights, cost)
            for score in (UNKNOWN_SCORES if open_ else (start.unknown_score,))
        ]
        middles = tuple(map(_middle, surfaces))
        middle = _middle((middles,))
        surface = surfaces[middles.index(middle)]
        beams = tuple(
            self.trial(replace(middle.options, beam_size=size, beam_threshold=threshold))
            for size, threshold in BEAMS
        )
        enough = beams[-1].compared
        chosen = first = next(trial for trial in beams if trial.compared <= enough)
        rescoring: tuple[tuple[Trial, ...], ...] = ()
        if self._rescoring.rescore_lm is not None:
            rescoring = tuple(
                tuple(
                    self.trial(
                        replace(first.options, rescore_weight=weight, rescore_share=share),
                        rescore=True,
                    )
                    for share in RESCORE_SHARES
                )
                for weight in LM_WEIGHTS
            )
            chosen = _middle(rescoring)
        attention: tuple[Trial, ...] = ()
        if self._attention is not None:
            attention = self._attended(self._attention, chosen.options)
            chosen = _middle((attention,))
        return Tuning(
            weights,
            WORD_BONUSES,
            cost,
            surface,
            middle,
            middles if open_ else (),
            beams,
            first,
            rescoring,
            attention,
            chosen,
        )

    def _attended(self, scorer: AttentionScorer, options: DecodingConfig) -> tuple[Trial, ...]:
        """Return the trials of all weights of a decoder with attention, after the second pass if
        there is one. Its scores are computed once."""
        started = time.perf_counter()
        vocabulary, search = self._search.vocabulary, self._rescoring.with_options(options)
        texts, totals, seconds = list[list[str]](), list[Scores](), list[Scores]()
        unweighted = replace(options, attention_weight=1.0)
        for log_probs, encodings in zip(self._log_probs, self._encodings, strict=True):
            found = search.n_best(log_probs, options.beam_size)
            decoded = [vocabulary.decode(item.tokens) for item in found]
            first = np.array([[item.score, item.acoustic_score, item.lm_score] for item in found])
            second = first
            if len(encodings):
                normal = [vocabulary.normalize(text) for text in decoded]
                second = attend(first, normal, scorer, encodings, vocabulary, unweighted)
            scored = second[:, TOTAL] > -np.inf
            texts.append([vocabulary.space_units(text) for text in decoded])
            totals.append(np.where(scored, first[:, TOTAL], -np.inf))
            seconds.append(np.zeros(len(found)))
            seconds[-1][scored] = second[scored, TOTAL] - first[scored, TOTAL]
        taken = time.perf_counter() - started
        trials = []
        for weight in ATTENTION_WEIGHTS:
            pairs = zip(totals, seconds, strict=True)
            best = [int(np.argmax(total + weight * second)) for total, second in pairs]
            chosen = [row[index] for row, index in zip(texts, best, strict=True)]
            trials.append(self._trial(replace(options, attention_weight=weight), chosen, taken))
        return tuple(trials)

    def _surface(
        self, options: DecodingConfig, weights: Sequence[float], cost: float
    ) -> tuple[tuple[Trial, ...], ...]:
        """Return the trials of all weights and bonuses, with the other ``options``."""
        return tuple(
            tuple(
                self.trial(
                    replace(options, lm_weight=weight, word_bonus=round(bonus + weight * cost, 2))
                )
                for bonus in WORD_BONUSES
            )
            for weight in weights
        )


def recognise(utterances: Sequence[Utterance], transcriber: Transcriber) -> list[LogProbs]:
    """Compute the log-probs (frames, V) of all utterances, with the encodings behind them if the
    session gives these.

    Raises:
        DataError: a recording cannot be read.
    """
    results = transcriber.rows_many([item.source for item in utterances])
    log_probs = []
    for item, result in zip(utterances, results, strict=True):
        if isinstance(result, AsrError):
            raise DataError(f"{item.id}: {result}; every utterance must be readable")
        log_probs.append(result)
    return log_probs


def tune_manifest(
    manifest: str | Path,
    model: str | Path,
    bundle: Bundle,
    attention: bool = False,
    dev_sets: bool = False,
) -> tuple[Tuning, ModelOverlap | None]:
    """Tune the settings of ``bundle`` for a model directory on a development manifest; with
    ``attention``, the weight of the model's decoder as well. With ``dev_sets``, all sets of the
    manifest weigh alike; the field ``set`` of a line names its set.

    Returns:
        The tuning, and the overlap of the language model with the texts of the manifest (None
        without a language model).

    Raises:
        DataError: the manifest or one of its recordings cannot be read, or an utterance is of no
            set.
        ModelError: the model directory is not sound.
        ConfigError: it has no decoder with attention.
    """
    utterances = read_manifest(manifest)
    sets = [set_of(item) for item in utterances] if dev_sets else []
    for item, name in zip(utterances, sets, strict=False):
        if not name:
            raise DataError(f'{manifest}: {item.id} is of no set; each line needs the field "set"')
    transcriber = Transcriber(model, display=False)
    scorer = None
    if attention:
        scorer = open_scorer(model, transcriber.model)
        transcriber = transcriber.using(transcriber.session.with_encodings(), None)
    rows, symbols = recognise(utterances, transcriber), len(transcriber.model.vocabulary)
    log_probs = [np.ascontiguousarray(item[:, :symbols]) for item in rows]
    encodings = [np.ascontiguousarray(item[:, symbols:]) for item in rows] if attention else []
    texts = [item.text for item in utterances]
    tuner = Tuner(
        transcriber.model.vocabulary,
        log_probs,
        texts,
        bundle.lm,
        bundle.lexicon,
        bundle.rescore_lm,
        scorer,
        encodings,
        sets,
    )
    overlap = None
    if bundle.lm is not None:
        overlap = model_overlap(bundle.lm, [text for text in texts if text])
    return tuner.tune(bundle.options), overlap


def _weights(references: Sequence[str], sets: Sequence[str]) -> Scores | None:
    """Return what an error in each utterance counts: one, if all sets had equally many words."""
    if not sets:
        return None
    words = Counter[str]()
    for text, name in zip(references, sets, strict=True):
        words[name] += len(text.split())
    mean = words.total() / len(words)
    return np.array([mean / max(words[name], 1) for name in sets])


def _middle(surface: Sequence[Sequence[Trial]]) -> Trial:
    """Return, of the trials that make hardly more errors than the best one, that with the lowest
    mean of the errors of itself and its neighbours; of equal ones, that with the fewest errors.

    Hardly more are two, and half a standard deviation of such a count.
    """
    errors = np.array([[trial.compared for trial in row] for row in surface], float)
    padded = np.pad(errors, 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    means = np.nanmean(windows, axis=(2, 3))
    fewest = errors.min()
    means[errors > fewest + 2 + np.sqrt(fewest) / 2] = np.inf
    order = np.lexsort((errors.ravel(), means.ravel()))
    row, column = np.unravel_index(order[0], errors.shape)
    return surface[row][column]
