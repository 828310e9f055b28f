"""Upload thousands of damaged files and forms to a server, each of which must be answered.

    python scripts/fuzz_serving.py [--uploads 10000] [--seed 0] [--clients 16]

The files are those of ``fuzz_audio.py``, in every container. Of every third upload, the form around
the file is damaged instead of the file, or as well; of every seventh, the client hangs up in its
midst. It is a finding if the server dies, answers with anything but 200, 400 or 415, takes over
thirty seconds, or keeps a file; the totals are printed, and the exit code is 1 if there are
findings. The script needs Linux.
"""

import argparse
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzz_audio import MUTATIONS, mutant, seeds

ROOT = Path(__file__).resolve().parent.parent
BOUNDARY = "a-boundary-of-forms"
EXPECTED = {"200", "400", "415", "gone"}


def main() -> int:
    """Start a server, damage it, and count the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--seed", type=int, default=0, help="determines all uploads; default: 0")
    parser.add_argument("--clients", type=int, default=16, help="uploads at once; default: 16")
    options = parser.parse_args()
    seeds()  # made once, before the threads begin
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder}
        server = subprocess.Popen(
            [sys.executable, "-m", "asr", "serve", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        assert server.stderr is not None
        port = int(server.stderr.readline().rpartition(":")[2])
        log = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
        try:
            with ThreadPoolExecutor(options.clients) as pool:
                outcomes = Counter(
                    pool.map(lambda i: upload(port, options.seed, i), range(options.uploads))
                )
            deaths = metric(port, "asr_decoders_died_total")
            time.sleep(0.5)
            kept = [*os.listdir(folder), *deleted_files(server.pid)]
        finally:
            server.send_signal(signal.SIGTERM)
            status = server.wait(60)
            log.wait(10)
        kept += os.listdir(folder)
    findings = sum(count for outcome, count in outcomes.items() if outcome not in EXPECTED)
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")
    print(f"{deaths:7.0f} decoders that a file made crash or hang, and that were replaced")
    print(f"{len(kept):7} files kept; exit code {status}; {time.monotonic() - start:.0f} s")
    return 1 if findings or kept or status else 0


def upload(port: int, seed: int, number: int) -> str:
    """Upload the file or form of a number, and return the status, or what went wrong."""
    rng = np.random.default_rng([seed, number, 1])
    part = f'Content-Disposition: form-data; name="file"; filename="{number}"\r\n\r\n'.encode()
    mark = BOUNDARY.encode()
    body = b"--" + mark + b"\r\n" + part + mutant(seed, number) + b"\r\n--" + mark + b"--\r\n"
    if number % 3 == 0:
        head = bytearray(body[:120])
        body = bytes(MUTATIONS[rng.integers(len(MUTATIONS))](head, rng)) + body[120:]
    if number % 7 == 0:
        return hang_up(port, body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/v1/audio/transcriptions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def hang_up(port: int, body: bytes) -> str:
    """Send the beginning of a form, and leave."""
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
        f"\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(head.encode() + body[: len(body) // 2])
    except OSError as error:
        return repr(error)
    return "gone"


def metric(port: int, name: str) -> float:
    """Return a metric of the server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def deleted_files(pid: int) -> list[str]:
    """Return the files without names that a process still has open."""
    names = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            names.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
    return [name for name in names if "(deleted)" in name]


if __name__ == "__main__":
    sys.exit(main())
