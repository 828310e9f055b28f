"""Tokens on frames to words in seconds."""

import math
from dataclasses import dataclass

from asr.decoding.hypothesis import Hypothesis
from asr.modeldir import ModelInfo


@dataclass(frozen=True)
class Word:
    """A recognised word; ``start`` and ``end`` in seconds, ``confidence`` between 0 and 1."""

    text: str
    start: float
    end: float
    confidence: float


def to_words(hypothesis: Hypothesis, model: ModelInfo, duration: float) -> tuple[Word, ...]:
    """Join the tokens between spaces.

    A word starts with its first token's first frame and ends with its last token's last; its
    confidence is the geometric mean of its tokens' posteriors. Frame k begins ``k - padding``
    strides into the audio; times are kept within 0 and ``duration`` (s).
    """
    stride, rate = model.frame_stride, model.sample_rate

    def seconds(frame: int) -> float:
        samples = (frame - model.encoder.padding) * stride
        return min(max(samples / rate, 0.0), duration)

    words = []
    for first, last in _spans(model.vocabulary.decode(hypothesis.tokens)):
        posteriors = hypothesis.log_posteriors[first:last]
        words.append(
            Word(
                text=model.vocabulary.decode(hypothesis.tokens[first:last]),
                start=seconds(hypothesis.start_frames[first]),
                end=seconds(hypothesis.end_frames[last - 1]),
                confidence=min(1.0, math.exp(sum(posteriors) / len(posteriors))),
            )
        )
    return tuple(words)


def _spans(text: str) -> list[tuple[int, int]]:
    """First and last (exclusive) index of each stretch without spaces."""
    spans, first = [], 0
    for index, character in enumerate(text + " "):
        if character == " ":
            if index > first:
                spans.append((first, index))
            first = index + 1
    return spans
