"""Errors of word times against known borders, and the word offsets that correct them.

Networks trained with CTC emit the first symbol of a word late and its last one early. The errors
are measured where borders of words are known: recordings are joined with pauses, and the level of
each one shows where its first word begins and its last word ends.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples, read_audio
from asr.audio.shared import share
from asr.data.manifest import Utterance
from asr.decoding.greedy import greedy
from asr.decoding.hypothesis import Hypothesis
from asr.errors import AudioError, DataError
from asr.model.directory import ModelInfo
from asr.model.session import LogProbs, Session
from asr.recognition.aligner import align_tokens
from asr.recognition.words import to_words
from asr.text import Vocabulary

LOUD, AUDIBLE = 20.0, 35.0
"""The levels from which a frame is speech: it lies within ``LOUD`` dB of the loudest frame, or all
frames from it to such a frame lie within ``AUDIBLE`` dB. A soft consonant counts as the beginning
of the first word, a breath before it does not."""

FRAME_SECONDS = 0.01
LONGEST_PAUSE = 0.3  # the longest pause between joined recordings, in seconds
STEPS = np.arange(-0.1, 0.1501, 0.005)
"""The offsets that are tried, in seconds."""

DECODERS = ("greedy", "align")
RECORDINGS = 50
"""The most joined recordings on which offsets are measured."""
CLIPS, CLIP_SECONDS = 4, 8.0
"""The most utterances of a joined recording, and the most seconds of each."""

FEWEST = 20
"""The fewest starts, and the fewest ends, of correctly recognised words that offsets need."""


@dataclass(frozen=True)
class Clip:
    """An utterance: its ``words`` and its ``samples`` (n,), in which speech lasts from ``begin``
    (s)
    to ``end`` (s); NaN stands for a border that cannot be told."""

    words: tuple[str, ...]
    samples: Samples
    begin: float
    end: float


@dataclass(frozen=True)
class JoinedRecording:
    """A joined recording: its ``samples`` (n,), the ``words`` in it, and their ``borders``, the
    start
    and end of each word in seconds; NaN stands for an unknown one."""

    samples: Samples
    words: tuple[str, ...]
    borders: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Decoded:
    """A joined recording of ``duration`` seconds, and the hypothesis of each decoder."""

    recording: JoinedRecording
    hypotheses: Mapping[str, Hypothesis]
    duration: float


@dataclass(frozen=True)
class Offsets:
    """Word offsets in seconds, as :class:`asr.model.directory.ModelInfo` has them, and a sentence
    that says how they were measured, or why they were not."""

    start: float
    end: float
    method: str


def measure_offsets(session: Session, utterances: Iterable[Utterance], seed: int = 0) -> Offsets:
    """Measure the word offsets of a model on development recordings, joined with pauses.

    The result depends on the arguments alone. If too few words with known borders are recognised
    correctly, the offsets are 0.
    """
    info = session.info
    clips = _clips(utterances, info, np.random.default_rng([seed, 0]))
    recordings = [
        join(group, info.sample_rate, np.random.default_rng([seed, 1, index]))
        for index, group in enumerate(_groups(clips, info.vocabulary))
    ]
    items = decode(session, recordings)
    unmoved = replace(info, word_offsets=(0.0, 0.0))
    right = np.isfinite(border_errors(items, "greedy", unmoved)).sum(axis=0)
    found = f"{right[0]} starts and {right[1]} ends of words on {len(items)} joined recordings"
    if min(right) < FEWEST:
        return Offsets(0.0, 0.0, f"not measured: only {found}, needs {FEWEST} of each")
    start, end = fit_offsets(items, info, DECODERS)
    return Offsets(start, end, f"measured on {found}")


def _clips(
    utterances: Iterable[Utterance], info: ModelInfo, rng: np.random.Generator
) -> list[Clip]:
    """Read as many randomly chosen short utterances as are needed, and return those of which a
    border is known, one speaker after another."""
    short = [item for item in utterances if item.text and item.duration <= CLIP_SECONDS]
    chosen = [short[index] for index in rng.permutation(len(short))[: CLIPS * RECORDINGS]]
    chosen.sort(key=lambda item: item.speaker or "")
    clips = []
    for item, source in zip(chosen, share([item.source for item in chosen]), strict=True):
        try:
            samples = read_audio(source, info.sample_rate).samples
            words = tuple(info.vocabulary.split_words(item.text))
        except (AudioError, DataError):  # an evaluation reports it
            continue
        if not len(samples):
            continue
        begin, end = spoken(samples, info.sample_rate)
        # If no quiet frame lies outside, speech or noise may reach beyond the recording.
        clip = Clip(
            words,
            samples,
            begin / info.sample_rate if begin > 0 else nan,
            end / info.sample_rate if end < len(samples) else nan,
        )
        if np.isfinite(clip.begin) or np.isfinite(clip.end):
            clips.append(clip)
    return clips


def _groups(clips: Sequence[Clip], vocabulary: Vocabulary) -> list[Sequence[Clip]]:
    """Divide clips into groups that are joined.

    A group has one clip if the vocabulary has no space: the words of two clips would become one.
    """
    size = 1 if vocabulary.spaced and vocabulary.unknown_characters(" ") else CLIPS
    return [clips[first : first + size] for first in range(0, len(clips), size)][:RECORDINGS]


def spoken(
    samples: Samples, rate: int, loud: float = LOUD, audible: float = AUDIBLE
) -> tuple[int, int]:
    """Return the first and the last sample (exclusive) of speech in ``samples`` (n > 0,).

    Its frames are 10 ms long; ``loud`` and ``audible`` are those of :data:`LOUD`, in dB below the
    level of the loudest frame.

    >>> samples = np.full(800, 1e-4, np.float32)
    >>> samples[170:420] = 0.5
    >>> spoken(samples, 8000)
    (160, 480)
    """
    frame = round(rate * FRAME_SECONDS)
    starts = np.arange(0, len(samples), frame)
    powers = np.add.reduceat(samples.astype(np.float64) ** 2, starts)
    (frames,) = np.nonzero(powers >= powers.max() * 10 ** (-loud / 10))
    first, last = frames[0], frames[-1]
    heard = powers >= powers.max() * 10 ** (-audible / 10)
    while first > 0 and heard[first - 1]:
        first -= 1
    while last + 1 < len(heard) and heard[last + 1]:
        last += 1
    return int(starts[first]), min(int(starts[last]) + frame, len(samples))


def join(clips: Sequence[Clip], rate: int, rng: np.random.Generator) -> JoinedRecording:
    """Join ``clips`` of ``rate`` Hz with random pauses before, between and behind them."""

    def pause() -> Samples:
        return np.zeros(int(rng.uniform(0, LONGEST_PAUSE) * rate), np.float32)

    parts, words, borders = [pause()], list[str](), list[tuple[float, float]]()
    for clip in clips:
        position = sum(map(len, parts)) / rate
        inner = len(clip.words) - 1
        words += clip.words
        starts = [position + clip.begin, *[nan] * inner]
        ends = [*[nan] * inner, position + clip.end]
        borders += zip(starts, ends, strict=True)
        parts += [clip.samples, pause()]
    return JoinedRecording(np.concatenate(parts), tuple(words), tuple(borders))


def decode(
    session: Session,
    recordings: Iterable[JoinedRecording],
    search: Callable[[LogProbs], Hypothesis] | None = None,
) -> list[Decoded]:
    """Decode recordings at the model's rate by greedy search ("greedy"), by forced alignment
    ("align") and, if it is given, by ``search`` ("beam"). Recordings too short for their words are
    left out."""
    info = session.info
    vocabulary = info.vocabulary
    decoded = []
    for recording in recordings:
        (log_probs,) = session.log_probs([recording.samples])
        tokens = vocabulary.encode((" " if vocabulary.spaced else "").join(recording.words))
        try:
            aligned = align_tokens(log_probs, tokens, vocabulary.blank_id)
        except DataError:
            continue
        hypotheses = {"greedy": greedy(log_probs, vocabulary.blank_id), "align": aligned}
        if search is not None:
            hypotheses["beam"] = search(log_probs)
        decoded.append(Decoded(recording, hypotheses, len(recording.samples) / info.sample_rate))
    return decoded


def border_errors(
    items: Iterable[Decoded], decoder: str, info: ModelInfo
) -> npt.NDArray[np.float64]:
    """Return the errors (words, 2) of starts and ends in seconds.

    Errors of late borders are positive, those of unknown borders NaN. Only correctly recognised
    words count, in recordings of which as many words are recognised as were said.
    """
    errors = []
    for item in items:
        words = to_words(item.hypotheses[decoder], info, item.duration)
        if len(words) != len(item.recording.words):
            continue
        for word, said, (start, end) in zip(
            words, item.recording.words, item.recording.borders, strict=True
        ):
            if word.text == said:
                errors.append((word.start - start, word.end - end))
    return np.array(errors, np.float64).reshape(-1, 2)


def fit_offsets(
    items: Sequence[Decoded], info: ModelInfo, decoders: Sequence[str]
) -> tuple[float, float]:
    """Return the offsets with which the median of the errors of all ``decoders`` is nearest to 0,
    for starts and for ends."""

    def bias(start: float, end: float, column: int) -> float:
        trial = replace(info, word_offsets=(start, end))
        errors = [border_errors(items, decoder, trial)[:, column] for decoder in decoders]
        return float(np.nanmedian(np.concatenate(errors)))

    def nearest(bias: Callable[[float], float]) -> float:
        # The bias grows with the offset, so that bisection finds where it is 0.
        place = bisect_left(offsets, 0.0, key=bias)
        return min(offsets[max(0, place - 1) : place + 1], key=lambda offset: abs(bias(offset)))

    offsets = [round(float(step), 3) for step in STEPS]
    start = nearest(lambda offset: bias(offset, 0.0, 0))
    return start, nearest(lambda offset: bias(start, offset, 1))
