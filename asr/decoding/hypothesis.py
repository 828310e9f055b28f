"""The one result of every decoder, and what it would have given another text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """Tokens on frames. All tuples have one entry a token; frames count from the first row of
    the log-probs, ``end_frames`` are exclusive; logarithms are natural.

    ``log_posteriors`` say how sure the decoder is of each token: greedy search gives the largest
    posterior of the token's run, beam search that of the word which the token belongs to, among
    all hypotheses it kept.
    """

    tokens: tuple[int, ...]
    start_frames: tuple[int, ...]
    end_frames: tuple[int, ...]
    log_posteriors: tuple[float, ...]
    acoustic_score: float
    """Log-probability of the paths that were taken: one path in greedy search, all that were kept
    in beam search."""
    lm_score: float = 0.0
    """Log-probability that the language model gives the text, not weighted; 0 without one."""
    score: float = 0.0
    """What the search ranked by: acoustics, weighted language model, bonuses."""


@dataclass(frozen=True)
class TextScore:
    """What a search gives a text, found or not, as in :class:`Hypothesis`; ``acoustic_score`` is
    that of all its paths. ``score`` is minus infinity for what it cannot give."""

    acoustic_score: float
    lm_score: float
    score: float
