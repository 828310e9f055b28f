"""What is noted of each request: a line in the log and a count, without what was said."""

import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asr.serving.logs import log
from asr.serving.metrics import Metrics

ROUTES = ("/v1/audio/transcriptions", "/v1/realtime", "/v1/models", "/health", "/metrics", "/page")
"""The beginnings of paths by which requests are counted."""
QUIET = ("/health", "/metrics", "/page")
"""Requests that the log leaves out unless they fail."""


class Observer:
    """An ASGI middleware that measures requests, gives each an id, and logs it.

    The path, the status and sizes are logged; the query, headers, forms and texts are not.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and note what becomes of it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status, received = 0, 0
        request_id = uuid.uuid4().hex
        scope["request_id"] = request_id

        async def observed_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(
                message.get("body") or message.get("bytes") or message.get("text") or b""
            )
            return message

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close":  # before it was accepted, if without status
                status = status or 403
            await send(message)

        try:
            await self._app(scope, observed_receive, observed_send)
        except BaseException as error:
            status = status or 500
            if isinstance(error, Exception):
                log("error", "failed", id=request_id, **_place(error))
            raise
        finally:
            seconds = time.monotonic() - began
            kind = scope["type"]
            route = next((r for r in ROUTES if scope["path"].startswith(r)), "other")
            route = "/" if scope["path"] == "/" else route
            route = f"websocket {route}" if kind == "websocket" else route
            self._metrics.requests.labels(route, str(status)).inc()
            if kind == "http":
                self._metrics.latency.labels(route).observe(seconds)
            if status >= 400 or not route.startswith(QUIET):
                log(
                    "info",
                    kind,
                    id=request_id,
                    method=scope.get("method"),
                    route=route,
                    status=status,
                    seconds=round(seconds, 4),
                    received=received,
                    audio_seconds=scope.get("audio_seconds"),
                )


def _place(error: Exception) -> dict[str, str]:
    """Return the kind of an error and where it was raised: its message might hold what was said."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    return {"kind": type(error).__name__, "place": place}
