"""The result of every decoder, and the score that it gives any text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """The tokens that a decoder found and the frames that they lie on.

    All tuples have one entry for each token. Frames count from the first row of the log-probs, and
    ``end_frames`` are exclusive. Logarithms are natural.

    ``log_posteriors`` are the confidences of the tokens: in greedy search the largest posterior in
    the token's run of frames, in beam search the posterior of the token's word among all hypotheses
    that were kept.
    """

    tokens: tuple[int, ...]
    start_frames: tuple[int, ...]
    end_frames: tuple[int, ...]
    log_posteriors: tuple[float, ...]
    acoustic_score: float
    """Log-probability of the CTC paths behind the tokens: of the one best path in greedy search, of
    all that were kept in beam search."""
    lm_score: float = 0.0
    """Unweighted log-probability of the text by the language model; 0 without one."""
    score: float = 0.0
    """The score that the search ranks by: acoustics, weighted language model and bonuses."""


@dataclass(frozen=True)
class TextScore:
    """The scores that a search gives any text, whether it finds it or not.

    They are those of :class:`Hypothesis`, but ``acoustic_score`` is the log-probability of all
    paths of the text. ``score`` is minus infinity for a text that the search can never give.
    ``attention_score`` is the unweighted log-probability of the text by a decoder with attention; 0
    without one.
    """

    acoustic_score: float
    lm_score: float
    score: float
    attention_score: float = 0.0
