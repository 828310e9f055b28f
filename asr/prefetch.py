"""Threads that prefetch: they make items in order, a bounded number ahead of their use."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_CHECK_SECONDS = 0.1  # how often a thread that waits looks whether it is still wanted


def begin(function: Callable[[], R]) -> Callable[[], R]:
    """Start ``function`` in a thread, and return a function that waits for its result.

    What it raises is raised there. The result may be asked for again, and by several threads.

    >>> wait = begin(lambda: 6 * 7)
    >>> wait(), wait()
    (42, 42)
    """
    results: list[R] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    # No daemon: the interpreter must not end while compiled code runs in a thread.
    thread = threading.Thread(target=run)

    def wait() -> R:
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    thread.start()
    return wait


def prefetch(items: Iterable[T], count: int) -> Iterator[T]:
    """Yield ``items``, up to ``count`` of which a thread makes before they are asked for.

    What they raise is raised in their place. The thread ends with them, or soon after this
    iterator is closed.
    """
    for made in _prefetch(items, count, 1):
        yield from made


def prefetch_groups(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Yield all ``items`` that a thread has made since the last time, one at least; it makes up to
    ``count`` of them before they are asked for.

    >>> [item for group in prefetch_groups([1, 2, 3], 2) for item in group]
    [1, 2, 3]
    """
    return _prefetch(items, count, count)


def _prefetch(items: Iterable[T], count: int, most: int) -> Iterator[list[T]]:
    made: Queue[tuple[Any, BaseException | None]] = Queue(count)
    stopped, finished = threading.Event(), object()

    def put(item: Any, error: BaseException | None = None) -> None:
        while not stopped.is_set():
            with suppress(Full):
                made.put((item, error), timeout=_CHECK_SECONDS)
                return

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
        except BaseException as error:
            put(finished, error)
        else:
            put(finished)
        finally:
            if close := getattr(items, "close", None):
                close()

    # A daemon: one that waits for a pipe must not keep the process.
    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            group = [made.get()]
            with suppress(Empty):
                while len(group) < most:
                    group.append(made.get_nowait())
            last, error = group[-1]
            over = error is not None or last is finished
            if values := [item for item, _ in (group[:-1] if over else group)]:
                yield values
            if error is not None:
                raise error
            if over:
                return
    finally:
        stopped.set()
        with suppress(Empty):
            while True:
                made.get_nowait()


def prefetch_map(
    function: Callable[[T], R], items: Iterable[T], threads: int, count: int
) -> Iterator[R]:
    """Yield ``function`` of each item in order; ``threads`` threads make up to ``count`` results
    before they are asked for.

    >>> list(prefetch_map(abs, [-1, 2, -3], threads=2, count=2))
    [1, 2, 3]
    """
    from concurrent.futures import Future, ThreadPoolExecutor  # one recording does without them

    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
