"""Live sessions keep their limits, whatever clients do, and end with all words told."""

import asyncio
import json
import socket as sockets
import subprocess
import sys
import time

import numpy as np
import pytest
import websockets
from live_clients import (
    LONG_PAUSES,
    SPELLED,
    cut,
    end_of,
    read,
    serving,
    sixteen_bits,
    texts,
    vosk_file,
    vosk_talk,
)

from asr.audio.resample import resample
from asr.errors import AudioError
from asr.recognition.live import Final
from asr.recognition.transcriber import Transcriber
from asr.serving.packets import PacketDecoder
from asr.serving.settings import digest

SECOND = bytes(16000)
"""A second of silence at 8 kHz."""


@pytest.fixture(scope="module")
def server():
    with serving(max_live=8) as running:
        yield running


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_packets_of_any_length_give_the_samples_of_the_whole(rate):
    samples = 0.3 * np.random.default_rng(0).normal(size=rate)
    data = sixteen_bits(samples)
    decoder = PacketDecoder("pcm16", rate, 16000)
    parts = [decoder.decode(packet) for packet in cut(data, 1, 3, 640, 333)]
    whole = np.concatenate([*parts, decoder.end()])
    expected = resample(np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate, 16000)
    np.testing.assert_allclose(whole, expected, atol=1e-6)


@pytest.mark.parametrize("rate", [0, -8000, 3999, 1e9, float("nan"), float("inf")])
def test_rates_of_no_use_are_refused(rate):
    with pytest.raises(AudioError, match=r"sample rate .* Hz; needs 4000 to 384000 Hz"):
        PacketDecoder("pcm16", rate, 16000)


@pytest.mark.parametrize("lengths", [(640,), (1,), (777, 1001), (100_000,), (2, 3, 5000)])
def test_results_equal_those_of_the_transcriber(server, lengths):
    data, rate = read()
    data = data[:1999] if lengths == (1,) else data
    answers = asyncio.run(vosk_talk(server.url, cut(data, *lengths), {"sample_rate": rate}))
    live = Transcriber().live()
    decoder = PacketDecoder("pcm16", rate, 16000)
    updates = []
    for packet in cut(data, *lengths):
        live.hear(decoder.decode(packet))
        updates += live.step()
    live.hear(decoder.end())
    updates += live.finish()
    expected = [word for update in updates if isinstance(update, Final) for word in update.words]
    heard = [word for answer in answers for word in answer.get("result", ())]
    assert heard == [
        {
            "conf": pytest.approx(word.confidence, abs=1e-5),
            "start": pytest.approx(word.start, abs=1e-5),
            "end": pytest.approx(word.end, abs=1e-5),
            "word": word.text,
        }
        for word in expected
    ]


def test_eight_sessions_at_once(server):
    async def all_at_once():
        return await asyncio.gather(*(vosk_file(server.url, SPELLED) for _ in range(8)))

    for answers in asyncio.run(all_at_once()):
        assert texts(answers) == ["p e t e r s o n"]


def test_one_session_too_many(server):
    async def crowd():
        async with asyncio.timeout(5):
            crowd = [await websockets.connect(server.url) for _ in range(8)]
            for websocket in crowd:
                await websocket.send(SECOND)
                await websocket.recv()
            refused = await end_of(server.url)
            for websocket in crowd:
                await websocket.close()
            while server.metrics.live._value.get():
                await asyncio.sleep(0.01)
            return refused, await vosk_talk(server.url, [SECOND])

    refused, answers = asyncio.run(crowd())
    assert refused == (1013, "8 live sessions are open; try again later")
    assert answers == [{"partial": ""}, {"text": ""}]


def test_a_client_that_leaves_frees_its_place(server):
    async def leave():
        for _ in range(5):
            websocket = await websockets.connect(server.url)
            await websocket.send(SECOND)
            websocket.transport.abort()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while server.metrics.live._value.get():
                await asyncio.sleep(0.01)

    asyncio.run(leave())


def test_a_message_that_is_too_large():
    with serving(max_message=10_000) as server:
        code, reason = asyncio.run(end_of(server.url, bytes(10_001)))
        assert code == 1009 and reason == "frame with 10001 bytes exceeds limit of 10000 bytes"
        assert asyncio.run(vosk_talk(server.url, [bytes(10_000)]))[-1] == {"text": ""}


def test_idle_and_long_sessions_end_with_their_words():
    data, rate = read()
    config = json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES})

    async def talk(url, *rest):
        async with websockets.connect(url) as websocket:
            answers = []
            await websocket.send(config)
            for message in (data, *rest):
                await websocket.send(message)
                answers.append(json.loads(await websocket.recv()))
            with pytest.raises(websockets.ConnectionClosed) as caught:
                while True:
                    answers.append(json.loads(await websocket.recv()))
            return texts(answers), caught.value.rcvd.code, caught.value.rcvd.reason

    spelled = ["p e t e r s o n"]
    with serving(live_idle_seconds=0.5) as server:
        assert asyncio.run(talk(server.url)) == (spelled, 1008, "no message came for 0.5 s")
    with serving(live_seconds=1.0) as server:
        reason = "a session may hear 1 s of sound"
        assert asyncio.run(talk(server.url, bytes(2))) == (spelled, 1008, reason)
        reason = "a connection lasts at most 1 s"
        assert asyncio.run(talk(server.url)) == (spelled, 1008, reason)


def test_sound_faster_than_real_time_is_held_back(server):
    """The server reads no further than it computes, so that its memory stays bounded."""

    async def flood():
        sent = 0
        async with websockets.connect(server.url, max_queue=None) as websocket:
            await websocket.send('{"config": {"sample_rate": 48000}}')
            began = time.monotonic()
            while time.monotonic() - began < 0.2:
                await websocket.send(bytes(48000))
                sent += 1
            answers = 0
            await websocket.send('{"eof": 1}')
            async for _ in websocket:
                answers += 1
        return sent, answers

    sent, answers = asyncio.run(flood())
    assert answers == sent + 1


def test_a_client_that_never_reads_is_cut_off(server, monkeypatch):
    monkeypatch.setattr("asr.serving.sockets.SEND_SECONDS", 0.3)
    monkeypatch.setattr("asr.serving.websocket_protocol.CLOSE_SECONDS", 0.2)
    (listening,) = server.server.servers[0].sockets
    listening._sock.setsockopt(
        sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096
    )  # connections inherit it
    with sockets.socket() as connection:
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        packet = b"\x82\x82" + bytes(6)  # one sample, masked with zeros
        connection.settimeout(8)
        with pytest.raises((ConnectionError, TimeoutError)) as caught:
            while True:
                connection.sendall(1000 * packet)
        assert not isinstance(caught.value, TimeoutError)


def test_pings_of_a_client_that_never_reads_are_not_answered(server):
    """Their answers would fill the memory."""
    with sockets.socket() as connection:
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in connection.recv(1000)
        ping = b"\x89\xfd" + bytes(4 + 125)
        for _ in range(100):
            connection.sendall(1000 * ping)  # 13 MB in all
        (protocol,) = server.server.server_state.connections
        assert protocol.transport.get_write_buffer_size() < 1 << 18


def test_the_stop_of_the_server_tells_the_last_words():
    data, rate = read()

    async def talk(url, stop):
        async with websockets.connect(url) as websocket:
            await websocket.send(json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES}))
            await websocket.send(data)
            await websocket.recv()
            stopping = asyncio.create_task(asyncio.to_thread(stop))
            last = json.loads(await websocket.recv())
            with pytest.raises(websockets.ConnectionClosed) as caught:
                await websocket.recv()
            await stopping
            return last["text"], caught.value.rcvd.code, await end_of(url)

    with serving() as server:
        last = asyncio.run(talk(server.url, lambda: server.call(server.app.state.live.stop, 5)))
    reason = "the server stops; connect again"
    assert last == ("p e t e r s o n", 1012, (1012, reason))


def test_the_signal_that_ends_the_server(tmp_path):
    """SIGTERM gives live sessions their last words, and ends the server with exit code 0."""
    data, rate = read()
    command = [sys.executable, "-m", "asr", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    async def talk(url):
        async with websockets.connect(url) as websocket:
            await websocket.send(json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES}))
            await websocket.send(data)
            await websocket.recv()
            process.terminate()
            last = json.loads(await websocket.recv())
            await websocket.wait_closed()
            return last["text"], websocket.close_code

    with process:
        try:
            url = process.stderr.readline().strip().replace("http", "ws")
            assert asyncio.run(talk(url)) == ("p e t e r s o n", 1012)
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_keys_and_origins_of_websockets():
    key = "k" * 20
    page = "http://127.0.0.1"

    async def status(server, **options):
        statuses = []
        for path in ("/", "/v1/realtime?intent=transcription"):
            try:
                async with websockets.connect(server.url + path, **options) as websocket:
                    statuses.append(websocket.subprotocol or "open")
            except websockets.InvalidStatus as refused:
                statuses.append(refused.response.status_code)
        return statuses

    with serving(keys=(digest(key),), origins=("https://good.example",)) as server:
        for options, expected in (
            ({}, 401),
            ({"additional_headers": {"Authorization": "Bearer " + "x" * 20}}, 401),
            ({"additional_headers": {"Authorization": f"Bearer {key}"}}, "open"),
            ({"subprotocols": ["realtime", f"openai-insecure-api-key.{key}"]}, "realtime"),
            ({"subprotocols": ["realtime", "openai-insecure-api-key.x"]}, 401),
        ):
            assert asyncio.run(status(server, **options)) == 2 * [expected]
        known = {"additional_headers": {"Authorization": f"Bearer {key}"}}
        for origin, expected in (
            ("https://evil.example", 403),
            ("null", 403),
            ("https://good.example", "open"),
            (f"{page}:{server.port}", "open"),
        ):
            assert asyncio.run(status(server, origin=origin, **known)) == 2 * [expected]


def test_sessions_are_counted(server):
    before = server.metrics.live_audio._value.get()
    asyncio.run(vosk_talk(server.url, [SECOND, SECOND]))
    assert server.metrics.live_audio._value.get() - before == pytest.approx(2, abs=0.01)
    text = server.metrics.text().decode()
    assert 'asr_live_ended_total{code="1000",protocol="vosk"}' in text
    assert "asr_live_step_seconds_count" in text
