"""OpenAI's realtime transcription sessions: ``/v1/realtime?intent=transcription``.

A client appends sound to a buffer. A stretch of it becomes an item: at a pause that the server
finds, or when the client commits it. While the item grows, *deltas* tell the words that have not
changed for some time; when it is complete, ``completed`` tells its whole text, in its readable form
if the model has a tagger.
"""

import base64
import binascii
import json
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from asr.model.directory import ModelInfo
from asr.recognition.live import Final, Update
from asr.recognition.words import Word, join_words
from asr.serving.errors import ApiError
from asr.serving.hotwords import usable_hotwords
from asr.serving.live_sessions import LiveSession, LiveSessions, live_sessions
from asr.serving.models import Models
from asr.serving.openai import read_prompt
from asr.serving.realtime_session import EventError, RealtimeConfig
from asr.serving.sockets import BROKE_A_LIMIT, Ending, Socket

REALTIME_ALIASES = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""Names that clients of OpenAI send for models of realtime sessions alone."""

LEAST_SECONDS = 0.1
"""The least sound that can be committed."""


async def connect(websocket: WebSocket) -> None:
    """Serve one client."""
    sessions = live_sessions(websocket)

    async def talk(socket: Socket) -> None:
        model = (await sessions.engine.loaded()).model
        conversation = Conversation(socket, sessions, model, websocket.app.state.models)
        if websocket.query_params.get("intent") != "transcription":
            message = "only transcription sessions are served: /v1/realtime?intent=transcription"
            await conversation.fail(EventError(message, "invalid_intent", "intent"))
            raise Ending(BROKE_A_LIMIT, message)
        await conversation.run()

    await sessions.serve(websocket, "realtime", talk)


class Item:
    """A stretch of the stream that becomes one item of the conversation.

    ``words`` are those that are final, ``shown`` their readable form, and ``told`` is the text that
    deltas have told.
    """

    def __init__(self) -> None:
        self.id = new_id("item")
        self.words: tuple[Word, ...] = ()
        self.shown: tuple[Word, ...] = ()
        self.told = ""

    def add(self, final: Final) -> None:
        """Append words that are final."""
        self.words += final.words
        self.shown += final.shown


class Conversation:
    """What one client and the server tell each other."""

    def __init__(
        self, socket: Socket, sessions: LiveSessions, model: ModelInfo, models: Models
    ) -> None:
        self._socket, self._model, self._models = socket, model, models
        self._config = RealtimeConfig(models.name, models.spoken)
        packets = self._config.decoder(model.sample_rate)
        self._session = LiveSession(sessions, packets, options=self._config.options)
        self._id = new_id("sess")
        self._expires = round(time.time() + sessions.settings.live_seconds)
        self._item: Item | None = None
        self._previous: str | None = None
        self._begin = 0.0  # the seconds of the stream that belong to earlier items

    async def run(self) -> None:
        """Answer events until the client leaves.

        Raises:
            Gone: the client has left.
            Ending: it broke a rule, or the server stops; words that were open have been told.
        """
        await self._send("session.created", session=self._config.described(self._id, self._expires))
        try:
            while True:
                for message in await self._socket.receive():
                    await self._take(message)
        except Ending:
            await self._hear(await self._session.flush())
            if self._item is not None:
                await self._complete(self._item)
            raise

    async def fail(self, error: EventError, event_id: str | None = None) -> None:
        """Tell the client of a fault in one of its events."""
        fields = {
            "type": "invalid_request_error",
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "event_id": event_id,
        }
        await self._send("error", error=fields)

    async def _take(self, message: str | bytes) -> None:
        event: Mapping[str, Any] = {}
        try:
            event = parse(message)
            match event.get("type"):
                case "input_audio_buffer.append":
                    await self._append(event.get("audio"))
                case "input_audio_buffer.commit":
                    await self._commit()
                case "input_audio_buffer.clear":
                    await self._session.flush()
                    self._item, self._begin = None, self._session.seconds
                    await self._send("input_audio_buffer.cleared")
                case "session.update":
                    await self._update(event.get("session"))
                case other:
                    name = other[:100] if isinstance(other, str) else None
                    message = f"transcription sessions know no event of the type {name!r}"
                    raise EventError(message, param="type")
        except EventError as error:
            id = event.get("event_id")
            await self.fail(error, id[:512] if isinstance(id, str) else None)

    async def _append(self, audio: object) -> None:
        if not isinstance(audio, str):
            raise EventError("needs a string in base64", "invalid_type", "audio")
        try:
            packet = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            raise EventError("is not valid base64", param="audio") from None
        await self._hear(await self._session.hear(packet))

    async def _update(self, session: object) -> None:
        config = self._config.changed(session)
        self._check(config)
        packets = None
        if (config.format, config.rate) != (self._config.format, self._config.rate):
            packets = config.decoder(self._model.sample_rate)
        vocabulary = self._model.vocabulary
        words = read_prompt(config.prompt, vocabulary)
        hotwords = usable_hotwords((*config.keywords, *words), vocabulary)
        await self._hear(await self._session.change(packets, hotwords, config.options))
        self._config = config
        await self._send("session.updated", session=config.described(self._id, self._expires))

    def _check(self, config: RealtimeConfig) -> None:
        """Raise an EventError if the model has not the name or the language of a configuration."""
        try:
            if config.model not in REALTIME_ALIASES:
                self._models.one(config.model)
            self._models.language(config.language or "")
        except ApiError as error:
            path = f"session.audio.input.transcription.{error.param}"
            raise EventError(error.message, error.code or "invalid_value", path) from None

    async def _commit(self) -> None:
        heard = self._session.seconds - self._begin
        if heard < LEAST_SECONDS:
            message = (
                f"the buffer is too small: needs at least {1000 * LEAST_SECONDS:.0f} ms of sound, "
                f"has {1000 * heard:.0f} ms"
            )
            raise EventError(message, "input_audio_buffer_commit_empty")
        updates = await self._session.flush()
        item = self._item or Item()
        for update in updates:
            if isinstance(update, Final):
                item.add(update)
        await self._complete(item)

    async def _hear(self, updates: list[Update]) -> None:
        """Tell what is new, and complete the item where the server is to find pauses."""
        finds_pauses = self._config.silence is not None
        for update in updates:
            if not update.words:
                continue
            if self._item is None:
                self._item = Item()
                if finds_pauses:
                    start = max(self._begin, update.words[0].start - self._config.padding)
                    await self._send(
                        "input_audio_buffer.speech_started",
                        item_id=self._item.id,
                        audio_start_ms=round(1000 * start),
                    )
            item = self._item
            if not isinstance(update, Final):
                await self._tell(item, (*item.words, *update.words[: update.stable]))
                continue
            item.add(update)
            if not finds_pauses:
                await self._tell(item, item.words)
                continue
            await self._send(
                "input_audio_buffer.speech_stopped",
                item_id=item.id,
                audio_end_ms=round(1000 * update.end),
            )
            await self._complete(item, update.end)

    async def _tell(self, item: Item, words: tuple[Word, ...]) -> None:
        """Send what ``words`` add to the text that was told.

        Deltas cannot be taken back: where words changed after all, only the whole text is told.
        """
        text = join_words(words)
        if text.startswith(item.told) and text != item.told:
            delta, item.told = text.removeprefix(item.told), text
            await self._send_of(item, "delta", delta=delta)

    async def _complete(self, item: Item, end: float | None = None) -> None:
        """Send the events of an item that is complete; it ends at ``end`` seconds, or now."""
        end = self._session.seconds if end is None else end
        previous, self._previous, self._item = self._previous, item.id, None
        message = {
            "id": item.id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        await self._send("input_audio_buffer.committed", item_id=item.id, previous_item_id=previous)
        for event in ("conversation.item.added", "conversation.item.done"):
            await self._send(event, item=message, previous_item_id=previous)
        await self._tell(item, item.words)
        seconds, self._begin = end - self._begin, end
        usage = {"type": "duration", "seconds": round(max(0.0, seconds), 3)}
        logprobs = {"logprobs": log_probs(item.words)} if self._config.logprobs else {}
        text = join_words(item.shown)
        await self._send_of(item, "completed", transcript=text, usage=usage, **logprobs)

    async def _send_of(self, item: Item, event: str, **fields: Any) -> None:
        name = f"conversation.item.input_audio_transcription.{event}"
        await self._send(name, item_id=item.id, content_index=0, **fields)

    async def _send(self, event: str, **fields: Any) -> None:
        message = {"type": event, "event_id": new_id("event"), **fields}
        await self._socket.send(json.dumps(message))


def new_id(kind: str) -> str:
    """Return a name that nothing else has.

    >>> len(new_id("item"))
    26
    """
    return f"{kind}_{uuid.uuid4().hex[:21]}"


def parse(message: str | bytes) -> Mapping[str, Any]:
    """Return the event that a message holds.

    Raises:
        EventError: it holds none.
    """
    if isinstance(message, bytes):
        raise EventError("events are text messages; sound is a part of them", "invalid_message")
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        raise EventError("the message is not JSON", "invalid_json") from None
    if not isinstance(event, dict):
        raise EventError("an event is an object", "invalid_json")
    return event


def log_probs(words: tuple[Word, ...]) -> list[dict[str, Any]]:
    """Return words with the logarithms of their confidences, as OpenAI's clients expect tokens.

    >>> log_probs((Word("go", 0.0, 0.1, 1.0),))
    [{'token': 'go', 'logprob': 0.0, 'bytes': [103, 111]}]
    """
    tokens = []
    for index, word in enumerate(words):
        token = word.text if word.joined or not index else f" {word.text}"
        probability = round(math.log(max(word.confidence, 1e-10)), 6)
        tokens.append({"token": token, "logprob": probability, "bytes": list(token.encode())})
    return tokens


ROUTES = [WebSocketRoute("/v1/realtime", connect)]
