"""The queue of short recordings, of which those that wait are recognised in batches."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from asr.recognition.batches import BATCH_SECONDS, divide
from asr.recognition.recordings import ShortRecording
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.serving.metrics import Metrics
from asr.serving.slots import Slots


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A short recording, and the future of its transcript; ``begun`` is called when it no longer
    waits."""

    recording: ShortRecording
    transcriber: Transcriber
    result: "asyncio.Future[Transcript]"
    begun: Callable[[], None]
    since: float = field(default_factory=time.monotonic)


class ShortQueue:
    """A queue whose threads, one for each of the ``slots``, take batches of what waits.

    Nobody waits for a batch to fill: while the slots are busy, recordings gather by themselves.
    """

    def __init__(self, slots: Slots, batch_size: int, metrics: Metrics) -> None:
        self._slots, self._batch_size, self._metrics = slots, batch_size, metrics
        self._pool = ThreadPoolExecutor(slots.count, "short")
        self._lock = Lock()
        self._waiting = deque[_Waiting]()
        self._threads = 0  # those that take batches at present
        self.last_wait = 0.0
        """The seconds that the oldest recording of the last batch had waited."""

    async def transcribe(
        self, recording: ShortRecording, transcriber: Transcriber, begun: Callable[[], None]
    ) -> Transcript:
        """Return the transcript of a recording; ``begun`` is called when its batch begins."""
        loop = asyncio.get_running_loop()
        item = _Waiting(recording, transcriber, loop.create_future(), begun)
        with self._lock:
            self._waiting.append(item)
            if start := self._threads < self._slots.count:
                self._threads += 1
        if start:
            self._pool.submit(self._run, loop)
        return await item.result

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Recognise batch by batch until none waits, in a thread."""
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for results
            while self._run_batch(loop):
                pass

    def _run_batch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Recognise what has waited longest; return False if nothing waits."""
        with self._slots.short():
            batch = self._take()
            if not batch:
                return False
            loop.call_soon_threadsafe(_begin, batch)
            now = time.monotonic()
            self.last_wait = now - batch[0].since
            self._metrics.batches.observe(len(batch))
            for item in batch:
                self._metrics.waited.observe(now - item.since)
            recordings = [item.recording for item in batch]
            try:
                transcripts = batch[0].transcriber.transcribe_batch(recordings)
            except BaseException as error:
                loop.call_soon_threadsafe(_fail, batch, error)
            else:
                loop.call_soon_threadsafe(_deliver, batch, transcripts)
        return True

    def _take(self) -> list[_Waiting]:
        """Take the recording that has waited longest, and others of similar length for the same
        transcriber; if there is none, the thread is not counted any more."""
        with self._lock:
            waiting = [item for item in self._waiting if not item.result.done()]
            if not waiting:
                self._waiting.clear()
                self._threads -= 1
                return []
            first = waiting[0]
            size = min(self._batch_size, -(-len(waiting) // self._slots.count))
            alike = [item for item in waiting if item.transcriber is first.transcriber][: 4 * size]
            lengths = {place: len(item.recording.samples) for place, item in enumerate(alike)}
            limit = BATCH_SECONDS * first.transcriber.model.sample_rate
            (places,) = [batch for batch in divide(lengths, size, limit) if 0 in batch]
            batch = [alike[place] for place in sorted(places)]
            taken = set(batch)
            self._waiting = deque(item for item in waiting if item not in taken)
            return batch


def _begin(batch: list[_Waiting]) -> None:
    for item in batch:
        item.begun()


def _deliver(batch: list[_Waiting], transcripts: list[Transcript]) -> None:
    for item, transcript in zip(batch, transcripts, strict=True):
        if not item.result.done():
            item.result.set_result(transcript)


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for item in batch:
        if not item.result.done():
            item.result.set_exception(error)
