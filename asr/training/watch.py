"""The watch over the processes of a run: one that dies ends the run, with a line that names it.

What exchanges gradients waits for days, since somebody may have paused the run, and a machine that
loses its power closes no connection. So each process keeps a connection to the first one, of which
TCP itself asks the other machine from time to time whether it is there (keepalive). The system of a
machine answers for processes that are paused, too.
"""

import os
import secrets
import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import lightning
import torch

from asr.errors import TrainingError

IDLE, INTERVAL, PROBES = 10, 5, 5
"""The seconds without a word after which TCP asks, the seconds from one question to the next, and
how many of them may stay without an answer."""
SOON = 5.0
"""The seconds in which a process ends by itself once another one is gone."""
DONE, FAILED, DIED = b".", b"!", b"-"


class Watch(lightning.Callback):
    """Keeps the connections while a run of several processes goes on (:meth:`over_run`)."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._connections: dict[socket.socket, int] = {}
        self._lock = threading.Lock()
        self._found, self._told, self._closed = (threading.Event() for _ in range(3))
        self._lost = ""
        self._speaks = True

    def setup(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, stage: str
    ) -> None:
        """Connect the processes, once they know of one another."""
        if trainer.world_size == 1 or self._names:
            return
        self._speaks = trainer.local_rank == 0
        address = _own_address(os.environ["MASTER_ADDR"])
        server = _listen(address) if trainer.is_global_zero else None
        place = server.getsockname()[:2] if server else None
        mine = (trainer.node_rank, socket.gethostname(), address, place, secrets.token_bytes(16))
        everyone: list[Any] = [None] * trainer.world_size
        torch.distributed.all_gather_object(everyone, mine)
        self._names = [f"node {node} ({host}, {address})" for node, host, address, *_ in everyone]
        tokens = [token for *_, token in everyone]
        if server is None:
            connection = socket.create_connection(everyone[0][3])
            connection.sendall(tokens[trainer.global_rank])
            self._connections = {_kept_alive(connection): 0}
        else:
            with server:
                while len(self._connections) < trainer.world_size - 1:
                    connection, _ = server.accept()
                    token = connection.recv(16, socket.MSG_WAITALL)
                    if token in tokens:  # and not a stranger
                        self._connections[_kept_alive(connection)] = tokens.index(token)
        threading.Thread(target=self._look, args=(server is not None,), daemon=True).start()

    @contextmanager
    def over_run(self) -> Iterator[None]:
        """Watch over what runs inside.

        Raises:
            TrainingError: another process is gone; in the first process of each node. In others the
                same ends the process in silence.
        """
        try:
            yield
        except BaseException as error:
            # Libraries say in their own words that a connection is lost.
            if self._names and isinstance(error, RuntimeError) and self._found.wait(SOON):
                self._told.set()
                if not self._speaks:
                    raise SystemExit(1) from error
                raise TrainingError(self._lost) from error
            self._close(FAILED)
            raise
        self._close(DONE)

    def _close(self, word: bytes) -> None:
        self._closed.set()
        self._tell(word)

    def _tell(self, word: bytes) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.sendall(word)

    def _look(self, is_first: bool) -> None:
        """Wait until a process is gone, or all have said that they are done."""
        left = dict(self._connections)
        with selectors.DefaultSelector() as selector:
            for connection in left:
                selector.register(connection, selectors.EVENT_READ)
            while left:
                for key, _ in selector.select():
                    connection = key.fileobj  # type: ignore[assignment]
                    try:
                        word = connection.recv(4)
                    except OSError:  # nobody answers
                        word = b""
                    if word != DONE:
                        self._lose(left[connection], word, is_first)
                        return
                    selector.unregister(connection)
                    del left[connection]

    def _lose(self, rank: int, word: bytes, is_first: bool) -> None:
        """End this process because another one is gone."""
        if self._closed.is_set():
            return
        failed = word == FAILED
        if len(word) == 4:  # the first process tells the others who it is
            rank, failed = int.from_bytes(word[1:], "big"), word[:1] == FAILED
        how = "ended with an error, which it has told" if failed else "died"
        self._lost = (
            f"{self._names[rank]} is gone: its process {rank} of {len(self._names)} {how}. Go on "
            "with --resume, on these or on fewer nodes"
        )
        if is_first:
            self._tell((FAILED if failed else DIED) + rank.to_bytes(3, "big"))
        self._found.set()
        if not self._told.wait(2 * SOON) and not self._closed.is_set():
            # The main thread waits for what never comes.
            if self._speaks:
                print(f"error: {self._lost}", file=sys.stderr, flush=True)
            os._exit(1)


def _listen(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, 0), family=family)


def _own_address(other: str) -> str:
    """Return the address of this machine towards another."""
    family, kind, _, _, address = socket.getaddrinfo(other, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)  # which sends nothing
        return str(probe.getsockname()[0])


def _kept_alive(connection: socket.socket) -> socket.socket:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE),
        ("TCP_KEEPINTVL", INTERVAL),
        ("TCP_KEEPCNT", PROBES),
    ):
        if option := getattr(socket, name, None):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
    return connection
