"""The order in which recordings get the processor: live ones, short ones, long ones."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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

    def live(self) -> AbstractContextManager[None]:
        """Take a slot at once, even if none is free."""
        return self._slot(lambda: None)

    def short(self) -> AbstractContextManager[None]:
        """Wait for a slot for a batch of short recordings."""
        return self._slot(self._wait_for_short)

    def long(self) -> AbstractContextManager[None]:
        """Wait for a slot for a part of a long recording."""
        return self._slot(self._wait_for_long, long=1)

    @contextmanager
    def _slot(self, wait: Callable[[], None], long: int = 0) -> Iterator[None]:
        """Hold a slot, which is taken after ``wait``, for so many ``long`` recordings."""
        with self._changed:
            wait()
            self.running += 1
            self._long += long
        try:
            yield
        finally:
            with self._changed:
                self.running -= 1
                self._long -= long
                self._changed.notify_all()

    def _wait_for_short(self) -> None:
        self._short_waiting += 1
        self._changed.wait_for(lambda: self.running < self.count and not self._late)
        self._short_waiting -= 1

    def _wait_for_long(self) -> None:
        most = max(1, self.count - 1)

        def free() -> bool:
            return self.running < self.count and self._long < most

        deadline = time.monotonic() + LONGEST_WAIT
        while not (free() and not self._short_waiting):
            if (rest := deadline - time.monotonic()) <= 0:
                self._late += 1
                self._changed.wait_for(free)
                self._late -= 1
                break
            self._changed.wait(rest)
