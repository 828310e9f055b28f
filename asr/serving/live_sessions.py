"""Live sessions of the server: packets of sound in, partial and final words out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from asr.audio.read import Samples
from asr.recognition.live import Final, LiveTranscription, Partial, Update
from asr.serving.engine import Engine
from asr.serving.packets import PacketDecoder
from asr.serving.settings import Settings
from asr.serving.sockets import BROKE_A_LIMIT, FULL, STOPPING, Ending, Socket

PIECE_SECONDS = 5.0
"""The sound after which a session that got much at once lets others compute."""

AHEAD_SECONDS = 2.0
"""A session whose sound came so much faster than it was spoken hears a file, not somebody who
waits for captions. One of such sessions computes at a time."""


class LiveSessions:
    """All live sessions of a server, which share its ``engine`` and keep its ``settings``."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings = engine, settings
        self.catching_up = asyncio.Lock()
        self._open: dict[Socket, asyncio.Task[Any] | None] = {}
        self._stopping = False

    async def serve(
        self, websocket: WebSocket, protocol: str, talk: Callable[[Socket], Awaitable[None]]
    ) -> None:
        """Accept a connection, let ``talk`` use it, and close it.

        An :class:`asr.serving.sockets.Ending` that ``talk`` raises becomes a close code and a
        reason. If the server stops or has too many sessions, ``talk`` is not called. Sessions that
        ended are counted by ``protocol`` and close code.
        """
        await websocket.accept()
        settings, metrics = self.settings, self.engine.metrics
        socket = Socket(websocket, settings.live_idle_seconds, settings.live_seconds)
        try:
            async with socket:
                self._admit(socket)
                await talk(socket)
        finally:
            self._open.pop(socket, None)
            metrics.live.set(len(self._open))
            metrics.live_ended.labels(protocol, str(socket.code)).inc()

    async def stop(self, seconds: float) -> None:
        """End all sessions: each is told the words that are open, and gets the close code 1012.

        Sessions that are not over after ``seconds`` are given up.
        """
        self._stopping = True
        for socket in self._open:
            socket.stop()
        if tasks := [task for task in self._open.values() if task is not None]:
            await asyncio.wait(tasks, timeout=seconds)

    def _admit(self, socket: Socket) -> None:
        """Raise an Ending if there is no room for one more session."""
        if self._stopping:
            raise Ending(STOPPING, "the server stops; connect again")
        if len(self._open) >= self.settings.max_live:
            self.engine.metrics.refused.labels("live").inc()
            raise Ending(FULL, f"{len(self._open)} live sessions are open; try again later")
        self._open[socket] = asyncio.current_task()
        self.engine.metrics.live.set(len(self._open))


def live_sessions(connection: HTTPConnection) -> LiveSessions:
    """Return the live sessions of the application that serves a connection."""
    sessions: LiveSessions = connection.app.state.live
    return sessions


class LiveSession:
    """The recognition of one stream of packets.

    Args:
        sessions: those that it is one of.
        packets: decodes the packets; it may be replaced while the stream goes on.
        hotwords: words and phrases that the search prefers.
        options: those of :class:`asr.recognition.live.LiveConfig`.

    Attributes:
        seconds: those of the sound that came.
        partial: the words since the last final ones.
    """

    def __init__(
        self,
        sessions: LiveSessions,
        packets: PacketDecoder,
        hotwords: Iterable[str] = (),
        options: Mapping[str, float] | None = None,
    ) -> None:
        self._sessions, self._packets = sessions, packets
        self._hotwords, self._options = tuple(hotwords), dict(options or {})
        self._live: LiveTranscription | None = None
        self._before = 0.0  # seconds of the stream before the live transcription began
        self._began = time.monotonic()
        self.seconds = 0.0
        self.partial = Partial(())

    async def hear(self, packet: bytes) -> list[Update]:
        """Take in a packet of any length, and return what is new after it.

        Raises:
            Ending: the session is too long.
        """
        settings = self._sessions.settings
        if self.seconds > settings.live_seconds:
            reason = f"a session may hear {settings.live_seconds:g} s of sound"
            raise Ending(BROKE_A_LIMIT, reason)
        # Silence on the line gives no right to send a file at once later.
        self._began = max(self._began, time.monotonic() - self.seconds)
        self.seconds += len(packet) / self._packets.bytes_per_second
        updates = list[Update]()
        size = 2 * round(PIECE_SECONDS * self._packets.rate)
        for begin in range(0, len(packet), size):
            live = await self._hear(self._packets.decode(packet[begin : begin + size]))
            if live.is_due:
                updates += await self._compute(live.step)
        return updates

    async def flush(self) -> list[Update]:
        """Make all that was heard final now, and return it; the stream may go on."""
        rest = self._packets.end()
        if self._live is None:
            return []
        live = await self._hear(rest)
        return await self._compute(live.flush)

    async def change(
        self,
        packets: PacketDecoder | None = None,
        hotwords: Iterable[str] = (),
        options: Mapping[str, float] | None = None,
    ) -> list[Update]:
        """Go on with other hot words and options, and return what became final by that.

        Other ``packets``, if they are given, make nothing final.
        """
        updates = list[Update]()
        new = tuple(hotwords), dict(options or {})
        if self._live and new != (self._hotwords, self._options):
            updates = await self.flush()
            self._before += self._live.duration
            self._live = None
        elif self._live and packets is not None:
            await self._hear(self._packets.end())
        self._packets = packets or self._packets
        self._hotwords, self._options = new
        return updates

    async def _hear(self, samples: Samples) -> LiveTranscription:
        if self._live is None:
            transcriber = await self._sessions.engine.variant(self._hotwords)
            self._live = transcriber.live(**self._options)
        before = self._live.duration
        self._live.hear(samples)
        self._sessions.engine.metrics.live_audio.inc(self._live.duration - before)
        return self._live

    async def _compute(self, step: Callable[[], list[Update]]) -> list[Update]:
        engine, began = self._sessions.engine, time.monotonic()
        if self.seconds > time.monotonic() - self._began + AHEAD_SECONDS:
            async with self._sessions.catching_up:
                updates = await engine.live_step(step)
        else:
            updates = await engine.live_step(step)
        engine.metrics.live_step.observe(time.monotonic() - began)
        updates = [shifted(update, self._before) for update in updates]
        for update in updates:
            self.partial = update if isinstance(update, Partial) else Partial(())
        return updates


def shifted(update: Update, seconds: float) -> Update:
    """Return an update whose times are later by ``seconds``.

    >>> from asr.recognition.words import Word
    >>> shifted(Final((Word("go", 0.5, 0.75, 0.9),), 1.0), 2.0).words[0].end
    2.75
    """
    if not seconds:
        return update
    words = tuple(
        replace(word, start=word.start + seconds, end=word.end + seconds) for word in update.words
    )
    if isinstance(update, Final):
        return replace(update, words=words, end=update.end + seconds)
    return replace(update, words=words)
