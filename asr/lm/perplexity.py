"""Perplexity: how well language models of any kind predict a text, alone and mixed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asr.counts import counted
from asr.errors import DataError

Scores = npt.NDArray[np.float64]
ROUNDS = 100
"""The number of steps of expectation maximisation, which converges in fewer."""


class LanguageModel(Protocol):
    """The interface of every language model."""

    @property
    def unit(self) -> str:
        """The unit of the model: ``word``, or ``token`` for characters and ``<space>``."""

    @property
    def unknown_id(self) -> int:
        """The id that units outside the model share."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of the units of a normalised text."""

    def score(self, sentences: Sequence[Sequence[int]]) -> list[Scores]:
        """Compute the log10-probabilities (units + 1,) of the units of each sentence and of its
        end."""


@dataclass(frozen=True)
class Perplexity:
    """The perplexity of a model on a text, with the counts and log-probabilities behind it.

    ``tokens`` are the model's units; ``words`` and ``characters`` (spaces among them) are the same
    for every model. All three count the end of each sentence. ``oovs`` are the tokens that the
    model does not know.
    """

    sentences: int
    tokens: int
    words: int
    characters: int
    oovs: int
    log10_total: float
    log10_oovs: float
    """The part of ``log10_total`` that belongs to the unknown tokens."""

    @property
    def including_oovs(self) -> float:
        """The perplexity over all tokens."""
        return float(10 ** (-self.log10_total / self.tokens))

    @property
    def excluding_oovs(self) -> float:
        """The perplexity over the known tokens, each in the context of all."""
        known = self.log10_total - self.log10_oovs
        return float(10 ** (-known / (self.tokens - self.oovs)))

    @property
    def per_word(self) -> float:
        """The perplexity per word, whatever the model's units are.

        It can compare models of different units, provided that no unit is unknown: unknown units
        are predicted as a class and not spelled.
        """
        return float(10 ** (-self.log10_total / self.words))

    @property
    def per_character(self) -> float:
        """The perplexity per character, whatever the model's units are; see :attr:`per_word`."""
        return float(10 ** (-self.log10_total / self.characters))

    def __str__(self) -> str:
        return (
            f"perplexity {self.including_oovs:.2f} with and {self.excluding_oovs:.2f} without "
            f"unknown words [{counted(self.tokens, 'token')}, {self.oovs} unknown, "
            f"{counted(self.sentences, 'sentence')}]"
        )


@dataclass(frozen=True)
class TokenScores:
    """The scores that a model gives the units of a text, the ends of its sentences among them."""

    log10_probs: Scores
    """(tokens,) the log10-probabilities."""
    unknown: npt.NDArray[np.bool_]
    """(tokens,) true for the units that the model does not know."""


def token_scores(model: LanguageModel, texts: Iterable[str]) -> TokenScores:
    """Return the scores of all units of normalised ``texts``, each a sentence.

    Raises:
        DataError: there is no text.
    """
    sentences = [model.encode(text) for text in texts]
    if not sentences:
        raise DataError("a perplexity needs at least one sentence, got none")
    ids = np.array([id for sentence in sentences for id in (*sentence, -1)])
    return TokenScores(np.concatenate(model.score(sentences)), ids == model.unknown_id)


def perplexity(model: LanguageModel, texts: Sequence[str]) -> Perplexity:
    """Return the perplexity of ``model`` on normalised ``texts``, each a sentence.

    Raises:
        DataError: there is no text.

    >>> from asr.lm.kneser_ney import estimate
    >>> print(perplexity(estimate(["go on", "go"], 2).model, ["go on"]))  # doctest: +ELLIPSIS
    perplexity ... [3 tokens, 0 unknown, 1 sentence]
    """
    return count(texts, token_scores(model, texts))


def count(texts: Sequence[str], scores: TokenScores) -> Perplexity:
    """Return the perplexity that the ``scores`` of ``texts`` amount to."""
    return Perplexity(
        sentences=len(texts),
        tokens=len(scores.log10_probs),
        words=sum(len(text.split()) + 1 for text in texts),
        characters=sum(len(text) + 1 for text in texts),
        oovs=int(scores.unknown.sum()),
        log10_total=float(scores.log10_probs.sum()),
        log10_oovs=float(scores.log10_probs[scores.unknown].sum()),
    )


def mix(models: Sequence[TokenScores], weights: Sequence[float]) -> TokenScores:
    """Return the scores of mixed models.

    The probability of a unit is ``sum(weight * probability)`` over the models.

    Raises:
        DataError: the models have other units, or know other words.
    """
    _check_same(models)
    probs = sum(
        weight * 10**model.log10_probs for weight, model in zip(weights, models, strict=True)
    )
    return TokenScores(np.log10(probs), models[0].unknown)


def best_weights(models: Sequence[TokenScores]) -> list[float]:
    """Estimate the weights, which sum to one, with which a mixture predicts the text best.

    The method is expectation maximisation (Jelinek and Mercer 1980).

    Raises:
        DataError: the models have other units, or know other words.
    """
    _check_same(models)
    probs = np.stack([10**model.log10_probs for model in models])
    weights = np.full(len(models), 1 / len(models))
    for _ in range(ROUNDS):
        shares = weights[:, None] * probs
        weights = (shares / shares.sum(0)).mean(1)
    return [float(weight) for weight in weights]


def _check_same(models: Sequence[TokenScores]) -> None:
    first = models[0].unknown
    if any(not np.array_equal(model.unknown, first) for model in models):
        raise DataError(
            "models can be mixed if they have the same units and know the same words; build them "
            "with one --vocabulary"
        )
