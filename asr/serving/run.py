"""Running the server: its socket, its signals, and the limits of its connections."""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from asr.errors import ConfigError
from asr.recognition.transcriber import Transcriber
from asr.serving.app import make_app
from asr.serving.engine import Engine
from asr.serving.fair_reading import FairReading
from asr.serving.live_sessions import LiveSessions
from asr.serving.logs import take_over
from asr.serving.settings import Settings
from asr.serving.websocket_protocol import WebSocketProtocol

MAX_HEAD = 16 << 10
"""The most bytes of the head of a request."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


def serve(settings: Settings, load: Callable[[], Transcriber]) -> None:
    """Run the server until it is told to stop by SIGTERM or SIGINT; ``load`` returns its model.

    Raises:
        ConfigError: the address cannot be used.
        AsrError: the model cannot be loaded.
    """
    take_over()
    with _listen(settings.host, settings.port) as listener:
        app = make_app(settings, load)
        engine = app.state.engine
        config = uvicorn.Config(
            app,
            http=_protocol(settings),
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=round(settings.idle_seconds),
            timeout_graceful_shutdown=round(settings.stop_seconds),
            h11_max_incomplete_event_size=MAX_HEAD,
            ws=WebSocketProtocol,
            ws_max_size=settings.max_message,
            ws_per_message_deflate=False,  # sound does not get shorter, and captions are short
        )
        server = _Server(config, engine, app.state.live)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}", file=sys.stderr, flush=True)
        asyncio.run(server.run_until_stopped(listener))


class _Server(uvicorn.Server):
    """A server that ends with status 0 when a signal has stopped it."""

    def __init__(self, config: uvicorn.Config, engine: Engine, live: LiveSessions) -> None:
        super().__init__(config)
        self._engine, self._live = engine, live

    async def run_until_stopped(self, listener: socket.socket) -> None:
        """Serve until a signal comes, or the model cannot be loaded."""
        serving = asyncio.create_task(self.serve([listener]))
        while not self.started and not serving.done():
            await asyncio.sleep(0.01)
        try:
            await self._engine.loaded()
        except Exception:
            self.should_exit = True
            await serving
            raise
        await serving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell live sessions their last words, then end all connections."""
        for listening in self.servers:
            listening.close()
        stopping = asyncio.create_task(self._live.stop(self.config.timeout_graceful_shutdown or 0))
        while not stopping.done() and not self.force_exit:
            await asyncio.wait([stopping], timeout=0.1)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal; at the second, do not wait for what still runs."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._engine.stop()


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    """Return the protocol of a connection, with limits that uvicorn does not keep."""

    class Protocol(FairReading, H11Protocol):
        """HTTP/1.1 over connections whose number, and the time of whose heads, are limited."""

        _head: asyncio.TimerHandle | None = None
        _is_deaf = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            if len(self.connections) > settings.max_connections:
                self.transport.write(_FULL)
                self.transport.close()
                return
            self._await_head()

        def data_received(self, data: bytes) -> None:
            if self._is_deaf:
                return
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._head_came()
            elif self._head is None:
                self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            super().connection_lost(exc)

        def handle_events(self) -> None:
            super().handle_events()
            if self.cycle is not None:
                self.cycle.transport = _UntilRead(self.transport, self._hang_up)

        def _hang_up(self) -> None:
            """End a connection; a client that is still sending gets the time to read the answer."""
            if self.conn.their_state is h11.SEND_BODY:
                self._is_deaf = True
                self.transport.write_eof()
            else:
                self.transport.close()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is h11.SEND_BODY:  # an upload that was refused, and goes on
                self.loop.call_later(settings.header_seconds, self._cut_off, self.cycle)

        def _cut_off(self, cycle: object) -> None:
            if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
                self.transport.abort()

        def _await_head(self) -> None:
            self._head = self.loop.call_later(settings.header_seconds, self._too_slow)

        def _head_came(self) -> None:
            if self._head is not None:
                self._head.cancel()
                self._head = None

        def _too_slow(self) -> None:
            self.transport.abort()

    return Protocol


class _UntilRead(asyncio.Transport):
    """What a response is written to, by a server that hangs up after it: by ``hang_up``.

    Where a connection is closed while something comes, its other end forgets what it has not read
    yet. Proxies, which send a whole upload before they read, would tell nobody why it was refused.
    """

    def __init__(self, transport: asyncio.Transport, hang_up: Callable[[], None]) -> None:
        super().__init__()
        self._transport, self._hang_up = transport, hang_up

    def write(self, data: Any) -> None:
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._hang_up()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 stands for any free one."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        family = socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} of {host} is in use by another program; choose one with --port"
            ) from error
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot listen at {host}, port {port} ({reason})") from error
    return listener
