"""Short recordings that wait are recognised in one batch, each with its own result."""

import asyncio
import threading
from types import SimpleNamespace

import numpy as np

from asr.audio.meter import AudioMeter
from asr.recognition.recordings import ShortRecording
from asr.serving.metrics import Metrics
from asr.serving.short_queue import ShortQueue
from asr.serving.slots import Slots


class Transcribing:
    """A transcriber that returns the lengths of recordings, when it may."""

    model = SimpleNamespace(sample_rate=16000)

    def __init__(self):
        self.batches, self.may = [], threading.Event()

    def transcribe_batch(self, recordings):
        assert self.may.wait(10)
        lengths = [len(recording.samples) for recording in recordings]
        self.batches.append(lengths)
        if 13 in lengths:
            raise ValueError("13")
        return lengths


def recording(length):
    return ShortRecording(np.zeros(length, np.float32), AudioMeter(16000, 400))


def transcribe(lengths, transcribers, size=4, slots=1):
    """Return the results of recordings, the first of which runs while the others wait."""
    begun = []

    async def run():
        queue = ShortQueue(Slots(slots), size, Metrics())
        tasks = []
        for length, transcriber in zip(lengths, transcribers, strict=True):
            asked = queue.transcribe(
                recording(length), transcriber, lambda length=length: begun.append(length)
            )
            tasks.append(asyncio.create_task(asked))
            while not begun:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        for transcriber in {*transcribers}:
            transcriber.may.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        queue.close()
        return results

    return asyncio.run(run()), begun


def test_each_gets_its_own_result():
    transcriber = Transcribing()
    lengths = [9, 50, 20, 51, 21, 52, 22, 53]
    results, begun = transcribe(lengths, [transcriber] * 8)
    assert results == lengths and sorted(begun) == sorted(lengths)
    assert transcriber.batches[0] == [9]
    # The one that has waited longest is in the first batch, and each has similar lengths.
    assert [sorted(batch) for batch in transcriber.batches[1:]] == [[20, 21, 22, 50], [51, 52, 53]]


def test_transcribers_are_not_mixed():
    one, other = Transcribing(), Transcribing()
    results, _ = transcribe([1, 2, 3, 4], [one, other, one, other])
    assert results == [1, 2, 3, 4]
    assert one.batches == [[1], [3]] and other.batches == [[2, 4]]


def test_a_failure_is_that_of_its_batch():
    transcriber = Transcribing()
    results, _ = transcribe([9, 13, 14, 15, 16, 90], [transcriber] * 6)
    assert results[0] == 9 and results[-1] == 90
    assert all(isinstance(result, ValueError) for result in results[1:5])


def test_who_has_gone_is_left_out():
    transcriber = Transcribing()

    async def run():
        queue, begun = ShortQueue(Slots(1), 4, Metrics()), asyncio.Event()
        first = asyncio.create_task(queue.transcribe(recording(1), transcriber, begun.set))
        await begun.wait()
        gone, last = (
            asyncio.create_task(queue.transcribe(recording(n), transcriber, lambda: None))
            for n in (2, 3)
        )
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        transcriber.may.set()
        assert (await first, await last) == (1, 3)
        queue.close()

    asyncio.run(run())
    assert transcriber.batches == [[1], [3]]


def test_it_starts_again_when_it_was_empty():
    transcriber = Transcribing()
    transcriber.may.set()

    async def run():
        queue = ShortQueue(Slots(2), 4, Metrics())
        for number in range(20, 50):
            assert await queue.transcribe(recording(number), transcriber, lambda: None) == number
        queue.close()

    asyncio.run(run())
