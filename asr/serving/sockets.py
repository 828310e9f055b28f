"""WebSockets whose clients may be slow, silent, hasty or gone."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from starlette.websockets import WebSocket, WebSocketDisconnect

READ_AHEAD = 1 << 18
"""The bytes of waiting messages beyond which no more are read: the client has to wait."""

MESSAGE_BYTES = 64
"""What a message counts for beside its content, so that small ones are few as well."""

SEND_SECONDS = 20.0
"""The time that a client has to read what was sent to it."""

BAD_MESSAGE, BROKE_A_LIMIT, FAILED, STOPPING, FULL = 1007, 1008, 1011, 1012, 1013
"""The close codes that are used (RFC 6455, section 7.4, and the registry of IANA)."""


class Ending(Exception):
    """A reason for the server to end a connection: a close code and a sentence for the client."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Gone(Exception):
    """The client has ended the connection, or lost it."""


class Socket:
    """A WebSocket that was accepted, as an asynchronous context manager that closes it.

    Messages are read ahead, :data:`READ_AHEAD` bytes at most, so that those that came during a
    computation are known at once. Beyond that nothing is read, and the network holds the client
    back. An :class:`Ending` that leaves the context is told to the client; a :class:`Gone` ends
    there.

    Args:
        websocket: the connection, accepted.
        idle_seconds: the longest time between two messages of the client.
        longest_seconds: the longest time that the connection may last.
    """

    def __init__(self, websocket: WebSocket, idle_seconds: float, longest_seconds: float) -> None:
        self._websocket, self._idle_seconds = websocket, idle_seconds
        self._longest_seconds = longest_seconds
        self._end = asyncio.get_running_loop().time() + longest_seconds
        self._inbox: list[str | bytes] = []
        self._waiting = 0
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._stopping = self._gone = False
        self._deaf: Ending | None = None
        self.code = 1000
        """The close code with which the connection ended; 1001 if the client left."""

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        error = self._deaf or error
        if isinstance(error, Gone) or self._gone:
            self.code = 1001
            return isinstance(error, Gone | Ending)
        reason = ""
        if isinstance(error, Ending):
            self.code, reason = error.code, error.reason
        elif error is not None:
            self.code, reason = FAILED, "the server failed"
        # A client that does not read cannot be told why; the server ends the connection then.
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(1.0):
                await self._websocket.close(self.code, short(reason))
        return error is None or isinstance(error, Ending)

    async def receive(self) -> list[str | bytes]:
        """Wait for messages, and return all that have come.

        Raises:
            Gone: the client has left; what it sent last is of no use to anybody.
            Ending: it sent nothing for long, the connection lasts too long, or the server stops.
        """
        rest = self._end - asyncio.get_running_loop().time()
        if rest <= 0:
            raise Ending(BROKE_A_LIMIT, f"a connection lasts at most {self._longest_seconds:g} s")
        try:
            async with asyncio.timeout(min(rest, self._idle_seconds)):
                while not self._inbox and not self._gone and not self._stopping:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            if rest < self._idle_seconds:
                return await self.receive()
            reason = f"no message came for {self._idle_seconds:g} s"
            raise Ending(BROKE_A_LIMIT, reason) from None
        if self._gone:
            raise Gone
        if not self._inbox:
            raise Ending(STOPPING, "the server stops; connect again")
        messages, self._inbox, self._waiting = self._inbox, [], 0
        self._room.set()
        return messages

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            Gone: the client has left.
            Ending: it does not read what is sent to it.
        """
        if self._gone or self._deaf:
            raise Gone
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._websocket.send_text(text)
                await asyncio.sleep(0)  # of tiny packets, thousands may be answered in a row
        except TimeoutError:
            reason = f"answers were not read for {SEND_SECONDS:g} s"
            self._deaf = Ending(BROKE_A_LIMIT, reason)
            raise self._deaf from None
        except (WebSocketDisconnect, RuntimeError):  # the latter: closed by the protocol itself
            raise Gone from None

    def stop(self) -> None:
        """Read no more: once the messages that have come are taken, :meth:`receive` ends."""
        self._stopping = True
        self._reader.cancel()
        self._news.set()

    async def _read(self) -> None:
        while True:
            try:
                message = await self._websocket.receive()
            except RuntimeError:  # the server itself has closed the connection
                message = {"type": "websocket.disconnect"}
            if message["type"] == "websocket.disconnect":
                self._gone = True
                self._news.set()
                return
            content = message.get("text")
            content = message["bytes"] if content is None else content
            self._inbox.append(content)
            self._waiting += len(content) + MESSAGE_BYTES
            self._news.set()
            while self._waiting > READ_AHEAD:
                self._room.clear()
                await self._room.wait()


def short(reason: str) -> str:
    """Return a reason that fits into a close frame, which has 123 bytes for it.

    >>> len(short("é" * 100).encode())
    123
    """
    encoded = reason.encode(errors="replace")
    if len(encoded) <= 123:
        return encoded.decode()
    return encoded[:120].decode(errors="ignore") + "…"
