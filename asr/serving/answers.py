"""Transcripts in the JSON of OpenAI's interface."""

import math
import zlib
from typing import Any

from asr.recognition.subtitles import TimedWord, timed_words, to_milliseconds
from asr.recognition.transcript import Transcript
from asr.recognition.words import join_words
from asr.recognition.writers import token_fields, word_values

LANGUAGES = {
    "ar": "arabic", "cs": "czech", "de": "german", "en": "english", "es": "spanish",
    "fr": "french", "it": "italian", "ja": "japanese", "ko": "korean", "nl": "dutch",
    "pl": "polish", "pt": "portuguese", "ru": "russian", "tr": "turkish", "uk": "ukrainian",
    "zh": "chinese",
}  # fmt: skip
"""The names of languages, by which OpenAI's answers call them, by their codes."""


def verbose(
    transcript: Transcript, language: str, *, words: bool, segments: bool, temperature: float
) -> dict[str, Any]:
    """Return a transcript as ``verbose_json``; ``words`` and ``segments`` tell what is in it.

    A word has its ``confidence`` as well, and the whole the ``warnings`` of the transcript. Texts
    are the readable form, words those that were recognised; where these differ, ``verbatim`` is the
    text of the words, and with words ``tokens`` says which of them each token of the readable form
    stands for. ``avg_logprob`` is the mean logarithm of the confidences of a segment's words; the
    segments of this recogniser have no tokens and no probability of silence.
    """
    duration = to_milliseconds(transcript.duration) / 1000
    values: dict[str, Any] = {
        "task": "transcribe",
        "language": LANGUAGES.get(language, language or "unknown"),
        "duration": duration,
        "text": transcript.display,
        "usage": {"type": "duration", "seconds": duration},
        "warnings": list(transcript.warnings),
    }
    timed = list(timed_words(transcript.segments, verbatim=True))
    if transcript.tokens:
        values["verbatim"] = join_words(word for segment in timed for word in segment)
    if words:
        values["words"] = [word_values(word) for segment in timed for word in segment]
        if transcript.tokens:
            values["tokens"] = token_fields(transcript.tokens)
    if segments:
        values["segments"] = [
            _segment(number, join_words(shown), said, temperature)
            for number, (shown, said) in enumerate(
                zip(timed_words(transcript.segments), timed, strict=True)
            )
        ]
    return values


def spoken(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the segments of a transcript: number, start and end (s), text."""
    return [
        {
            "id": number,
            "start": words[0].start / 1000,
            "end": words[-1].end / 1000,
            "text": join_words(words),
        }
        for number, words in enumerate(timed_words(transcript.segments))
    ]


def _segment(number: int, shown: str, words: list[TimedWord], temperature: float) -> dict[str, Any]:
    # Like OpenAI's, a text begins with the space before it: clients join the texts as they are.
    text = shown if words[0].joined else " " + shown
    data = text.encode()
    logs = [math.log(max(word.confidence, 1e-4)) for word in words]
    return {
        "id": number,
        "seek": words[0].start // 10,
        "start": words[0].start / 1000,
        "end": words[-1].end / 1000,
        "text": text,
        "tokens": [],
        "temperature": temperature,
        "avg_logprob": sum(logs) / len(logs),
        "compression_ratio": len(data) / len(zlib.compress(data)),
        "no_speech_prob": 0.0,
    }
