"""Words with times and confidences, made from the tokens and frames of a hypothesis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from asr.decoding.hypothesis import Hypothesis
from asr.model.calibration import AS_IT_IS
from asr.model.directory import ModelInfo


@dataclass(frozen=True)
class Word:
    """A recognised word: ``start`` and ``end`` are in seconds, ``confidence`` lies between 0 and
    1."""

    text: str
    start: float
    end: float
    confidence: float
    joined: bool = False
    """True if no space stands between this word and the one before, as in Japanese."""


class AnyWord(Protocol):
    """The interface of words on any timeline."""

    @property
    def text(self) -> str: ...
    @property
    def joined(self) -> bool: ...


def join_words(words: Iterable[AnyWord]) -> str:
    """Return the texts of ``words``, with a space before each that is not joined.

    >>> join_words([Word("go", 0.0, 0.1, 1.0), Word("on", 0.2, 0.3, 1.0)])
    'go on'
    """
    parts = (word.text if word.joined else f" {word.text}" for word in words)
    return "".join(parts).removeprefix(" ")


END_SHARE = 0.25
"""The share of the pause between two words into which the end of the first may be moved; the start
of the second may be moved into the rest."""


def to_words(
    hypothesis: Hypothesis,
    model: ModelInfo,
    duration: float,
    first_frame: int = 0,
    decoder: str = "greedy",
) -> tuple[Word, ...]:
    """Join the tokens between spaces to words; where words are not spaced, each token is a word.

    A word lasts from the first frame of its first token to the last frame of its last token. Its
    confidence is the geometric mean of its tokens' posteriors, calibrated by the model's calibrator
    for the ``decoder``. Networks trained with CTC emit the first token of a word late and its last
    one early: the model's ``word_offsets`` move starts and ends, but not into a neighbouring word.
    Frames are counted from ``first_frame`` of the recording on. All times lie between that frame
    and ``duration`` (s), the end of the recording or of the part that was decoded.
    """
    vocabulary, tokens = model.vocabulary, hypothesis.tokens
    spans = vocabulary.word_spans(tokens)

    def seconds(frame: int) -> float:
        return frame_time(first_frame + frame, model, duration)

    starts = [seconds(hypothesis.start_frames[first]) for first, _ in spans]
    ends = [seconds(hypothesis.end_frames[last - 1]) for _, last in spans]
    earlier, later = model.word_offsets
    calibrator = model.calibrators.get(decoder, AS_IT_IS)
    words = []
    for index, (first, last) in enumerate(spans):
        start, end = starts[index], ends[index]
        before = ends[index - 1] if index else 0.0
        behind = starts[index + 1] if index + 1 < len(spans) else duration
        lowest = before + END_SHARE * (start - before) if index else seconds(0)
        highest = end + END_SHARE * (behind - end)
        start = min(max(start + earlier, lowest), end)
        end = min(max(end + later, start), highest)
        posteriors = hypothesis.log_posteriors[first:last]
        words.append(
            Word(
                text=vocabulary.decode(tokens[first:last]).strip(),
                start=start,
                end=end,
                confidence=calibrator(min(1.0, math.exp(sum(posteriors) / len(posteriors)))),
                joined=vocabulary.is_joined(tokens, first),
            )
        )
    return tuple(words)


def frame_time(frame: int, model: ModelInfo, duration: float) -> float:
    """Return the seconds at which an output frame begins, limited to 0 to ``duration``."""
    samples = (frame - model.encoder.padding) * model.frame_stride
    return min(max(samples / model.sample_rate, 0.0), duration)
