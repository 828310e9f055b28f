"""Alignment of a known text with its recording, of any length, in bounded memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audio.inputs import AudioInput, is_standard_input, standard_input
from asr.audio.read import named, source_name
from asr.decoding.alignment import align
from asr.decoding.hypothesis import Hypothesis
from asr.errors import DataError, OutputError
from asr.model.directory import ModelInfo, default_model
from asr.model.session import AcousticSession, LogProbs
from asr.recognition.recordings import decode
from asr.recognition.windows import OnePiece, Windows, open_windows
from asr.recognition.words import Word, frame_time, to_words


@dataclass(frozen=True)
class AlignedToken:
    """A symbol of the text at its place in the recording.

    ``start`` and ``end`` are the seconds between which the model emits it; word offsets are not
    added to them. ``score`` is its largest posterior there.
    """

    text: str
    start: float
    end: float
    score: float


@dataclass(frozen=True)
class Alignment:
    """A text at its place in a recording.

    ``score`` is the natural logarithm of the probability of the path, ``duration`` is that of the
    recording in seconds, ``model`` is the hash of the graph.
    """

    text: str
    words: tuple[Word, ...]
    tokens: tuple[AlignedToken, ...]
    score: float
    duration: float
    model: str


class Aligner:
    """An aligner of texts with recordings, by the model in a directory (None: that in the package).

    ``threads`` is that of :class:`asr.model.session.AcousticSession`.

    Raises:
        ModelError: the directory is not sound.
    """

    def __init__(self, model: str | Path | None = None, threads: int = 0) -> None:
        self._session = AcousticSession(model or default_model(), threads)

    @property
    def model(self) -> ModelInfo:
        """The description of the loaded model."""
        return self._session.info

    def align(self, source: AudioInput, text: str) -> Alignment:
        """Align ``text`` with a file, the bytes of a file or ``"-"`` (standard input).

        A word's confidence is the geometric mean of its tokens' scores, calibrated as
        those of greedy decoding are.

        Raises:
            AudioError: the source is not usable as audio.
            DataError: the text is empty, has a word that the vocabulary cannot spell, or is too
                long for the recording.
            OutputError: there is no room for temporary files.
        """
        name, model = source_name(source), self.model
        text = model.vocabulary.normalize(text)
        tokens = _encode(text, model)
        if is_standard_input(source):
            with named(name):
                source = standard_input().read()  # it may have to be read twice
        windows = open_windows(
            self._session, lambda: decode(source, model.sample_rate, None, warnings=[])
        )
        duration = windows.samples / model.sample_rate
        with _stored(windows, len(model.vocabulary)) as log_probs:
            try:
                hypothesis = align_tokens(log_probs, tokens, model.vocabulary.blank_id)
            except DataError as error:
                raise DataError(f"{name}: {error}") from error
        return Alignment(
            text=text,
            words=to_words(hypothesis, model, duration),
            tokens=tuple(
                AlignedToken(
                    text=model.vocabulary.tokens[token],
                    start=frame_time(start, model, duration),
                    end=frame_time(end, model, duration),
                    score=min(1.0, float(np.exp(posterior))),
                )
                for token, start, end, posterior in zip(
                    hypothesis.tokens,
                    hypothesis.start_frames,
                    hypothesis.end_frames,
                    hypothesis.log_posteriors,
                    strict=True,
                )
            ),
            score=hypothesis.score,
            duration=duration,
            model=model.hash,
        )


def align_tokens(log_probs: LogProbs, tokens: list[int], blank_id: int) -> Hypothesis:
    """Align ``tokens`` with log-probs (frames, V); each gets its largest posterior in its frames.

    Raises:
        DataError: as :func:`asr.decoding.alignment.align`.
    """
    starts, ends, score = align(log_probs, tokens, blank_id)
    places = list(zip(tokens, starts.tolist(), ends.tolist(), strict=True))
    return Hypothesis(
        tokens=tuple(tokens),
        start_frames=tuple(start for _, start, _ in places),
        end_frames=tuple(end for _, _, end in places),
        log_posteriors=tuple(float(log_probs[a:b, token].max()) for token, a, b in places),
        acoustic_score=score,
        score=score,
    )


def _encode(text: str, model: ModelInfo) -> list[int]:
    if not text:
        raise DataError("the text is empty: there is nothing to align")
    for word in text.split():
        if unknown := model.vocabulary.unknown_characters(word):
            raise DataError(
                f"the model cannot spell the word {word!r}: its vocabulary has no {unknown}; "
                "write it as it is said, e.g. numbers in words"
            )
    return model.vocabulary.encode(text)


@contextmanager
def _stored(windows: Windows | OnePiece, size: int) -> Iterator[LogProbs]:
    """Yield the log-probs of all windows; those of a long recording are stored in a temporary file
    that is mapped into memory."""
    if isinstance(windows, OnePiece):
        yield np.concatenate([np.zeros((0, size), np.float32), *windows.log_probs()])
        return
    with tempfile.TemporaryFile() as file:
        try:
            for log_probs in windows.log_probs():
                file.write(log_probs.tobytes())
            file.flush()
        except OSError as error:
            raise OutputError(
                f"cannot write to the folder of temporary files {tempfile.gettempdir()} "
                f"({error.strerror or error}); make room, or name another in TMPDIR"
            ) from error
        # Mode "r+" gives a writable array, for which compiled code needs no variant of its own.
        yield np.asarray(np.memmap(file, np.float32, "r+", shape=(windows.frames, size)))
