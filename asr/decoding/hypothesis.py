"""The one result of every decoder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """Tokens on frames. All tuples have one entry a token; frames count from the first row of
    the log-probs, ``end_frames`` are exclusive; ``log_posteriors`` are natural logarithms."""

    tokens: tuple[int, ...]
    start_frames: tuple[int, ...]
    end_frames: tuple[int, ...]
    log_posteriors: tuple[float, ...]
    score: float
    """Log-probability of the path that was taken."""
