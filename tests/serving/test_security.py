"""Keys, names of the host, origins, and the headers that pages get."""

import http.client
import json

import pytest
from commands import run
from conftest import ROOT
from servers import serving
from waiting import wait_for

openai = pytest.importorskip("openai")
NAME = ROOT / "samples/flite-slt-spelled-name.wav"
KEYS = ["first-key-0123456789", "second-key-0123456789"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(f"# the keys of two clients\n{KEYS[0]}\n\n{KEYS[1]}\n")
    origin = "https://Pages.example/"
    hosts = ["--allow-host", "Asr.example", "--allow-origin", origin]
    with serving("--api-key-file", path, *hosts) as server:
        yield server


def ask(server, path, method="GET", **headers):
    """Return the answer to a request with just these headers, and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def client(server, key):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.mark.parametrize("key", KEYS)
def test_right_key(server, key):
    with client(server, key) as asking, NAME.open("rb") as file:
        answer = asking.audio.transcriptions.create(model="whisper-1", file=file)
    assert answer.text == "p e t e r s o n"


@pytest.mark.parametrize("key", ["wrong", KEYS[0][:-1], KEYS[0] + "x", "ключ" * 8])
def test_wrong_key(server, key):
    answer, body = ask(
        server,
        "/v1/models",
        Host="localhost",
        Authorization=f"Bearer {key}".encode(),
    )
    error = json.loads(body)["error"]
    assert (answer.status, error["code"]) == (401, "invalid_api_key")
    assert key not in body


def test_wrong_key_of_the_client(server):
    wrong = pytest.raises(openai.AuthenticationError, match="Incorrect API key")
    with client(server, "wrong") as asking, NAME.open("rb") as file, wrong:
        asking.audio.transcriptions.create(model="whisper-1", file=file)


@pytest.mark.parametrize(
    "path", ["/v1/models", "/metrics", "/v1/audio/transcriptions", "/page/../metrics", "/other"]
)
def test_no_key(server, path):
    answer, body = ask(server, path, Host="localhost")
    assert (answer.status, json.loads(body)["error"]["code"]) == (401, "missing_api_key")


def test_health_needs_no_key(server):
    assert ask(server, "/health", Host="localhost")[0].status == 200


def test_keys_are_nowhere(server):
    ask(server, f"/v1/models?key={KEYS[0]}", Host="localhost", Authorization=f"Bearer {KEYS[0]}")
    assert not any(key in line for key in KEYS for line in server.lines)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:1234", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("192.168.1.7:8000", 200),
        ("asr.example", 200),
        ("ASR.EXAMPLE:443", 200),
        ("evil.example", 421),
        ("asr.example.evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
        ("evil.example/localhost", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
def test_host(server, host, status):
    assert ask(server, "/health", Host=host)[0].status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:99", 200),
        ("https://pages.example", 200),
        ("http://pages.example", 403),
        ("https://evil.example", 403),
        ("http://localhost", 403),
        ("http://localhost:99.evil.example", 403),
        ("null", 403),
        ("", 403),
        ("file://localhost:99", 403),
    ],
)
def test_origin(server, origin, status):
    answer, _ = ask(server, "/health", Host="localhost:99", Origin=origin)
    assert answer.status == status
    allowed = answer.getheader("access-control-allow-origin")
    assert allowed == (origin if origin == "https://pages.example" else None)


def test_preflight(server):
    headers = {"Host": "localhost", "Access_Control_Request_Method": "POST"}
    answer, _ = ask(server, "/v1/models", "OPTIONS", Origin="https://pages.example", **headers)
    assert answer.status == 204
    assert "authorization" in answer.getheader("access-control-allow-headers")
    assert (
        ask(server, "/v1/models", "OPTIONS", Origin="https://evil.example", **headers)[0].status
        == 403
    )


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/none"])
def test_headers_for_browsers(server, path):
    answer, _ = ask(server, path, Host="localhost", Authorization=f"Bearer {KEYS[0]}")
    policy = answer.getheader("content-security-policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.getheader("x-content-type-options") == "nosniff"
    assert answer.getheader("cache-control") == "no-store"
    assert answer.getheader("server") is None


def test_refused_websockets_are_no_errors(server):
    """The log tells of a refusal, and of no fault of the server."""
    upgrade = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
    }
    assert ask(server, "/", **upgrade)[0].status == 401
    key = {"Authorization": f"Bearer {KEYS[0]}"}
    assert ask(server, "/health", **upgrade, **key)[0].status == 403
    wait_for(lambda: [line["status"] for line in server.log[-2:]] == [401, 403])
    assert not any(line["level"] == "error" for line in server.log)


def test_paths_with_a_slash_too_many_are_not_redirected(server):
    """A redirection would lead from a proxy that speaks TLS to plain HTTP."""
    key = {"Authorization": f"Bearer {KEYS[0]}"}
    assert ask(server, "/v1/models/", Host="localhost", **key)[0].status == 404
    assert ask(server, "/health/", Host="localhost", **key)[0].status == 404


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--allow-origin", "https://pages.example/app"], "needs the form https://example.org"),
        (["--allow-origin", "*"], "needs the form https://example.org"),
        (["--allow-host", "https://asr.example"], "needs a name alone"),
        (["--allow-host", "asr.example:443"], "needs a name alone"),
        (["--max-hours", "nan"], "max_seconds is nan, needs more than 0"),
    ],
)
def test_settings_that_would_not_hold(options, message):
    done = run("serve", *options)
    assert done.returncode == 1
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_refusals_are_counted(server):
    ask(server, "/health", Host="evil.example")
    _, text = ask(server, "/metrics", Host="localhost", Authorization=f"Bearer {KEYS[0]}")
    assert 'asr_refused_total{reason="unknown_host"}' in text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "asr.example"])
def test_other_addresses_need_keys_or_consent(host):
    done = run("serve", "--host", host)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {host} can be reached from other machines: give")
    assert len(done.stderr.splitlines()) == 1


def test_consent():
    with serving("--host", "0.0.0.0", "--no-auth") as server:
        assert server.get("/health", Host=f"127.0.0.1:{server.port}")[0] == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no key"),
        ("# only a comment\n", "holds no key"),
        ("short\n", "key 1 needs 16 or more characters"),
        ("0123456789abcdef 0123456789\n", "key 1 needs 16 or more characters"),
    ],
)
def test_key_files(tmp_path, content, message):
    path = tmp_path / "keys"
    path.write_text(content)
    done = run("serve", "--api-key-file", path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert f"{path}: {message}" in done.stderr
