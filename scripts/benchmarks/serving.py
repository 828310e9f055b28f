"""Measure ``asr serve`` under load, beside ``asr transcribe`` and a plain server of Whisper.

    python scripts/benchmarks/serving.py [--clients 200] [--requests 20000] [--manifest FILE]
        [--peers-python PYTHON --whisper FOLDER [--peers-requests 400]]

Each client sends a recording of three seconds and, as soon as it has the answer, the next one. The
recordings are cut out of those of the manifest, or of ``samples/``. ``asr transcribe`` gets the
same files in bulk, and its texts are what every answer has to be. Seconds of the processor are
those of the server with its decoders, without the clients, with which it shares the cores; those of
``asr transcribe`` include its start. Memory is that of the server with its decoders, after a tenth
of the requests and at the end.

PYTHON is the interpreter of an environment that has faster-whisper, FastAPI, uvicorn and
python-multipart; FOLDER holds a Whisper model. Its server is ``peer_server.py``.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Column, Table

from asr.audio.read import read_audio
from asr.data.manifest import read_manifest

ROOT = Path(__file__).resolve().parent.parent.parent
RATE, SECONDS, FILES = 16000, 3.0, 64
BULK = 2000
"""The most files that ``asr transcribe`` gets."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
BOUNDARY = b"a-boundary-of-forms"


def main() -> None:
    """Measure all, print the table, and fail if an answer was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200, help="default: 200")
    parser.add_argument("--requests", type=int, default=2000, help="default: 2000")
    parser.add_argument("--manifest", type=Path, help="recordings; default: samples/")
    parser.add_argument("--peers-python", help="an interpreter that has faster-whisper and FastAPI")
    parser.add_argument("--whisper", type=Path, help="the folder of a Whisper model")
    parser.add_argument("--peers-requests", type=int, default=400, help="default: 400")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), options.manifest)
        texts, bulk = transcribe(files, min(options.requests, BULK), Path(folder))
        rows.append(["asr transcribe", f"{bulk:.0f}", "", "", "", "", ""])
        command = [sys.executable, "-m", "asr", "serve", "--port", "0"]
        load = serve(command, files, texts, options.clients, options.requests)
        rows.append(load.row("asr serve"))
        if options.peers_python:
            script = Path(__file__).with_name("peer_server.py")
            command = [options.peers_python, str(script), str(options.whisper)]
            peer = serve(command, files, None, options.clients, options.peers_requests)
            rows.append(peer.row(f"faster-whisper {options.whisper.name}, FastAPI"))
    table = Table(
        "",
        Column("audio per second of processor", justify="right"),
        Column("audio per second", justify="right"),
        Column("p50", justify="right"),
        Column("p95", justify="right"),
        Column("memory, MB", justify="right"),
        Column("answers", justify="right"),
        box=MARKDOWN,
    )
    for row in rows:
        table.add_row(*row)
    Console(width=140).print(table)
    share = load.per_processor_second / bulk
    print(f"{options.clients} clients; asr serve has {share:.0%} of the bulk throughput")
    if load.faults:
        sys.exit(f"{len(load.faults)} faults, such as {load.faults[0]}")


def make_files(folder: Path, manifest: Path | None) -> list[Path]:
    """Write recordings of ``SECONDS``, cut one behind the other out of those that are given."""
    if manifest:
        sources = [utterance.audio_filepath for utterance in read_manifest(manifest)]
    else:
        sources = sorted((ROOT / "samples").glob("*.wav"))
    length, files, samples = round(SECONDS * RATE), list[Path](), np.zeros(0, np.float32)
    while len(files) < FILES:
        for source in sources:
            samples = np.concatenate([samples, read_audio(source, RATE).samples])
            while len(samples) >= length and len(files) < FILES:
                files.append(folder / f"{len(files):03}.wav")
                soundfile.write(files[-1], samples[:length], RATE)
                samples = samples[length:]
    return files


def transcribe(files: list[Path], count: int, folder: Path) -> tuple[list[str], float]:
    """Return the texts of ``asr transcribe``, and the seconds of audio for each of processor time
    when it gets ``count`` files, each several times."""
    names = []
    for number in range(count):
        names.append(folder / f"bulk-{number:05}.wav")
        names[-1].symlink_to(files[number % len(files)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "asr", "transcribe", *map(str, names)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True,
                          stderr=subprocess.DEVNULL)  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    texts = [line.partition("\t")[2] for line in done.stdout.splitlines()]
    return texts[: len(files)], count * SECONDS / spent


@dataclass
class Load:
    """What was measured under load; times in seconds, memory in bytes."""

    latencies: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0
    memory: list[int] = field(default_factory=list)

    @property
    def per_processor_second(self) -> float:
        """The seconds of audio that were recognised in a second of the processor."""
        return len(self.latencies) * SECONDS / self.processor

    def row(self, name: str) -> list[str]:
        """Return a row of the table."""
        cuts = statistics.quantiles(self.latencies, n=20)
        return [
            name,
            f"{self.per_processor_second:.0f}",
            f"{len(self.latencies) * SECONDS / self.seconds:.0f}",
            f"{cuts[9]:.2f} s",
            f"{cuts[18]:.2f} s",
            " → ".join(f"{size / 1e6:.0f}" for size in self.memory),
            f"{len(self.latencies)}, {len(self.faults)} wrong",
        ]


def serve(
    command: list[str], files: list[Path], texts: list[str] | None, clients: int, requests: int
) -> Load:
    """Start a server, load it with ``requests``, and stop it."""
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert server.stderr is not None
    port = 0
    for line in server.stderr:
        if match := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            port = int(match[1])
            break
    log = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
    try:
        return asyncio.run(put_load(server.pid, port, files, texts, clients, requests))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        log.wait(10)


async def put_load(
    pid: int,
    port: int,
    files: list[Path],
    texts: list[str] | None,
    clients: int,
    requests: int,
) -> Load:
    """Send requests, ``clients`` at a time, and measure."""
    bodies = [form(path.read_bytes()) for path in files]
    load, numbers = Load(), iter(range(requests))
    await answered(port)
    await ask(port, bodies[0], None)  # what is loaded at the first request is not counted
    begun, processor = time.monotonic(), processor_seconds(pid)

    async def client() -> None:
        streams: Streams | None = None
        for number in numbers:
            place = number % len(bodies)
            start = time.monotonic()
            try:
                status, body, streams = await ask(port, bodies[place], streams)
            except (OSError, EOFError, ValueError) as error:
                load.faults.append(repr(error))
                streams = None
                continue
            load.latencies.append(time.monotonic() - start)
            text = json.loads(body).get("text") if status == 200 else None
            if text is None or (texts is not None and text != texts[place]):
                load.faults.append(f"{status} {body[:100]!r}")
            if len(load.latencies) == requests // 10:
                load.memory.append(memory(pid))
        if streams:
            streams[1].close()

    await asyncio.gather(*[client() for _ in range(clients)])
    load.seconds = time.monotonic() - begun
    load.processor = processor_seconds(pid) - processor
    load.memory.append(memory(pid))
    if len(load.latencies) + len(load.faults) < requests:
        load.faults.append(f"only {len(load.latencies)} answers")
    return load


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def form(data: bytes) -> bytes:
    """Return a whole request with a file."""
    body = (
        b"--%b\r\nContent-Disposition: form-data; name=model\r\n\r\nwhisper-1\r\n"
        b"--%b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n"
        b"%b\r\n--%b--\r\n" % (BOUNDARY, BOUNDARY, data, BOUNDARY)
    )
    head = (
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: multipart/form-data; boundary=%b\r\nContent-Length: %d\r\n\r\n"
    )
    return head % (BOUNDARY, len(body)) + body


async def ask(port: int, request: bytes, streams: Streams | None) -> tuple[int, bytes, Streams]:
    """Send a request, over a connection if there is one, and return the status and the body."""
    reader, writer = streams or await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    body = await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split(b" ", 2)[1]), body, (reader, writer)


async def answered(port: int) -> None:
    """Wait until the server is ready."""
    for _ in range(600):
        try:
            request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            status, _, (_, writer) = await ask(port, request, None)
            writer.close()
            if status == 200:
                return
        except (OSError, EOFError):
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("the server does not get ready")


def processes(pid: int) -> list[int]:
    """Return a process and its children."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # the thread has ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def processor_seconds(pid: int) -> float:
    """Return the seconds of the processor that a process and its children have spent."""
    total = 0
    for process in processes(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory(pid: int) -> int:
    """Return the bytes that a process and its children hold."""
    sizes = [Path(f"/proc/{process}/statm").read_text().split()[1] for process in processes(pid)]
    return PAGE * sum(map(int, sizes))


if __name__ == "__main__":
    main()
