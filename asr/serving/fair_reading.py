"""Connections that take turns, however much work their bytes make."""

import asyncio
import time
from typing import Any

TURN_SECONDS = 0.005
"""The processor time in which a connection may take apart what came, before others go on."""

FIRST_BYTES, LEAST_BYTES, MOST_BYTES = 1 << 14, 1 << 11, 1 << 16
"""The bytes that are read at once in the beginning, at least and at most."""


class FairReading(asyncio.Protocol):
    """A protocol that reads only as much at once as it takes apart within a turn.

    A chunk or a frame of one byte takes as long as one of many thousand. Of such, what a socket
    holds would keep live sessions waiting for seconds.
    """

    transport: Any

    def connection_made(self, transport: Any) -> None:
        """Begin with little, as nobody knows yet how much work it makes."""
        transport.max_size = FIRST_BYTES
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take apart what came, and set by its cost how much is read next."""
        began = time.thread_time()
        super().data_received(data)
        cost = time.thread_time() - began
        self.transport.max_size = next_size(self.transport.max_size, len(data), cost)


def next_size(size: int, received: int, cost: float) -> int:
    """Return how many bytes to read at once, after ``received`` of ``size`` took ``cost`` seconds.

    >>> next_size(16384, 16384, 0.001), next_size(16384, 80, 0.001), next_size(16384, 8192, 0.01)
    (32768, 16384, 4096)
    """
    if cost > TURN_SECONDS:
        size = int(received * TURN_SECONDS / cost)
    elif received == size and 2 * cost < TURN_SECONDS:
        size *= 2
    return min(max(size, LEAST_BYTES), MOST_BYTES)
