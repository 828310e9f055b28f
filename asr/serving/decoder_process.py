"""The process that decodes what clients have sent, so that the server itself never does.

A file that makes a decoder crash, hang or grow ends this process, and nothing else. Its jobs come
over the socket on standard input: the file, the socket for the samples, and the limits as JSON. It
writes no file, and ends with its parent.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

HEADER = struct.Struct("<cI")
"""The head of each part of an answer: its kind and its size in bytes."""
BLOCK, END, ERROR = b"b", b"e", b"x"
"""The kinds: samples (float32); the end, with warnings; an error. The last two are JSON."""
MAX_JOB = 4096
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do one job after the other until the server closes the socket."""
    memory = int(sys.argv[1])
    _confine(memory)
    control = socket.socket(fileno=0)
    while True:
        job, descriptors, _, _ = socket.recv_fds(control, MAX_JOB, 2)
        if not job or len(descriptors) != 2:
            return
        file, answer = descriptors
        with socket.socket(fileno=answer) as answers, suppress(BrokenPipeError, ConnectionError):
            _decode(file, answers, **json.loads(job))


def _decode(descriptor: int, answers: socket.socket, rate: int, max_seconds: float) -> None:
    from asr.audio.read import open_audio
    from asr.errors import AsrError

    def send(kind: bytes, payload: Any) -> None:
        data = memoryview(payload).cast("B")
        answers.sendall(HEADER.pack(kind, len(data)))
        answers.sendall(data)

    # Another pass may read the same file: opened anew, it has a position of its own.
    with open(f"/proc/self/fd/{descriptor}", "rb") as file:
        os.close(descriptor)
        try:
            with open_audio(file, rate, max_seconds=max_seconds) as audio:
                for block in audio:
                    if len(block):
                        send(BLOCK, block)
                send(END, json.dumps(audio.warnings).encode())
        except AsrError as error:
            send(ERROR, json.dumps(str(error).removeprefix("<audio bytes>: ")).encode())
        except MemoryError:
            send(ERROR, b'"decoding it takes too much memory"')


def _confine(memory: int) -> None:
    """Limit what this process may use, and tie its life to that of its parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server decides when it is over
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for limit, value in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
