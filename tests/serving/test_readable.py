"""A server whose model has a tagger answers with readable texts, and with the words as they are."""

import asyncio
import base64
import json
import urllib.request

import numpy as np
import pytest
import soundfile
import websockets
from commands import run
from conftest import ROOT
from live_clients import SPELLED, cut, read, serving, vosk_talk
from servers import multipart
from servers import serving as command_serving
from taggers import make_readable_model

from asr.audio.resample import resample

DIGITS = ROOT / "samples/flite-slt-control-digits.wav"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_readable_model(tmp_path_factory.mktemp("readable"))


@pytest.fixture(scope="module")
def server(model):
    with serving(model=model) as running:
        yield running


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A command with digits, a pause, and a spelled name."""
    (first, rate), (second, _) = [soundfile.read(path) for path in (DIGITS, SPELLED)]
    path = tmp_path_factory.mktemp("recording") / "two.wav"
    soundfile.write(path, np.concatenate([first, np.zeros(rate), second]), rate)
    return path


def post(port, path, **fields):
    """Return the text of the answer to an upload."""
    body, headers = multipart(fields.items(), (path.name, path.read_bytes()))
    url = f"http://127.0.0.1:{port}/v1/audio/transcriptions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return answer.read().decode()


def command(format, path, model, *options):
    """Return the output of ``asr transcribe``."""
    done = run("transcribe", path, "--model", model, "-f", format, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_subtitles_equal_those_of_the_command(server, model, recording, format):
    answer = post(server.port, recording, response_format=format)
    assert answer == command(format, recording, model)
    assert "P-E-T-E-R-S-O-N" in answer and "429" in answer


def test_texts_are_readable(server, recording):
    shown = "Enter 429 P-E-T-E-R-S-O-N"
    assert json.loads(post(server.port, recording))["text"] == shown
    assert post(server.port, recording, response_format="text") == shown + "\n"
    events = [
        json.loads(event.removeprefix("data: "))
        for event in post(server.port, recording, stream="true").split("\n\n")
        if event
    ]
    assert "".join(event["delta"] for event in events[:-1]) == events[-1]["text"] == shown
    assert [segment["text"] for segment in events[-1]["segments"]] == [
        "Enter 429",
        "P-E-T-E-R-S-O-N",
    ]


def test_verbose_json_keeps_the_words(server, model, recording):
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
    values = json.loads(post(server.port, recording, **fields))
    expected = json.loads(command("json", recording, model))
    assert values["text"] == expected["display"] == "Enter 429 P-E-T-E-R-S-O-N"
    assert values["verbatim"] == expected["text"] == "enter four two nine p e t e r s o n"
    assert values["words"] == expected["words"] and values["tokens"] == expected["tokens"]
    values = json.loads(post(server.port, recording, response_format="verbose_json"))
    assert "words" not in values and "tokens" not in values
    assert [segment["text"] for segment in values["segments"]] == [" Enter 429", " P-E-T-E-R-S-O-N"]
    times = [(segment["start"], segment["end"]) for segment in values["segments"]]
    assert times == [(segment["start"], segment["end"]) for segment in expected["segments"]]


def test_clients_of_vosk_get_words_unless_they_ask(server):
    data, rate = read(DIGITS)
    packets = cut(data + bytes(2 * rate), rate)
    answers = asyncio.run(vosk_talk(server.url, packets, {"sample_rate": rate}))
    (final,) = (answer for answer in answers if answer.get("text"))
    assert final["text"] == "enter four two nine" and final.keys() == {"result", "text"}
    config = {"sample_rate": rate, "display": True}
    answers = asyncio.run(vosk_talk(server.url, packets, config))
    (shown,) = (answer for answer in answers if answer.get("text"))
    assert {key: shown[key] for key in final} == final
    assert shown["display"] == "Enter 429"
    assert shown["tokens"] == [
        {"text": "Enter", "first": 0, "last": 1}, {"text": "429", "first": 1, "last": 4}
    ]  # fmt: skip
    assert not any("display" in answer for answer in answers if not answer.get("text"))


def test_packets_that_come_at_once_keep_their_tokens(server):
    """Words that were final at several pauses are one result if they came in one packet."""
    data, rate = read(DIGITS)
    twice = 2 * (data + bytes(4 * rate))
    config = {"sample_rate": rate, "display": True}
    answers = asyncio.run(vosk_talk(server.url, [twice], config))
    (final,) = (answer for answer in answers if answer.get("text"))
    assert final["text"] == "enter four two nine enter four two nine"
    places = [place for token in final["tokens"] for place in range(token["first"], token["last"])]
    assert places == [*range(len(final["result"]))] == [*range(8)]
    assert " ".join(token["text"] for token in final["tokens"]) == final["display"]


def test_realtime_sessions_complete_with_the_readable_form(server):
    """Deltas are words that were recognised, since they come before the whole is known."""
    samples, rate = soundfile.read(DIGITS, dtype="float32")
    samples = np.concatenate([resample(samples, rate, 24000), np.zeros(24000, np.float32)])
    data = (32767 * samples).astype("<i2").tobytes()
    completed = "conversation.item.input_audio_transcription.completed"

    async def talk():
        events = []
        url = f"{server.url}/v1/realtime?intent=transcription"
        async with websockets.connect(url) as websocket, asyncio.timeout(20):
            for packet in cut(data, 9600):
                audio = base64.b64encode(packet).decode()
                event = {"type": "input_audio_buffer.append", "audio": audio}
                await websocket.send(json.dumps(event))
            while not events or events[-1]["type"] != completed:
                events.append(json.loads(await websocket.recv()))
        return events

    events = asyncio.run(talk())
    assert events[-1]["transcript"] == "Enter 429"
    deltas = [event["delta"] for event in events if event["type"].endswith(".delta")]
    assert "".join(deltas) == "enter four two nine"


def test_a_verbatim_server_answers_with_the_words(model, recording):
    with command_serving("--model", model, "--verbatim") as server:
        fields = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
        values = json.loads(post(server.port, recording, **fields))
        assert values["text"] == "enter four two nine p e t e r s o n"
        assert not {"verbatim", "tokens"} & values.keys()
        expected = command("srt", recording, model, "--verbatim")
        assert post(server.port, recording, response_format="srt") == expected
