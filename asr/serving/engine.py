"""The engine of the server: one loaded model, and who may use it when.

Short recordings that wait are recognised in one batch. Long ones are recognised window by window,
in whose pauses short ones get their turn. Live sessions come before both.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event
from typing import BinaryIO, TypeVar

from asr.audio.read import Samples
from asr.decoding.bundle import DEFAULT_BOOST
from asr.recognition.batches import SHORT_SECONDS
from asr.recognition.recordings import Recording, ShortRecording, long_recording, take_blocks
from asr.recognition.segments import Segment
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.serving.decoders import Decoders
from asr.serving.errors import ApiError, busy
from asr.serving.metrics import Metrics
from asr.serving.settings import Settings
from asr.serving.shared_session import SharedSession
from asr.serving.short_queue import ShortQueue
from asr.serving.slots import Slots

Result = TypeVar("Result")
MAX_VARIANTS = 32
"""Sets of hot words whose searches are kept."""
SPARE_READERS = 2
"""Files that are decoded at once, besides one on each core: some may keep their decoders long."""


class Engine:
    """A model that many clients use.

    Args:
        settings: those of the server.
        metrics: where it counts what it does.
        load: loads the transcriber, in a thread.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, load: Callable[[], Transcriber]
    ) -> None:
        self.settings, self.metrics = settings, metrics
        self._load = load
        self._loading: asyncio.Task[Transcriber] | None = None
        self._stopping = asyncio.Event()
        self._tasks = set[asyncio.Task[object]]()  # those that may be refused when it stops
        self._active = 0
        self._variants = OrderedDict[tuple[str, ...], Transcriber]()

    async def start(self) -> None:
        """Begin to load the model."""

        async def load() -> Transcriber:
            transcriber = await asyncio.to_thread(self._load)
            # A tagger that cannot be used is said now, not with the first request.
            await asyncio.to_thread(lambda: transcriber.tagger)
            at_once = transcriber.session.at_once
            self.slots = Slots(at_once)
            self._short = ShortQueue(self.slots, self.settings.batch_size, self.metrics)
            self._long_pool = ThreadPoolExecutor(self.settings.max_long, "long")
            self._live_pool = ThreadPoolExecutor(at_once, "live")
            readers = at_once + SPARE_READERS
            self._read_pool = ThreadPoolExecutor(readers, "read")
            died = self.metrics.decoders_died.inc
            settings = self.settings
            self._decoders = Decoders(settings, readers, settings.read_seconds, died)
            self._long_decoders = Decoders(
                settings, settings.max_long, settings.decode_seconds, died
            )
            self._read_pool.submit(self._decoders.warm)
            self._long_session = SharedSession(transcriber.session, self.slots.long)
            return transcriber

        self._loading = asyncio.create_task(load())

    @property
    def is_ready(self) -> bool:
        """True if the model is loaded and requests are taken."""
        task = self._loading
        loaded = task is not None and task.done() and task.exception() is None
        return loaded and not self._stopping.is_set()

    @property
    def is_stopping(self) -> bool:
        """True once the server has been told to stop."""
        return self._stopping.is_set()

    async def loaded(self) -> Transcriber:
        """Return the transcriber, once it is loaded.

        Raises:
            AsrError: it cannot be loaded.
        """
        assert self._loading is not None, "the engine was not started"
        return await asyncio.shield(self._loading)

    def stop(self) -> None:
        """Refuse what waits, and everything that comes from now on."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()

    def close(self) -> None:
        """End the threads."""
        self.stop()
        if self._loading is not None and self._loading.done() and not self._loading.exception():
            self._short.close()
            for pool in (self._long_pool, self._live_pool, self._read_pool):
                pool.shutdown(wait=False, cancel_futures=True)
            self._decoders.close()
            self._long_decoders.close()

    @contextmanager
    def refusable(self) -> Iterator[Callable[[], None]]:
        """Refuse what the current task does in this block if the server stops meanwhile, unless
        the function that the block gets has been called.

        Raises:
            ApiError: it stops.
        """
        if self._stopping.is_set():
            raise self._refusal()
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield lambda: self._tasks.discard(task)
        except asyncio.CancelledError:
            if self._stopping.is_set():
                task.uncancel()
                raise self._refusal() from None
            raise
        finally:
            self._tasks.discard(task)

    def check_room(self) -> None:
        """Raise an ApiError if no more recordings are taken at present."""
        if self._stopping.is_set():
            raise self._refusal()
        if self._active >= self.settings.max_queue:
            self.metrics.refused.labels("queue").inc()
            waited = self._short.last_wait if self.is_ready else 1.0
            seconds = min(60, max(1, math.ceil(waited)))
            raise busy("too many recordings wait; try again later", seconds)

    async def transcribe(
        self,
        file: BinaryIO,
        hotwords: tuple[str, ...] = (),
        heard: Callable[[Segment], None] = lambda segment: None,
    ) -> Transcript:
        """Transcribe the recording in ``file``.

        Args:
            hotwords: words that the search prefers, as beam search does with ``--hotword``.
            heard: is called with each segment as soon as it is complete.

        Raises:
            ApiError: there is no room, or the server stops.
            AudioError: the file is not usable as audio.
        """
        self.check_room()
        self._active += 1
        self.metrics.queue.set(self._active)
        began = time.monotonic()
        try:
            with self.refusable():
                transcriber = await self.variant(hotwords)
            transcript = await self._transcribe(file, transcriber, heard)
        finally:
            self._active -= 1
            self.metrics.queue.set(self._active)
        self.metrics.audio.inc(transcript.duration)
        if transcript.duration:
            factor = (time.monotonic() - began) / transcript.duration
            self.metrics.real_time_factor.observe(factor)
        return transcript

    async def live_step(self, step: Callable[[], Result]) -> Result:
        """Run a live computation in a thread, before all others, and return its result."""
        await self.loaded()

        def run() -> Result:
            with self.slots.live():
                return step()

        return await asyncio.get_running_loop().run_in_executor(self._live_pool, run)

    async def _transcribe(
        self, file: BinaryIO, transcriber: Transcriber, heard: Callable[[Segment], None]
    ) -> Transcript:
        loop = asyncio.get_running_loop()
        given_up = Event()

        def read() -> Recording:
            rate, warnings = transcriber.model.sample_rate, list[str]()

            def start(decoders: Decoders) -> Generator[Samples, None, None]:
                return decoders.decode(file, rate, warnings, lambda: not given_up.is_set())

            opened = start(self._decoders)
            with closing(opened):
                recording = take_blocks(lambda: opened, warnings, transcriber.model, SHORT_SECONDS)
            if isinstance(recording, ShortRecording):
                return recording
            # It is decoded anew when its turn comes, so that it keeps no decoder until then.
            return long_recording(lambda: start(self._long_decoders), warnings)

        try:
            with self.refusable():
                recording = await loop.run_in_executor(self._read_pool, read)
            if isinstance(recording, ShortRecording):
                with self.refusable() as keep:
                    transcript = await self._short.transcribe(recording, transcriber, keep)
                for segment in transcript.segments:
                    heard(segment)
                return transcript
            return await self._long(recording, transcriber, heard)
        except asyncio.CancelledError:
            given_up.set()
            raise

    async def _long(
        self, recording: Recording, transcriber: Transcriber, heard: Callable[[Segment], None]
    ) -> Transcript:
        loop = asyncio.get_running_loop()
        begun = Event()

        def run() -> Transcript:
            begun.set()
            stream = transcriber.using(self._long_session, transcriber.search).stream(recording)
            for segment in stream:
                loop.call_soon_threadsafe(heard, segment)
            assert stream.transcript is not None
            return stream.transcript

        running = loop.run_in_executor(self._long_pool, run)
        try:
            with self.refusable():
                while not begun.is_set() and not running.done():
                    await asyncio.wait([running], timeout=0.05)
            return await running
        finally:
            running.cancel()

    async def variant(self, hotwords: tuple[str, ...]) -> Transcriber:
        """Return the transcriber that prefers ``hotwords``."""
        transcriber = await self.loaded()
        if not hotwords:
            return transcriber
        if hotwords not in self._variants:
            self._variants[hotwords] = await asyncio.to_thread(self._build, transcriber, hotwords)
            while len(self._variants) > MAX_VARIANTS:
                self._variants.popitem(last=False)
        self._variants.move_to_end(hotwords)
        return self._variants[hotwords]

    def _build(self, transcriber: Transcriber, hotwords: tuple[str, ...]) -> Transcriber:
        from asr.decoding.bundle import beam_search
        from asr.model.directory import default_model

        search = {k: v for k, v in self.settings.search.items() if k != "decoder"}
        own = search.pop("hotwords", None) or {}
        boosts = {**dict.fromkeys(hotwords, DEFAULT_BOOST), **own}
        folder = self.settings.model or default_model()
        made = beam_search(folder, transcriber.model, hotwords=boosts, **search)
        return transcriber.using(transcriber.session, made)

    def _refusal(self) -> ApiError:
        self.metrics.refused.labels("stopping").inc()
        return busy("the server is being stopped", 10)
