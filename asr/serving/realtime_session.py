"""The configuration of OpenAI's realtime transcription sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from asr.errors import AudioError
from asr.serving.packets import PacketDecoder

FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "mulaw", "audio/pcma": "alaw"}
PCM_RATE, G711_RATE = 24000, 8000
LOGPROBS = "item.input_audio_transcription.logprobs"
MAX_PROMPT, MAX_KEYWORDS = 20_000, 1000
"""The most characters of a prompt and of all keywords, and the most keywords."""

SILENCE_MILLISECONDS = (200, 10_000)
"""The shortest and the longest pause after which an item is complete, as ``LiveConfig`` has it."""


class EventError(Exception):
    """A fault in an event of a client: a sentence, a code, and the field that it is about."""

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param


@dataclass(frozen=True)
class RealtimeConfig:
    """The configuration of a session.

    ``silence`` is the pause in seconds after which an item is complete; without it, the client says
    when. ``padding`` is the time in seconds by which the announced start of speech lies before the
    first word. ``rate`` is in Hz. ``keywords`` and the words of the ``prompt`` are preferred by the
    search. ``logprobs`` asks for the logarithms of confidences.
    """

    model: str
    language: str | None = None
    format: str = "audio/pcm"
    rate: int = PCM_RATE
    silence: float | None = 0.5
    padding: float = 0.3
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    logprobs: bool = False

    def changed(self, session: object) -> "RealtimeConfig":
        """Return the configuration after ``session.update``; fields that it lacks are kept.

        >>> vad = {"type": "server_vad", "silence_duration_ms": 800}
        >>> update = {"type": "transcription", "audio": {"input": {"turn_detection": vad}}}
        >>> RealtimeConfig("any").changed(update).silence
        0.8

        Raises:
            EventError: a value is unknown or cannot be used.
        """
        fields = _object(session, "session", ("type", "audio", "include"))
        if fields.get("type", "transcription") != "transcription":
            raise EventError("only transcription sessions are served", param="session.type")
        config = self
        if "include" in fields:
            config = replace(config, logprobs=_include(fields["include"]))
        audio = _object(fields.get("audio"), "session.audio", ("input",))
        names = ("format", "noise_reduction", "transcription", "turn_detection")
        heard = _object(audio.get("input"), "session.audio.input", names)
        if heard.get("format") is not None:
            config = config._with_format(heard["format"])
        if heard.get("transcription") is not None:
            config = config._with_transcription(heard["transcription"])
        if "turn_detection" in heard:
            config = config._with_turn_detection(heard["turn_detection"])
        return config

    @property
    def options(self) -> dict[str, float]:
        """The options of the live transcription."""
        return {} if self.silence is None else {"endpoint_seconds": self.silence}

    def decoder(self, target: int) -> PacketDecoder:
        """Return what decodes the sound of events to samples at ``target`` Hz."""
        return PacketDecoder(FORMATS[self.format], self.rate, target)

    def described(self, id: str, expires: int) -> dict[str, Any]:
        """Return the session object of events, with the values that hold."""
        rate = {"rate": self.rate} if self.format == "audio/pcm" else {}
        turns = None
        if self.silence is not None:
            turns = {
                "type": "server_vad",
                "prefix_padding_ms": round(1000 * self.padding),
                "silence_duration_ms": round(1000 * self.silence),
            }
        transcription: dict[str, Any] = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
        }
        if self.keywords:
            transcription["keywords"] = list(self.keywords)
        heard = {
            "format": {"type": self.format} | rate,
            "noise_reduction": None,
            "transcription": transcription,
            "turn_detection": turns,
        }
        return {
            "id": id,
            "object": "realtime.transcription_session",
            "type": "transcription",
            "expires_at": expires,
            "audio": {"input": heard},
            "include": [LOGPROBS] if self.logprobs else None,
        }

    def _with_format(self, value: object) -> "RealtimeConfig":
        path = "session.audio.input.format"
        fields = _object(value, path, ("type", "rate"))
        kind = fields.get("type", self.format)
        if not isinstance(kind, str) or kind not in FORMATS:
            raise EventError(f"needs one of {', '.join(FORMATS)}", param=f"{path}.type")
        rate = PCM_RATE if kind == "audio/pcm" else G711_RATE
        if fields.get("rate") is not None:
            rate = round(_number(fields["rate"], f"{path}.rate", 0, 1e6))
        try:
            PacketDecoder(FORMATS[kind], rate, PCM_RATE)
        except AudioError as error:
            raise EventError(str(error), param=f"{path}.rate") from None
        return replace(self, format=kind, rate=rate)

    def _with_transcription(self, value: object) -> "RealtimeConfig":
        path = "session.audio.input.transcription"
        names = ("model", "language", "languages", "prompt", "keywords", "delay")
        fields = _object(value, path, names)
        texts: dict[str, Any] = {}
        for name in ("model", "language", "prompt"):
            if fields.get(name) is not None:
                texts[name] = _text(fields[name], f"{path}.{name}")
        keywords = fields.get("keywords")
        if keywords is None:
            return replace(self, **texts)
        if not isinstance(keywords, list) or len(keywords) > MAX_KEYWORDS:
            message = f"needs a list of at most {MAX_KEYWORDS} strings"
            raise EventError(message, "invalid_type", f"{path}.keywords")
        words = tuple(_text(word, f"{path}.keywords") for word in keywords)
        if sum(map(len, words)) > MAX_PROMPT:
            message = f"needs at most {MAX_PROMPT} characters"
            raise EventError(message, param=f"{path}.keywords")
        return replace(self, keywords=words, **texts)

    def _with_turn_detection(self, value: object) -> "RealtimeConfig":
        if value is None:
            return replace(self, silence=None)
        path = "session.audio.input.turn_detection"
        names = (
            "type", "threshold", "prefix_padding_ms", "silence_duration_ms", "create_response",
            "interrupt_response", "idle_timeout_ms",
        )  # fmt: skip
        fields = _object(value, path, names)
        if fields.get("type", "server_vad") != "server_vad":
            message = "only server_vad is known; null leaves it to the client"
            raise EventError(message, param=f"{path}.type")
        silence = _number(
            fields.get("silence_duration_ms", 500),
            f"{path}.silence_duration_ms",
            *SILENCE_MILLISECONDS,
        )
        padding = _number(fields.get("prefix_padding_ms", 300), f"{path}.prefix_padding_ms", 0, 1e5)
        return replace(self, silence=silence / 1000, padding=padding / 1000)


def _object(value: object, path: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    """Return an object all of whose keys are known; null counts as empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EventError("needs an object", "invalid_type", path)
    for name in value:
        if name not in names:
            message = f"unknown parameter: '{path}.{name[:100]}'"
            raise EventError(message, "unknown_parameter", f"{path}.{name[:100]}")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_PROMPT:
        message = f"needs a string of at most {MAX_PROMPT} characters"
        raise EventError(message, "invalid_type", path)
    return value


def _number(value: object, path: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventError("needs a number", "invalid_type", path)
    if not least <= value <= most:
        raise EventError(f"needs a number from {least:g} to {most:g}", param=path)
    return float(value)


def _include(value: object) -> bool:
    if value is None:
        return False
    if not isinstance(value, list) or any(item != LOGPROBS for item in value):
        raise EventError(f"needs a list of which {LOGPROBS} may be part", param="session.include")
    return bool(value)
