"""A server in a thread, and clients of its WebSockets as the documentation of others shows them."""

import asyncio
import json
import threading
import wave
from contextlib import contextmanager
from functools import partial

import numpy as np
import soundfile
import uvicorn
import websockets
from conftest import ROOT

from asr.recognition.transcriber import Transcriber
from asr.serving.app import make_app
from asr.serving.settings import Settings
from asr.serving.websocket_protocol import WebSocketProtocol

SAMPLES = ROOT / "samples"
SPELLED = SAMPLES / "flite-slt-spelled-name.wav"
LONG_PAUSES = {"endpoint_seconds": 2}
"""The part of a configuration with which nothing is final before the end of that recording."""


class Running:
    """A server that runs in a thread; ``url`` is that of its WebSockets."""

    def __init__(self, **settings):
        self.settings = Settings(port=0, **settings)
        load = partial(Transcriber, display=False)
        self.app = make_app(self.settings, None if "model" in settings else load)
        config = uvicorn.Config(
            self.app,
            port=0,
            lifespan="on",
            log_config=None,
            ws=WebSocketProtocol,
            ws_max_size=self.settings.max_message,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
        )
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run)

    def __enter__(self):
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive()
            threading.Event().wait(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self._thread.join()

    @property
    def metrics(self):
        """What the server counts."""
        return self.app.state.metrics

    def call(self, function, *arguments):
        """Call a coroutine function in the server's thread, and return its result."""
        loop = self.server.servers[0].get_loop()
        return asyncio.run_coroutine_threadsafe(function(*arguments), loop).result()


@contextmanager
def serving(**settings):
    """Run a server with these settings; the texts of the model in the package are as recognised."""
    with Running(**settings) as running:
        yield running


def sixteen_bits(samples):
    """Return samples within -1 and 1 as bytes of 16 bits."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def read(path=SPELLED):
    """Return the bytes of a recording of 16 bits, and its rate."""
    samples, rate = soundfile.read(path, dtype="int16")
    return samples.astype("<i2").tobytes(), rate


async def vosk_file(uri, path):
    """Send a file as Vosk's documentation does, and return the answers."""
    answers = []
    async with websockets.connect(uri) as websocket:
        with wave.open(str(path), "rb") as wf:
            rate = wf.getframerate()
            await websocket.send(f'{{ "config" : {{ "sample_rate" : {rate} }} }}')
            buffer_size = int(rate * 0.2)
            while data := wf.readframes(buffer_size):
                await websocket.send(data)
                answers.append(json.loads(await websocket.recv()))
        await websocket.send('{"eof" : 1}')
        answers.append(json.loads(await websocket.recv()))
    return answers


async def vosk_talk(uri, packets, config=None, end='{"eof" : 1}'):
    """Send packets, each after the answer to the one before, and return the answers."""
    answers = []
    async with websockets.connect(uri, max_size=None) as websocket:
        if config is not None:
            await websocket.send(json.dumps({"config": config}))
        for packet in packets:
            await websocket.send(packet)
            answers.append(json.loads(await websocket.recv()))
        if end:
            await websocket.send(end)
            answers.append(json.loads(await websocket.recv()))
    return answers


def texts(answers):
    """Return the texts of the answers that are final and not empty."""
    return [answer["text"] for answer in answers if answer.get("text")]


def cut(data, *lengths):
    """Divide bytes into packets of these lengths, again and again."""
    packets, at = [], 0
    while at < len(data):
        length = lengths[len(packets) % len(lengths)]
        packets.append(data[at : at + length])
        at += length
    return packets


async def end_of(url, *messages):
    """Send messages, and return the close code and the reason that the server gives."""
    async with websockets.connect(url) as websocket:
        for message in messages:
            await websocket.send(message)
        await websocket.wait_closed()
        return websocket.close_code, websocket.close_reason
