"""Whatever clients, files, disks and signals do, the server goes on or ends well.

It keeps nothing of what was uploaded.
"""

import http.client
import json
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT
from servers import multipart, open_files, serving
from waiting import wait_for

PATH = "/v1/audio/transcriptions"
NAME = ROOT / "samples/flite-slt-spelled-name.wav"
TEXT = "p e t e r s o n"


def post(server, data, fields=(("model", "whisper-1"),), timeout=30):
    """Return the status, the headers and the body of an answer to an upload."""
    body, headers = multipart(fields, ("../../a.wav", data))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def half(server, size=1 << 20):
    """Return a socket over which half of an upload was sent."""
    body, headers = multipart([], ("a.wav", bytes(size)))
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {headers['Content-Type']}\r\n\r\n"
    client.sendall(head.encode() + body[: size // 2])
    return client


def is_well(server):
    """Return True if the server transcribes, and keeps no file."""
    status, _, body = post(server, NAME.read_bytes())
    assert (status, json.loads(body)["text"]) == (200, TEXT)
    wait_for(lambda: not open_files(server.process.pid))
    return True


def repeated(path, seconds):
    """Write speech with pauses of so many seconds as FLAC."""
    samples, rate = soundfile.read(NAME, dtype="float32")
    pause = np.zeros(rate, np.float32)
    count = round(seconds * rate / (len(samples) + rate))
    soundfile.write(path, np.concatenate([samples, pause] * count), rate)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with low limits, and a folder of its own for temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    settings = {"header_seconds": 1.0, "idle_seconds": 1.5, "upload_seconds": 4.0}
    limits = ["--max-upload", 8, "--max-hours", 0.1]
    environment = {"TMPDIR": str(folder)}
    with serving(*limits, settings=settings, environment=environment) as server:
        server.folder = folder
        yield server
        assert not list(folder.iterdir())


def test_client_gone_in_mid_upload(server):
    clients = [half(server) for _ in range(8)]
    wait_for(lambda: len(open_files(server.process.pid)) == 8)
    for client in clients[:4]:
        client.close()
    for client in clients[4:]:  # with a reset
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    assert is_well(server)


def test_client_gone_while_it_waits(server, tmp_path):
    """A long recording is given up when nobody waits for it."""
    data = repeated(tmp_path / "long.flac", 350).read_bytes()
    with pytest.raises(TimeoutError):
        post(server, data, timeout=0.3)
    wait_for(lambda: not open_files(server.process.pid))
    wait_for(lambda: server.metric("asr_queue_recordings") == 0)
    server.logged(status=499)
    assert is_well(server)


def test_slow_head(server):
    """Slow loris: a head that never ends is not waited for."""
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    began = time.monotonic()
    for client in clients:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
    ended = 0
    while ended < len(clients):
        assert time.monotonic() - began < 5
        ended = 0
        for client in clients:
            try:
                client.sendall(b"X: y\r\n")
                client.setblocking(False)
                ended += client.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
            client.setblocking(True)
        time.sleep(0.1)
    for client in clients:
        client.close()
    assert is_well(server)


@pytest.mark.parametrize("pause", [0.2, 10])
def test_slow_body(server, pause):
    """An upload that pauses, or takes too long, is refused."""
    client = half(server)
    client.settimeout(10)
    began = time.monotonic()
    answer = b""
    while not answer and time.monotonic() - began < 8:
        client.settimeout(pause)
        try:
            answer = client.recv(1 << 16)
        except TimeoutError:
            client.sendall(b"x")
    assert answer.startswith(b"HTTP/1.1 408")
    client.close()
    assert is_well(server)


def test_silent_connections_are_closed(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize("chunked", [False, True])
def test_oversize(server, chunked):
    body, headers = multipart([], ("a.wav", bytes(10 << 20)))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        parts = (body[i : i + 65536] for i in range(0, len(body), 65536))
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        connection.request("POST", PATH, parts if chunked else body, headers)
        answer = connection.getresponse()
        assert answer.status == 413
        assert "at most 8 MiB" in json.loads(answer.read())["error"]["message"]
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server has hung up before all was sent
    finally:
        connection.close()
    assert is_well(server)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_reads_after_sending_gets_the_answer(server, version):
    """Proxies send a whole upload, over a connection for it alone, before they read."""
    body, headers = multipart([], ("a.wav", bytes(9 << 20)))
    head = f"POST {PATH} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
    head += f"{headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(head.encode() + body)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    assert is_well(server)


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_an_upload_without_end_is_cut_off(server, connection):
    """A client that goes on after it was refused is listened to for a short time only."""
    _, headers = multipart([], ("a.wav", b""))
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    head += f"Content-Type: {headers['Content-Type']}\r\nConnection: {connection}\r\n\r\n"
    part = b'--frontier\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + bytes(1 << 16)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(part), part))
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 8:
                client.sendall(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
                time.sleep(0.001)
    assert is_well(server)


CHUNK, FRAME = b"1\r\na\r\n", b"\x82\x81" + bytes(4) + b"a"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("piece", [CHUNK, FRAME, b"\x82\x80" + bytes(4)])
def test_tiny_pieces_do_not_hold_up_others(server, piece):
    """Chunks and frames of a byte make much work; others have their turn in between."""
    part = b'--frontier\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    form = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: "
        f"multipart/form-data; boundary=frontier\r\n\r\n{len(part):x}\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        if piece == CHUNK:
            client.sendall(form + part + b"\r\n")
        else:
            client.sendall(UPGRADE)
            assert b" 101 " in client.recv(4096)

        def flood():
            with suppress(OSError):
                while True:
                    client.sendall(piece * 20_000)

        flooding = threading.Thread(target=flood)
        flooding.start()
        time.sleep(0.3)
        delays = []
        for _ in range(5):
            began = time.monotonic()
            assert server.get("/health")[0] == 200
            delays.append(time.monotonic() - began)
        client.shutdown(socket.SHUT_RDWR)
        flooding.join()
    assert min(delays) < 0.5  # seconds, without turns


def test_too_long_a_recording(server, tmp_path):
    """Twenty minutes of silence fit into few bytes."""
    path = tmp_path / "silence.flac"
    soundfile.write(path, np.zeros(16000 * 1200, np.int16), 16000)
    status, _, body = post(server, path.read_bytes())
    assert status == 400
    assert "longer than 6 minutes" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (b"--y\r\n\r\n--y--", "multipart/form-data; boundary=x", 400),
        (b"{}", "application/json", 415),
        (b"{}", "multipart/form-data", 415),
        (b"--x\r\n" + b"A" * 9999 + b": b\r\n\r\n", "multipart/form-data; boundary=x", 400),
        (b"--" + b"x" * 999, "multipart/form-data; boundary=" + "x" * 999, 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 80 + b"--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n'
            + b"a" * 70000
            + b"\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n' * 2 + b"--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
        ),
        (
            b"--x\r\n" + b"A: b\r\n" * 99 + b"\r\n1\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            400,
        ),
    ],
)
def test_damaged_forms(server, body, kind, status):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", PATH, body, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status == status
    assert json.loads(answer.read())["error"]["type"] == "invalid_request_error"
    connection.close()


def test_compressed_forms(server):
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Encoding": "gzip"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", PATH, b"", headers)
    answer = connection.getresponse()
    assert answer.status == 415 and b"without Content-Encoding" in answer.read()
    connection.close()


def test_mutated_uploads(server, tmp_path):
    """Two hundred damaged files of several formats make neither crash nor leftover."""
    samples, rate = soundfile.read(NAME, dtype="float32")
    files = [NAME.read_bytes()]
    for format in ("FLAC", "OGG", "MP3", "AIFF", "W64"):
        soundfile.write(tmp_path / format, samples, rate, format=format)
        files.append((tmp_path / format).read_bytes())
    files.append((ROOT / "asr/models/default/model.json").read_bytes())
    chance = random.Random(1)

    def mutated():
        data = bytearray(chance.choice(files))
        for _ in range(chance.randrange(1, 40)):
            place = int(len(data) * chance.random() ** 4)
            data[place] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[int(len(data) * chance.random()) :]
        return bytes(data) or b"x"

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda data: post(server, data)[0], [mutated() for _ in range(200)])]
    assert set(answers) == {200, 400}
    assert is_well(server)


def test_log_tells_no_words(server):
    is_well(server)
    line = server.logged(audio_seconds=...)
    text = "\n".join(server.lines)
    assert TEXT not in text and "a.wav" not in text and "127.0.0.1" not in text.split("\n", 1)[-1]
    assert {"time", "level", "event", "id", "route", "status", "seconds"} <= line.keys()


def test_metrics(server):
    is_well(server)
    text = server.get("/metrics")[1]
    for name in ("asr_requests_total", "asr_request_seconds_bucket", "asr_audio_seconds_total"):
        assert name in text
    assert server.metric("asr_queue_recordings") == 0


class Load:
    """Clients that upload a file again and again, until the server is gone."""

    def __init__(self, server, clients):
        self.statuses, self.wrong = [], []
        self.ended = False
        self._server, self._data = server, NAME.read_bytes()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self.ended:
            try:
                status, headers, body = post(self._server, self._data, timeout=20)
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException):
                self.statuses.append(0)
                continue
            self.statuses.append(status)
            right = json.loads(body).get("text") == TEXT if status == 200 else True
            if not right or (status == 503 and "retry-after" not in headers):
                self.wrong.append((status, body))

    def join(self):
        self.ended = True
        for thread in self._threads:
            thread.join()


def test_sigterm_under_load(tmp_path):
    with serving(environment={"TMPDIR": str(tmp_path)}) as server:
        load = Load(server, 16)
        wait_for(lambda: load.statuses.count(200) > 10)
        stalled = half(server)
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        load.join()
        answer = stalled.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 503") and b"retry-after" in answer.lower()
        stalled.close()
    assert set(load.statuses) <= {200, 503, 0} and not load.wrong
    assert not any(line.get("level") == "error" for line in server.log), server.lines
    assert not list(tmp_path.iterdir())


def test_sigterm_lets_a_long_recording_end(tmp_path):
    data = repeated(tmp_path / "long.flac", 200).read_bytes()
    with serving() as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, server, data)
        wait_for(lambda: open_files(server.process.pid))
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        status, _, body = waiting.result()
        assert server.wait() == 0
    assert status in (200, 503)
    assert status == 503 or json.loads(body)["text"].startswith(TEXT)


def test_sigkill_under_load(tmp_path):
    with serving(environment={"TMPDIR": str(tmp_path)}) as server:
        load = Load(server, 8)
        wait_for(lambda: load.statuses.count(200) > 10)
        children = _children(server.process.pid)
        assert children
        server.process.kill()
        load.join()
        wait_for(lambda: not any(os.path.exists(f"/proc/{child}") for child in children))
    assert not load.wrong
    assert not list(tmp_path.iterdir())


def _children(pid):
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += map(int, file.read().split())
    return children


def test_full_disk():
    """No file can become larger than 64 KiB, as on a disk that is full."""
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (1 << 16, 1 << 16));"
    program = limit + "from asr.cli.main import main; main()"
    with serving(program=program) as server:
        status, headers, body = post(server, NAME.read_bytes())
        assert (status, headers["retry-after"]) == (503, "30")
        assert "cannot store uploads" in json.loads(body)["error"]["message"]
        warning = server.logged(level="warning")
        assert warning["event"] == "an upload cannot be stored"
        assert warning["reason"] == "File too large"
        assert server.get("/health")[0] == 200
        wait_for(lambda: not open_files(server.process.pid))
        small = ROOT / "samples/flite-rms-short-answer.wav"
        assert post(server, small.read_bytes())[0] == 200


def test_two_servers_on_a_port():
    with serving(ready=False) as server:
        done = run("serve", "--port", server.port)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: port {server.port} of 127.0.0.1 is in use by another program; choose one with "
        "--port\n"
    )


def test_full_queue():
    with serving("--max-queue", 2) as server, ThreadPoolExecutor(16) as pool:
        data = NAME.read_bytes()
        answers = [*pool.map(lambda _: post(server, data), range(48))]
        statuses = [status for status, _, _ in answers]
        assert set(statuses) == {200, 503}
        refused = next(answer for answer in answers if answer[0] == 503)
        assert int(refused[1]["retry-after"]) >= 1
        assert json.loads(refused[2])["error"]["code"] == "server_busy"
        assert server.metric('asr_refused_total{reason="queue"}') == statuses.count(503)


def test_too_many_connections():
    with serving(settings={"max_connections": 4}) as server:
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
        time.sleep(0.2)
        last = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        assert last.recv(1 << 12).startswith(b"HTTP/1.1 503")
        for client in [*clients, last]:
            client.close()
        wait_for(lambda: server.get("/health")[0] == 200)


def test_long_recording_does_not_hold_up_short_ones(tmp_path):
    data = repeated(tmp_path / "long.flac", 200).read_bytes()
    with serving() as server, ThreadPoolExecutor(1) as pool:
        assert is_well(server)
        long = pool.submit(post, server, data, timeout=60)
        wait_for(lambda: open_files(server.process.pid))
        for _ in range(3):
            assert post(server, NAME.read_bytes())[0] == 200
        assert not long.done()
        assert long.result()[0] == 200


def test_a_model_that_cannot_be_loaded(tmp_path):
    done = run("serve", "--port", 0, "--model", tmp_path, timeout=30)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'model.json'}: cannot be")


def test_an_extra_that_is_missing():
    import subprocess
    import sys

    code = "import sys; sys.modules['uvicorn'] = None; from asr.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: asr serve needs uvicorn, which is not installed;")
    assert 'pip install "bigru-asr[serve]"' in done.stderr and len(done.stderr.splitlines()) == 1


def test_settings_from_the_environment():
    with serving(environment={"ASR_SERVE_LANGUAGE": "fr", "ASR_SERVE_MAX_UPLOAD": "1"}) as server:
        _, _, body = post(server, NAME.read_bytes(), [("language", "en")])
        assert "recognises fr, not 'en'" in body
        assert post(server, bytes(2 << 20))[0] == 413


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ASR_SERVE_API_KEYFILE", "did you mean ASR_SERVE_API_KEY_FILE?"),
        ("ASR_SERVE_QQ", "see asr serve --help"),
    ],
)
def test_a_setting_that_is_none(name, advice, monkeypatch):
    monkeypatch.setenv(name, "x")
    done = run("serve")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: the environment variable {name} is no option; {advice}\n")
