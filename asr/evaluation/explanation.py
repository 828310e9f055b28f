"""Explanations of wrong transcripts: causes of errors, doubts about references, and pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from asr.audio.read import read_audio
from asr.data.manifest import Utterance
from asr.errors import AsrError, DataError
from asr.evaluation.attribution import attribute
from asr.evaluation.label_errors import label_score
from asr.evaluation.pictures import Picture, picture, spell_out
from asr.evaluation.scoring import count_each
from asr.model.session import LogProbs
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript

LONGEST = 60.0
"""The seconds up to which a recording is explained: the time for this grows with their square."""

PICTURES = 200
"""The number of utterances with a picture: those with the most errors."""


@dataclass(frozen=True)
class Explanation:
    """An explanation of a wrong transcript: the cause at each step of the alignment
    (:func:`asr.evaluation.attribution.attribute`), the
    :func:`asr.evaluation.label_errors.label_score`, and for the worst transcripts a picture."""

    causes: tuple[str | None, ...]
    label_score: float
    picture: Picture | None


def explain(
    utterances: list[Utterance], transcripts: list[Transcript], transcriber: Transcriber
) -> dict[str, Explanation]:
    """Return an explanation of each wrong transcript, by the id of its utterance.

    Recordings that are longer than :data:`LONGEST` are left out.

    Args:
        utterances: with their references.
        transcripts: of the utterances, one for each, in the same order.
        transcriber: which made the transcripts.

    Raises:
        DataError: a recording can no longer be read.
    """
    model, vocabulary = transcriber.model, transcriber.model.vocabulary
    space_units = vocabulary.space_units
    wrong = [
        (item, transcript)
        for item, transcript in zip(utterances, transcripts, strict=True)
        if space_units(item.text) != space_units(transcript.text) and transcript.duration <= LONGEST
    ]
    counts = count_each(
        [space_units(item.text) for item, _ in wrong],
        [space_units(result.text) for _, result in wrong],
    )
    errors = {item.id: count.errors for (item, _), count in zip(wrong, counts, strict=True)}
    worst = set(sorted(errors, key=lambda id: -errors[id])[:PICTURES])
    explanations = {}
    scorer = transcriber.search.attention if transcriber.search else None
    for (item, result), rows in zip(wrong, _rows(wrong, transcriber), strict=True):
        log_probs, encodings = np.split(rows, [len(vocabulary)], axis=1)
        shown = None
        if item.id in worst:
            samples = read_audio(item.source, model.sample_rate).samples
            spelling = None
            if scorer is not None:
                spelling = spell_out(result.text, log_probs, encodings, scorer, model)
            shown = picture(samples, log_probs, model, spelling)
        explanations[item.id] = Explanation(
            attribute(item.text, result.text, log_probs, vocabulary, transcriber.search, encodings),
            label_score(item.text, result.text, log_probs, vocabulary),
            shown,
        )
    return explanations


def _rows(
    wrong: list[tuple[Utterance, Transcript]], transcriber: Transcriber
) -> Iterator[LogProbs]:
    for result in transcriber.rows_many([item.source for item, _ in wrong]):
        if isinstance(result, AsrError):
            raise DataError(f"{result}; it was readable when it was recognised")
        yield result
