"""Tests of other processes and threads wait until something is so."""

import time


def wait_for(condition, seconds=10):
    """Wait until ``condition()`` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
