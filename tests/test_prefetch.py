"""Prefetching keeps order and bounds, passes errors on in place, and ends when it is closed."""

import itertools
import threading
import time

import pytest

from asr.prefetch import begin, prefetch, prefetch_groups, prefetch_map


def wait_until(condition):
    """Wait until a condition holds, but at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("count", [1, 3, 100])
def test_the_same_items_in_their_order(count):
    assert list(prefetch(range(50), count)) == list(range(50))
    assert list(prefetch_map(lambda n: n * n, range(50), 3, count)) == [n * n for n in range(50)]


def test_a_function_that_is_begun_gives_its_result_or_error_where_it_is_waited_for():
    started, go = threading.Event(), threading.Event()

    def work():
        started.set()
        return go.wait(10)

    wait = begin(work)
    assert started.wait(10)
    go.set()
    assert wait() is True
    with pytest.raises(ZeroDivisionError):
        begin(lambda: 1 // 0)()


def test_no_items():
    assert list(prefetch([], 2)) == list(prefetch_map(abs, [], 2, 2)) == []


def test_no_more_than_asked_for_is_made():
    made = []

    def items():
        for n in itertools.count():
            made.append(n)
            yield n

    results = prefetch(items(), 3)
    assert next(results) == 0
    wait_until(lambda: len(made) == 5)  # the item taken, three in the queue, and one that waits
    time.sleep(0.3)
    assert len(made) == 5
    results.close()


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        raise ValueError("two")

    results = prefetch(items(), 5)
    assert next(results) == 1
    with pytest.raises(ValueError, match="two"):
        next(results)
    results = prefetch_map(lambda n: 1 // n, [1, 0, 1], 2, 5)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closing_ends_the_thread_and_what_it_iterates():
    closed = threading.Event()

    def items():
        try:
            yield from itertools.count()
        finally:
            closed.set()

    results = prefetch(items(), 2)
    next(results)
    results.close()
    assert closed.wait(10)


def test_things_run_at_the_same_time():
    barrier = threading.Barrier(2, timeout=10)
    assert list(prefetch_map(lambda _: barrier.wait() >= 0, range(2), 2, 2)) == [True, True]


def test_groups_hold_all_that_was_made_before_an_error():
    made = threading.Event()

    def items():
        yield from range(5)
        made.set()
        raise ValueError("six")

    groups = prefetch_groups(items(), 8)
    found = next(groups)
    assert made.wait(10)
    with pytest.raises(ValueError, match="six"):
        for group in groups:
            found += group
    assert found == [0, 1, 2, 3, 4]
