"""OpenAI's interface: transcriptions of files, and the list of models."""

import asyncio
import json
import re
import reprlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from asr.errors import AsrError, AudioError
from asr.recognition.segments import Segment
from asr.recognition.transcript import Transcript
from asr.recognition.writers import render
from asr.serving.answers import spoken, verbose
from asr.serving.engine import Engine
from asr.serving.errors import ApiError
from asr.serving.hotwords import usable_hotwords
from asr.serving.models import Models
from asr.serving.uploads import Form, Store
from asr.text import Vocabulary

Result = TypeVar("Result")
MAX_HOTWORDS = 100
"""The words of a prompt that count."""


class ResponseFormat(StrEnum):
    """The formats of an answer."""

    json = "json"
    text = "text"
    srt = "srt"
    verbose_json = "verbose_json"
    vtt = "vtt"


class Granularity(StrEnum):
    """What ``verbose_json`` gives times of."""

    word = "word"
    segment = "segment"


@dataclass(frozen=True)
class Wanted:
    """What a form asks for, besides the recording."""

    format: ResponseFormat
    granularities: frozenset[Granularity]
    language: str
    prompt: str
    temperature: float
    stream: bool


async def list_models(request: Request) -> Response:
    """List the model, under its own name and those that clients of OpenAI send."""
    models: Models = request.app.state.models
    return JSONResponse({"object": "list", "data": models.all()})


async def get_model(request: Request) -> Response:
    """Return one model."""
    models: Models = request.app.state.models
    return JSONResponse(models.one(request.path_params["name"]))


async def transcriptions(request: Request) -> Response:
    """Transcribe the file of a form."""
    state = request.app.state
    engine: Engine = state.engine
    store: Store = state.store
    engine.check_room()
    async with AsyncExitStack() as stack:
        with engine.refusable():
            form = await stack.enter_async_context(store.receive(request))
        wanted = read_form(form, state.models)
        assert form.file is not None
        state.metrics.uploaded.inc(form.size)
        vocabulary = (await engine.loaded()).model.vocabulary
        hotwords = read_prompt(wanted.prompt, vocabulary)
        if wanted.stream:
            return _Events(_events(engine, form, hotwords), stack.pop_all())
        transcript = await while_connected(request, _transcribe(engine, form, hotwords))
        request.scope["audio_seconds"] = transcript.duration
    return answer(transcript, wanted)


def read_form(form: Form, models: Models) -> Wanted:
    """Read the fields of a form.

    Raises:
        ApiError: a field is missing, or has a value that it must not have.
    """
    if form.file is None or not form.size:
        raise _invalid("file", "the form needs a field 'file' with a recording in it")
    models.one(form.one("model", models.name))
    format = _choice("response_format", form.one("response_format") or "json", ResponseFormat)
    chosen = [
        *form.fields.get("timestamp_granularities[]", []),
        *form.fields.get("timestamp_granularities", []),
    ]
    granularities = {_choice("timestamp_granularities[]", item, Granularity) for item in chosen}
    if granularities and format is not ResponseFormat.verbose_json:
        raise _invalid(
            "timestamp_granularities[]",
            "timestamp_granularities[] needs response_format verbose_json",
        )
    stream = _flag("stream", form.one("stream"))
    if stream and format not in (ResponseFormat.json, ResponseFormat.text):
        raise _invalid("stream", "stream=true needs response_format json or text")
    return Wanted(
        format=format,
        granularities=frozenset(granularities or {Granularity.segment}),
        language=models.language(form.one("language")),
        prompt=form.one("prompt"),
        temperature=_temperature(form.one("temperature") or "0"),
        stream=stream,
    )


def read_prompt(prompt: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the hot words that a prompt stands for: its words that the model can spell, each once.

    >>> read_prompt("Kai, kai & SIX!", Vocabulary.from_characters(" aikxs"))
    ('kai', 'six')
    """
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", prompt)
    return usable_hotwords((word.replace("’", "'") for word in words), vocabulary)[:MAX_HOTWORDS]


def answer(transcript: Transcript, wanted: Wanted) -> Response:
    """Return a transcript in the format that is wanted."""
    if wanted.format is ResponseFormat.json:
        usage = {"type": "duration", "seconds": transcript.duration}
        return JSONResponse({"text": transcript.display, "usage": usage})
    if wanted.format is ResponseFormat.verbose_json:
        values = verbose(
            transcript,
            wanted.language,
            words=Granularity.word in wanted.granularities,
            segments=Granularity.segment in wanted.granularities,
            temperature=wanted.temperature,
        )
        return JSONResponse(values)
    if wanted.format is ResponseFormat.text:
        return PlainTextResponse(transcript.display + "\n")
    text = render(wanted.format, "recording", transcript)
    media_type = "text/vtt" if wanted.format is ResponseFormat.vtt else "application/x-subrip"
    return PlainTextResponse(text, media_type=media_type)


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of ``work``, which is given up when the client goes.

    Raises:
        ApiError: the client has gone.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.ensure_future(request.receive())  # of the body, nothing is left
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return await working
        raise ApiError(499, "the client has gone", code="client_gone")
    finally:
        working.cancel()
        leaving.cancel()


async def _transcribe(
    engine: Engine, form: Form, hotwords: tuple[str, ...], **options: Any
) -> Transcript:
    assert form.file is not None
    try:
        return await engine.transcribe(form.file, hotwords, **options)
    except AudioError as error:
        raise ApiError(400, str(error), code="invalid_audio", param="file") from error
    except AsrError as error:
        raise ApiError(400, str(error), code="invalid_request") from error


class _Events(StreamingResponse):
    """A response of server-sent events; ``resources`` are closed at its end, however it ends."""

    def __init__(self, events: AsyncIterator[str], resources: AsyncExitStack) -> None:
        headers = {"X-Accel-Buffering": "no"}  # nginx would keep events until there are many
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._resources:
            await super().__call__(scope, receive, send)


async def _events(engine: Engine, form: Form, hotwords: tuple[str, ...]) -> AsyncIterator[str]:
    """Yield the server-sent events of a recording: one for each segment, and the whole text."""
    heard: asyncio.Queue[Segment | None] = asyncio.Queue()
    running = asyncio.create_task(_transcribe(engine, form, hotwords, heard=heard.put_nowait))
    running.add_done_callback(lambda _: heard.put_nowait(None))
    try:
        first = True
        while (segment := await heard.get()) is not None:
            joined = first or segment.words[0].joined
            delta = segment.display if joined else " " + segment.display
            yield _event({"type": "transcript.text.delta", "delta": delta})
            first = False
        transcript = await running
        done = {
            "type": "transcript.text.done",
            "text": transcript.display,
            "segments": spoken(transcript),
        }
        yield _event(done)
    except ApiError as error:
        yield _event(error.body)
    finally:
        running.cancel()


def _event(values: dict[str, Any]) -> str:
    return f"data: {json.dumps(values, ensure_ascii=False)}\n\n"


def _choice(name: str, value: str, kind: Any) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(kind)
        message = f"{name} is {reprlib.repr(value)}, needs one of {known}"
        raise _invalid(name, message) from error


def _flag(name: str, value: str) -> bool:
    match value.lower():
        case "true" | "1":
            return True
        case "false" | "0" | "":
            return False
    raise _invalid(name, f"{name} is {reprlib.repr(value)}, needs true or false")


def _temperature(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        message = f"temperature is {reprlib.repr(value)}, needs a number between 0 and 1"
        raise _invalid("temperature", message)
    return number


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, code="invalid_value", param=param)


ROUTES = [
    Route("/v1/models", list_models),
    Route("/v1/models/{name:path}", get_model),
    Route("/v1/audio/transcriptions", transcriptions, methods=["POST"]),
]
