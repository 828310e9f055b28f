"""Try thousands of damaged conversations over WebSockets, each of which must be answered or ended.

    python scripts/fuzz_frames.py [--conversations 10000] [--seed 0] [--jobs 2] [--model DIR]
        [--save DIR]

Conversations in the protocols of Vosk's and OpenAI's clients are mutated: bytes of sound and
values of JSON change, messages are lost, doubled, swapped and cut into fragments, and bytes of the
frames themselves change. Workers with bounded memory each run a server, to which they send the
frames over TCP. It is a finding if a worker dies, takes over ten seconds for a conversation, if the
server meets an exception, or says that it failed; the frames are then saved. The totals are
printed, and the exit code is 1 if there are findings. The script needs Linux.
"""

import asyncio
import base64
import json
import logging
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import uvicorn
from fuzz_audio import HANG_SECONDS, MUTATIONS, Totals, fuzz, make_parser
from fuzz_texts import CHANGES

from asr.model.directory import default_model
from asr.serving.app import make_app
from asr.serving.settings import Settings
from asr.serving.sockets import FAILED
from asr.serving.websocket_protocol import WebSocketProtocol

MEMORY = 4 << 30
IDLE_SECONDS = 0.3
"""The time after which the server ends a conversation that a damaged frame left incomplete."""

PATHS = ("/", "/v1/realtime?intent=transcription")
TEXT, BINARY = 1, 2
END = b"the-end"
"""What the server repeats or answers when it has taken the last message."""

Message = tuple[int, bytes]


def main() -> int:
    """Hold damaged conversations, and count how they ended."""
    parser = make_parser(__doc__ or "", "conversations", "fuzz_frames")
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    options = parser.parse_args()
    start = time.monotonic()
    totals = fuzz_frames(
        options.conversations, options.seed, options.jobs, options.model, options.save
    )
    print(f"{str(totals).replace(' clips', ' conversations', 1)}")
    print(f"{time.monotonic() - start:.0f} s with {options.jobs} workers")
    return 1 if totals.findings else 0


def fuzz_frames(count: int, seed: int, jobs: int, model: Path, save: Path) -> Totals:
    """Try ``count`` conversations that ``seed`` determines."""
    return fuzz(count, seed, jobs, model, save, work, mutant)


def work(connection: Connection, numbers: range, seed: int, model: Path) -> None:
    """Report how each conversation ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with patch("asr.serving.observer.log"), Server(model) as server:  # a line for each of them
        connection.send(None)
        for number in numbers:
            connection.send(attempt(server, PATHS[number % 2], mutant(seed, number)))


class Server:
    """A server in a thread, which notes its own exceptions in ``failures``."""

    def __init__(self, model: Path) -> None:
        self.failures: list[str] = []
        app = make_app(Settings(model=model, workers=1, live_idle_seconds=IDLE_SECONDS))

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except Exception as error:
                self.failures.append(repr(error))
                raise

        config = uvicorn.Config(watched, port=0, log_config=None, ws=WebSocketProtocol)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Server":
        logging.disable(logging.CRITICAL)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        listening = self._server.servers[0]
        self.port = listening.sockets[0].getsockname()[1]

        def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

        listening.get_loop().set_exception_handler(note)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


def attempt(server: Server, path: str, frames: bytes) -> str:
    """Send frames, and return the path and the close code, or "crash"."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), HANG_SECONDS) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        try:
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(1 << 16)
            connection.sendall(frames)
            while END not in answer and not close_code(answer):
                if not (part := connection.recv(1 << 16)):
                    break
                answer += part
        except ConnectionError:
            pass  # the server left first
        except TimeoutError:
            return f"crash: no answer ({path})"
    if server.failures:
        return f"crash: {server.failures.pop()[:200]} ({path})"
    code = close_code(answer)
    if code == FAILED:
        return f"crash: the server says that it failed ({path})"
    return f"{path}: {code or ('answered to the end' if END in answer else 'cut off')}"


def close_code(answer: bytes) -> int:
    """Return the code of the close frame behind the head of an answer, or 0 without one."""
    frames = answer.partition(b"\r\n\r\n")[2]
    while len(frames) >= 2:
        length, begin = frames[1], 2
        if length == 126:
            length, begin = int.from_bytes(frames[2:4], "big"), 4
        elif length == 127:
            length, begin = int.from_bytes(frames[2:10], "big"), 10
        if frames[0] == 0x88 and length >= 2:
            return int.from_bytes(frames[begin : begin + 2], "big")
        frames = frames[begin + length :]
    return 0


def mutant(seed: int, number: int) -> bytes:
    """Return the frames of the damaged conversation ``number``, a pure function of both."""
    rng = np.random.default_rng([seed, number])
    *messages, end = vosk_messages() if number % 2 == 0 else realtime_messages()
    for _ in range(rng.integers(1, 4)):
        change_message(messages, rng)
    data = b"".join(part for message in messages for part in framed(*message, rng))
    if rng.random() < 0.3:
        for _ in range(rng.integers(1, 4)):
            data = bytes(MUTATIONS[rng.integers(len(MUTATIONS))](bytearray(data), rng))
    return data + b"".join(framed(*end, rng))


def change_message(messages: list[Message], rng: np.random.Generator) -> None:
    """Change one message, or the order of messages."""
    at = int(rng.integers(len(messages)))
    kind, content = messages[at]
    match rng.integers(10):
        case 0 if len(messages) > 1:
            del messages[at]
        case 1:
            messages.insert(int(rng.integers(len(messages))), messages[at])
        case 2:
            other = int(rng.integers(len(messages)))
            messages[at], messages[other] = messages[other], messages[at]
        case 3:
            messages[at] = (3 - kind, content)
        case _:
            changes = CHANGES if kind == TEXT else MUTATIONS
            change = changes[rng.integers(len(changes))]
            messages[at] = (kind, bytes(change(bytearray(content), rng)))


def framed(kind: int, content: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield the frames of a message, which is sometimes cut into fragments."""
    pieces = [content]
    if rng.random() < 0.1 and content:
        cut = int(rng.integers(len(content)))
        pieces = [content[:cut], content[cut:]]
    for index, piece in enumerate(pieces):
        first = (kind if index == 0 else 0) | (0x80 if index == len(pieces) - 1 else 0)
        length = len(piece)
        if length < 126:
            head = struct.pack(">BB", first, 0x80 | length)
        elif length < 1 << 16:
            head = struct.pack(">BBH", first, 0x80 | 126, length)
        else:
            head = struct.pack(">BBQ", first, 0x80 | 127, length)
        yield head + bytes(4) + piece  # masked with zeros


def sound(seconds: float, rate: int) -> bytes:
    """Return a noisy tone in 16 bits."""
    times = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(0, 0.05, len(times))
    samples = 0.4 * np.sin(2 * np.pi * 300 * times) + noise
    return (32000 * samples.clip(-1, 1)).astype("<i2").tobytes()


def vosk_messages() -> list[Message]:
    """Return the messages of a client of Vosk; the last one ends the conversation."""
    config = {"sample_rate": 16000, "words": True, "max_alternatives": 0, "partial_words": 1}
    packet = sound(0.08, 16000)
    end = json.dumps({"eof": 1, "note": END.decode()})
    return [
        (TEXT, json.dumps({"config": config | {"phrase_list": ["yes no", "[unk]"]}}).encode()),
        *[(BINARY, packet)] * 3,
        (TEXT, b'{"reset" : 1}'),
        (BINARY, packet[:101]),
        (TEXT, json.dumps({"config": {"sample_rate": 8000, "words": 0}}).encode()),
        (BINARY, packet),
        (TEXT, end.encode()),
    ]


def realtime_messages() -> list[Message]:
    """Return the messages of a client of OpenAI; the last one asks for an answer with ``END``."""
    audio = base64.b64encode(sound(0.12, 24000)).decode()
    heard = {
        "format": {"type": "audio/pcm", "rate": 24000},
        "noise_reduction": {"type": "near_field"},
        "transcription": {"model": "whisper-1", "language": "en", "prompt": "yes", "keywords": []},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500, "threshold": 0.5},
    }
    session = {"type": "transcription", "audio": {"input": heard}, "include": None}
    low = {"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    events = [
        {"type": "session.update", "session": session, "event_id": "event_1"},
        {"type": "input_audio_buffer.append", "audio": audio},
        {"type": "input_audio_buffer.append", "audio": audio, "event_id": "event_2"},
        {"type": "input_audio_buffer.commit"},
        {"type": "session.update", "session": low},
        {"type": "input_audio_buffer.append", "audio": audio},
        {"type": "input_audio_buffer.clear"},
        {"type": "end", "event_id": END.decode()},
    ]
    return [(TEXT, json.dumps(event).encode()) for event in events]


if __name__ == "__main__":
    sys.exit(main())
