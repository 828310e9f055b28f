"""The WebSocket side of connections, with limits that uvicorn does not keep."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from asr.serving.fair_reading import FairReading

CLOSE_SECONDS = 10.0
"""The time that a client has to read what was sent to it before the end."""


class WebSocketProtocol(FairReading, WebSocketsSansIOProtocol):
    """A WebSocket that a client can neither keep open nor fill the memory with by not reading."""

    def handle_ping(self) -> None:
        """Answer a ping, unless earlier answers have not been read: they would fill the memory."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    async def send(self, message: Any) -> None:
        """Send a message; a refusal is an answer to the handshake, too."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # else the log would tell of an error

    async def run_asgi(self) -> None:
        """Serve the connection; some time after that, it is cut off if it is still there."""
        await super().run_asgi()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
