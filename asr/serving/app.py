"""The application: all routes of the server over one engine."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import asr.serving.openai as openai
import asr.serving.page as page
import asr.serving.probes as probes
import asr.serving.realtime as realtime
import asr.serving.vosk as vosk
from asr.recognition.transcriber import Transcriber
from asr.serving.engine import Engine
from asr.serving.errors import ApiError
from asr.serving.live_sessions import LiveSessions
from asr.serving.metrics import Metrics
from asr.serving.models import name_models
from asr.serving.observer import Observer
from asr.serving.security import Security
from asr.serving.settings import Settings
from asr.serving.uploads import Store

ROUTES = [*openai.ROUTES, *page.ROUTES, *probes.ROUTES, *realtime.ROUTES, *vosk.ROUTES]


def make_app(settings: Settings, load: Callable[[], Transcriber] | None = None) -> Starlette:
    """Return the application of a server; its lifespan loads the model, by ``load`` if given.

    Its ``state`` holds ``settings``, ``engine``, ``live``, ``metrics`` and ``store``, which routes
    use.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await app.state.engine.start()
        yield
        app.state.engine.close()

    app = Starlette(routes=ROUTES, lifespan=lifespan)
    # Behind a proxy that speaks TLS, a redirection would send keys and recordings in the clear.
    app.router.redirect_slashes = False
    metrics = Metrics()
    app.state.settings, app.state.metrics = settings, metrics
    load = load or partial(Transcriber, settings.model, threads=settings.workers, **settings.search)
    app.state.engine = Engine(settings, metrics, load)
    app.state.live = LiveSessions(app.state.engine, settings)
    app.state.store = Store(settings)
    app.state.models = name_models(settings, time.time())
    app.add_middleware(Security, settings=settings, metrics=metrics)
    app.add_middleware(Observer, metrics=metrics)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
    return app


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        message = f"there is nothing at {request.method} {request.url.path}"
        return ApiError(404, message, code="unknown_url").response()
    if error.status_code == 405:
        known = " and ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        message = f"{request.url.path} does not know {request.method[:20]}, but {known}"
        return ApiError(405, message, code="wrong_method", headers=error.headers).response()
    return ApiError(error.status_code, str(error.detail), headers=error.headers).response()


async def _fault(_: Request, __: Exception) -> Response:
    message = "the server has a fault, which its log tells more about"
    return ApiError(500, message, code="internal_error").response()
