"""The order in which recordings get the processor: live ones, short ones, long ones."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

LONGEST_WAIT = 1.0
"""The seconds after which a computation of a long recording goes before those of short ones, so
that it comes to its end even though short ones wait all the time."""


class Slots:
    """A fixed number of slots, in each of which one computation runs.

    Live computations never wait: they are short, and somebody looks at the screen. Others wait
    until a slot is free, those of long recordings also until no short one waits. Long recordings
    leave one slot free, where there are several.

    >>> slots = Slots(2)
    >>> with slots.short(), slots.live():
    ...     slots.running
    2
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.running = 0
        self._long = self._short_waiting = self._late = 0
        self._changed = Condition()

    @contextmanager
    def live(self) -> Iterator[None]:
        """Take a slot at once, even if none is free."""
        with self._changed:
            self.running += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def short(self) -> Iterator[None]:
        """Wait for a slot for a batch of short recordings."""
        with self._changed:
            self._short_waiting += 1
            self._changed.wait_for(lambda: self.running < self.count and not self._late)
            self._short_waiting -= 1
            self.running += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def long(self) -> Iterator[None]:
        """Wait for a slot for a part of a long recording."""
        most = max(1, self.count - 1)

        def free() -> bool:
            return self.running < self.count and self._long < most

        with self._changed:
            deadline = time.monotonic() + LONGEST_WAIT
            while not (free() and not self._short_waiting):
                if (rest := deadline - time.monotonic()) <= 0:
                    self._late += 1
                    self._changed.wait_for(free)
                    self._late -= 1
                    break
                self._changed.wait(rest)
            self.running += 1
            self._long += 1
        try:
            yield
        finally:
            with self._changed:
                self._long -= 1
            self._leave()

    def _leave(self) -> None:
        with self._changed:
            self.running -= 1
            self._changed.notify_all()
