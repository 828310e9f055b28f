"""The protocol of the Vosk server, whose clients exist for many languages and telephone systems.

A client sends ``{"config": {…}}`` if it wants to, then sound in packets, and ``{"eof": 1}`` at the
end. It gets one message for each packet: words that may change (``partial``), or words that are
final (``result`` and ``text``) once somebody has paused. The source of the protocol is
``websocket/asr_server.py`` of https://github.com/alphacep/vosk-server.
"""

import json
import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from asr.errors import AudioError, ConfigError
from asr.model.directory import ModelInfo
from asr.recognition.live import Final, LiveConfig, Partial, Update, join_finals
from asr.recognition.words import Word, join_words
from asr.recognition.writers import token_fields
from asr.serving.hotwords import usable_hotwords
from asr.serving.live_sessions import LiveSession, LiveSessions, live_sessions
from asr.serving.packets import PacketDecoder
from asr.serving.sockets import BAD_MESSAGE, Ending, Socket

PHRASES, PHRASE_LENGTH = 1000, 200
"""The most phrases of a configuration, and characters of one."""

UNKNOWN_WORD = "[unk]"
"""What Vosk's phrase lists have for words that they do not list."""


@dataclass(frozen=True)
class VoskConfig:
    """What a client of the Vosk protocol has configured.

    ``rate`` is in Hz. ``words`` asks for the times of final words, ``partial_words`` for those of
    partial ones, ``alternatives`` for the form of results that lists several texts, of which this
    server knows one. ``phrases`` are the words of the phrase list, which the search prefers.
    ``endpoint`` is the pause in seconds after which words are final, which Vosk's server fixes.
    ``display`` asks for the readable form of final words, which Vosk's server does not have.
    """

    rate: float
    words: bool = True
    partial_words: bool = False
    alternatives: bool = False
    phrases: tuple[str, ...] = ()
    endpoint: float = LiveConfig().endpoint_seconds
    display: bool = False

    def changed(self, values: object) -> "VoskConfig":
        """Return the configuration after a message; unknown keys are passed over, as Vosk does.

        >>> config = VoskConfig(8000).changed({"sample_rate": "16000", "words": 0})
        >>> config.rate, config.words, config.partial_words
        (16000.0, False, False)

        Raises:
            Ending: a value cannot be used.
        """
        if not isinstance(values, dict):
            raise bad("config", values, "an object")
        phrases = values.get("phrase_list")
        endpoint = _number(values, "endpoint_seconds", self.endpoint)
        try:
            LiveConfig(endpoint_seconds=endpoint)
        except ConfigError as error:
            raise Ending(BAD_MESSAGE, str(error).removeprefix("live.")) from None
        return VoskConfig(
            _number(values, "sample_rate", self.rate),
            bool(values.get("words", self.words)),
            bool(values.get("partial_words", self.partial_words)),
            _number(values, "max_alternatives", self.alternatives) > 0,
            self.phrases if phrases is None else _phrases(phrases),
            endpoint,
            bool(values.get("display", self.display)),
        )

    def decoder(self, target: int) -> PacketDecoder:
        """Return what decodes packets to samples at ``target`` Hz.

        Raises:
            Ending: the rate cannot be used.
        """
        try:
            return PacketDecoder("pcm16", self.rate, target)
        except AudioError as error:
            raise Ending(BAD_MESSAGE, str(error)) from None


async def connect(websocket: WebSocket) -> None:
    """Serve one client."""
    sessions = live_sessions(websocket)

    async def talk(socket: Socket) -> None:
        model = (await sessions.engine.loaded()).model
        await Conversation(socket, sessions, model).run()

    await sessions.serve(websocket, "vosk", talk)


class Conversation:
    """What one client and the server tell each other.

    Every packet of sound gets one answer, since most clients wait for it before they send the next
    packet. The end of the stream and a reset get one answer too, a configuration none.
    """

    def __init__(self, socket: Socket, sessions: LiveSessions, model: ModelInfo) -> None:
        self._socket, self._model = socket, model
        self._config = VoskConfig(sessions.settings.vosk_rate)
        packets = self._config.decoder(model.sample_rate)
        options = {"endpoint_seconds": self._config.endpoint}
        self._session = LiveSession(sessions, packets, options=options)
        self._untold: list[Update] = []

    async def run(self) -> None:
        """Answer messages until the client ends the stream.

        Raises:
            Gone: the client has left.
            Ending: it broke a rule, or the server stops; words that were open have been told.
        """
        try:
            while True:
                for message in joined(await self._socket.receive()):
                    if isinstance(message, Packets):
                        updates = await self._session.hear(message.data)
                        await self._answer(updates, message.count)
                    elif await self._obey(message):
                        return
        except Ending:
            self._untold += await self._session.flush()
            if finals(self._untold):
                await self._answer([], 1)
            raise

    async def _obey(self, text: str) -> bool:
        """Do what a text message says, and return True if it ends the stream."""
        order = parse(text)
        if "config" in order:
            await self._configure(order["config"])
            return False
        if not order.get("eof") and not order.get("reset"):
            raise Ending(BAD_MESSAGE, 'unknown message; needs "config", "eof" or "reset"')
        stretches = finals([*self._untold, *await self._session.flush()])
        self._untold = []
        last = join_finals(stretches) if stretches else NOTHING
        await self._socket.send(dump(result(last, self._config)))
        return bool(order.get("eof"))

    async def _configure(self, values: object) -> None:
        old, self._config = self._config, self._config.changed(values)
        packets = self._config.decoder(self._model.sample_rate)
        words = usable_hotwords(self._config.phrases, self._model.vocabulary)
        self._untold += await self._session.change(
            packets if self._config.rate != old.rate else None,
            words,
            {"endpoint_seconds": self._config.endpoint},
        )

    async def _answer(self, updates: list[Update], count: int) -> None:
        """Send ``count`` answers that tell of ``updates`` and of the words that are open."""
        stretches = finals([*self._untold, *updates])
        self._untold = []
        if len(stretches) > count:  # sound that came all at once
            stretches[count - 1 :] = [join_finals(stretches[count - 1 :])]
        for stretch in stretches:
            await self._socket.send(dump(result(stretch, self._config)))
        for _ in range(count - len(stretches)):
            await self._socket.send(dump(partial(self._session.partial, self._config)))


END_IN_BINARY = (b'{"eof" : 1}', b'{"eof":1}')
"""How some clients say in a packet that the stream ends, which Vosk's server in C++ understands."""


@dataclass(frozen=True)
class Packets:
    """``count`` packets of sound that came one behind the other."""

    data: bytes
    count: int


def joined(messages: Iterable[str | bytes]) -> Iterator[str | Packets]:
    """Yield text messages, and the packets between them as one.

    >>> list(joined([b"ab", b"c", "eof", b"d"]))
    [Packets(data=b'abc', count=2), 'eof', Packets(data=b'd', count=1)]
    """
    messages = [message.decode() if message in END_IN_BINARY else message for message in messages]
    for binary, group in groupby(messages, lambda message: isinstance(message, bytes)):
        if binary:
            packets = list(group)
            yield Packets(b"".join(packets), len(packets))  # type: ignore[arg-type]
        else:
            yield from group  # type: ignore[misc]


NOTHING = Final((), 0.0)
"""What a stream ends with if nothing was said since the last words that were final."""


def finals(updates: Iterable[Update]) -> list[Final]:
    """Return the updates that are final."""
    return [update for update in updates if isinstance(update, Final)]


def parse(text: str) -> dict[str, Any]:
    """Return the object that a text message holds.

    >>> parse('{"eof" : 1}')
    {'eof': 1}

    Raises:
        Ending: it holds none.
    """
    try:
        order = json.loads(text)
    except (ValueError, RecursionError):
        raise Ending(BAD_MESSAGE, "a text message is not JSON") from None
    if not isinstance(order, dict):
        raise bad("a text message", order, "an object")
    return order


def result(final: Final, config: VoskConfig) -> dict[str, Any]:
    """Return the message that tells of final words.

    >>> result(Final((Word("go", 0.25, 0.5, 0.9),), 1.0), VoskConfig(8000))
    {'result': [{'conf': 0.9, 'end': 0.5, 'start': 0.25, 'word': 'go'}], 'text': 'go'}
    >>> result(NOTHING, VoskConfig(8000))
    {'text': ''}
    """
    words = final.words
    text: dict[str, Any] = {"text": final.text}
    if config.display and final.tokens:
        text |= {"display": final.display, "tokens": token_fields(final.tokens)}
    if not config.alternatives:
        times = {"result": timed(words)} if config.words and words else {}
        return times | text
    confidence = fmean([word.confidence for word in words]) if words else 1.0
    times = {"result": timed(words, confidence=False)} if config.words and words else {}
    return {"alternatives": [{"confidence": round(confidence, 6), **times, **text}]}


def partial(words: Partial, config: VoskConfig) -> dict[str, Any]:
    """Return the message that tells of words that may change.

    >>> partial(Partial((Word("go", 0.25, 0.5, 0.9),), stable=0), VoskConfig(8000))
    {'partial': 'go'}
    """
    message: dict[str, Any] = {"partial": join_words(words.words)}
    if config.partial_words and words.words:
        message |= {"partial_result": timed(words.words), "stable": words.stable}
    return message


def timed(words: Iterable[Word], confidence: bool = True) -> list[dict[str, Any]]:
    """Return words with their times in seconds, as Vosk writes them."""
    return [
        ({"conf": round(word.confidence, 6)} if confidence else {})
        | {"end": round(word.end, 6), "start": round(word.start, 6), "word": word.text}
        for word in words
    ]


def dump(message: Mapping[str, Any]) -> str:
    """Return a message with the line breaks and spaces that Vosk writes."""
    return json.dumps(message, indent=2, separators=(",", " : "), ensure_ascii=False)


def bad(name: str, value: object, needed: str) -> Ending:
    """Return the end of a connection for a value that cannot be used.

    >>> bad("sample_rate", "x", "a number").reason
    "sample_rate is 'x', needs a number"
    """
    return Ending(BAD_MESSAGE, f"{name} is {reprlib.repr(value)}, needs {needed}")


def _number(values: Mapping[str, Any], name: str, default: float) -> float:
    """Return a number that may be written as a string, as Vosk's server allows it."""
    value = values.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise bad(name, value, "a number") from None
    if not math.isfinite(number):
        raise bad(name, value, "a number")
    return number


def _phrases(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise bad("phrase_list", values, "a list of strings")
    if len(values) > PHRASES or any(len(value) > PHRASE_LENGTH for value in values):
        needed = f"at most {PHRASES} phrases of {PHRASE_LENGTH} characters"
        raise Ending(BAD_MESSAGE, f"phrase_list needs {needed}")
    words = (word for value in values for word in value.split() if word != UNKNOWN_WORD)
    return tuple(dict.fromkeys(words))


ROUTES = [WebSocketRoute("/", connect)]
