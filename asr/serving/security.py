"""Who may use the server: keys, names of the host, origins of pages, and headers for browsers."""

import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asr.serving.errors import ApiError
from asr.serving.metrics import Metrics
from asr.serving.settings import Settings, digest

OPEN_PATHS = ("/", "/health")
"""What needs no key over HTTP: the page, which asks for the key, and the health of the server."""
OPEN_FOLDER = "/page/"
"""The files of the page."""
KEY_PROTOCOL = "openai-insecure-api-key."
"""The beginning of a WebSocket subprotocol whose rest is a key: pages cannot send headers."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
}


class Security:
    """An ASGI middleware that refuses requests and WebSockets of those who may not use the server.

    A browser tells the name that it knows the server by (``Host``) and the page that asks
    (``Origin``). Names that lead here without the owner's doing (DNS rebinding) are refused, and so
    are pages of others.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
        except ApiError as error:
            await self._refuse(error, scope, receive, send)
            return
        origin = headers.get("origin")

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("cache-control", "no-store")
                if origin in self._settings.origins:
                    allow(answer, str(origin))
            elif message["type"] == "websocket.accept" and not message.get("subprotocol"):
                # A browser that offers protocols hangs up unless one of them is chosen.
                message["subprotocol"] = _choose(scope.get("subprotocols", ()))
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS" and origin is not None:
            await Response(status_code=204)(scope, receive, secured)
            return
        await self._app(scope, receive, secured)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if len(headers.getlist("host")) != 1 or not self._is_ours(headers["host"]):
            raise ApiError(
                421,
                "the server is not known by this name; name it with --allow-host",
                code="unknown_host",
            )
        origin = headers.get("origin")
        if origin is not None and not self._may_ask(origin, headers["host"]):
            raise ApiError(
                403,
                "pages of this origin may not use the server; name it with --allow-origin",
                code="unknown_origin",
            )
        preflight = scope["type"] == "http" and scope["method"] == "OPTIONS"
        if self._settings.keys and not preflight and not _is_open(scope):
            keys = [*_keys(headers, scope.get("subprotocols", ()))]
            if not keys:
                raise ApiError(
                    401,
                    "this server needs a key: Authorization: Bearer KEY",
                    code="missing_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            if not any(map(self._is_known, keys)):
                raise ApiError(
                    401,
                    "Incorrect API key provided.",
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )

    def _is_ours(self, host: str) -> bool:
        """Return True if a client may call the server so: by an address, as localhost, or by a name
        that the owner has given. An address cannot be rebound."""
        try:
            name = urlsplit(f"//{host}").hostname if _is_plain(host) else None
        except ValueError:  # half an IPv6 address
            name = None
        if name is None:
            return False
        if name == "localhost" or name in (self._settings.host, *self._settings.hosts):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _may_ask(self, origin: str, host: str) -> bool:
        if origin in self._settings.origins:
            return True
        scheme, _, rest = origin.partition("://")
        return scheme in ("http", "https") and rest.lower() == host.lower()

    def _is_known(self, key: str) -> bool:
        """Compare a key with all that are known, in a time that tells nothing about them."""
        given = digest(key)
        equal = [hmac.compare_digest(given, known) for known in self._settings.keys]
        return any(equal)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused.labels(error.code).inc()
        if scope["type"] == "http":
            await error.response()(scope, receive, send)
            return
        await receive()  # websocket.connect
        if "websocket.http.response" in scope.get("extensions", {}):
            response = error.response()
            await send(
                {
                    "type": "websocket.http.response.start",
                    "status": error.status,
                    "headers": response.raw_headers,
                }
            )
            await send({"type": "websocket.http.response.body", "body": response.body})
        else:
            await send({"type": "websocket.close", "code": 1008})


def allow(answer: MutableHeaders, origin: str) -> None:
    """Allow pages of ``origin`` to read an answer."""
    answer["access-control-allow-origin"] = origin
    answer["access-control-allow-headers"] = "authorization, content-type"
    answer["access-control-allow-methods"] = "GET, POST"
    answer["cross-origin-resource-policy"] = "cross-origin"
    answer.add_vary_header("Origin")


def _is_open(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    path: str = scope["path"]
    return path in OPEN_PATHS or (path.startswith(OPEN_FOLDER) and ".." not in path)


def _keys(headers: Headers, protocols: Iterable[str]) -> Iterable[str]:
    """Yield the keys that a client gives, in a header or as a subprotocol."""
    kind, _, key = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and key.strip():
        yield key.strip()
    for protocol in protocols:
        if protocol.startswith(KEY_PROTOCOL):
            yield protocol.removeprefix(KEY_PROTOCOL)


def _choose(protocols: Iterable[str]) -> str | None:
    offered = [*protocols]
    plain = [item for item in offered if not item.startswith(KEY_PROTOCOL)]
    return next(iter([*plain, *offered]), None)


def _is_plain(host: str) -> bool:
    """Return True if a header holds a host and perhaps a port, and nothing else."""
    return bool(host) and not set(host) & set("/\\@?# \t") and host.isascii()
