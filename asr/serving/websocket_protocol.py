"""The WebSocket side of connections, with a limit that uvicorn does not keep."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CLOSE_SECONDS = 10.0
"""The time that a client has to read what was sent to it before the end."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that a client cannot keep open by not reading."""

    async def run_asgi(self) -> None:
        """Serve the connection; some time after that, it is cut off if it is still there."""
        await super().run_asgi()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
