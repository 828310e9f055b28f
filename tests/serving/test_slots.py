"""Live computations go first, short ones next, and long ones come to their end."""

import threading
import time

from waiting import wait_for

from asr.serving import slots
from asr.serving.slots import Slots


class Worker:
    """A thread that holds a slot until it is released."""

    def __init__(self, slot):
        self.entered, self.released = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(slot,))
        self._thread.start()

    def _run(self, slot):
        with slot():
            self.entered.set()
            self.released.wait(10)

    def end(self):
        self.released.set()
        self._thread.join()


def test_live_does_not_wait():
    all_slots = Slots(1)
    long = Worker(all_slots.long)
    assert long.entered.wait(5)
    live = Worker(all_slots.live)
    assert live.entered.wait(5)
    short = Worker(all_slots.short)
    long.end()
    assert not short.entered.wait(0.1)
    live.end()
    assert short.entered.wait(5)
    short.end()
    assert all_slots.running == 0


def test_long_leaves_a_slot():
    all_slots = Slots(2)
    long, other = Worker(all_slots.long), Worker(all_slots.long)
    wait_for(lambda: long.entered.is_set() or other.entered.is_set())
    assert not (long.entered.is_set() and other.entered.is_set())
    short = Worker(all_slots.short)
    assert short.entered.wait(5)
    for worker in (long, other, short):
        worker.end()
    assert all_slots.running == 0


def test_short_goes_before_long():
    all_slots = Slots(1)
    first = Worker(all_slots.short)
    assert first.entered.wait(5)
    long, short = Worker(all_slots.long), Worker(all_slots.short)
    time.sleep(0.05)
    first.end()
    assert short.entered.wait(5) and not long.entered.is_set()
    short.end()
    assert long.entered.wait(5)
    long.end()


def test_long_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(slots, "LONGEST_WAIT", 0.1)
    all_slots = Slots(1)
    first = Worker(all_slots.short)
    assert first.entered.wait(5)
    long, short = Worker(all_slots.long), Worker(all_slots.short)
    time.sleep(0.3)
    first.end()
    assert long.entered.wait(5) and not short.entered.is_set()
    long.end()
    assert short.entered.wait(5)
    short.end()
