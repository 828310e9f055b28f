"""The official client of OpenAI holds realtime transcription sessions with the server."""

import asyncio
import base64
import json
import math

import numpy as np
import pytest
import soundfile
import websockets
from live_clients import SAMPLES, SPELLED, cut, end_of, serving, sixteen_bits

from asr.audio.resample import resample
from asr.recognition.live import LiveConfig
from asr.serving.realtime_session import SILENCE_MILLISECONDS

NUMBER = SAMPLES / "flite-rms-phone-number.wav"
SAID = ["p e t e r s o n", "four one two five five five oh one nine eight"]
TRANSCRIPTION = "conversation.item.input_audio_transcription."


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


def sound(rate=24000, pause=1.0):
    """Return two recordings as samples at a rate, each with a pause behind it."""
    parts = []
    for path in (SPELLED, NUMBER):
        samples, own = soundfile.read(path, dtype="float32")
        parts += [resample(samples, own, rate), np.zeros(int(pause * rate), np.float32)]
    return np.concatenate(parts)


def appended(packet):
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(packet).decode()}


def updated(**heard):
    session = {"type": "transcription", "audio": {"input": heard}}
    return {"type": "session.update", "session": session}


async def talk(url, *events, until):
    """Send events, and return those of the server up to one of a type."""
    async with websockets.connect(f"{url}/v1/realtime?intent=transcription") as websocket:
        for event in events:
            await websocket.send(event if isinstance(event, str | bytes) else json.dumps(event))
        answers = []
        async with asyncio.timeout(9):
            while not answers or answers[-1]["type"] != until:
                answers.append(json.loads(await websocket.recv()))
        return answers


def of(answers, kind):
    return [answer for answer in answers if answer["type"] == kind]


def error_of(server, event):
    return asyncio.run(talk(server.url, event, until="error"))[-1]["error"]


def test_the_official_client_with_pauses_that_the_server_finds(server):
    openai = pytest.importorskip("openai")
    vad = {"type": "server_vad", "silence_duration_ms": 500, "prefix_padding_ms": 100}
    heard = {
        "format": {"type": "audio/pcm", "rate": 24000},
        "noise_reduction": {"type": "near_field"},
        "transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "Peterson"},
        "turn_detection": vad,
    }

    async def captions():
        events = []
        client = openai.AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
        connected = client.realtime.connect(extra_query={"intent": "transcription"})
        async with client, connected as connection:
            include = ["item.input_audio_transcription.logprobs"]
            session = {"type": "transcription", "audio": {"input": heard}, "include": include}
            await connection.session.update(session=session)
            for packet in cut(sixteen_bits(sound()), 24000):
                audio = base64.b64encode(packet).decode()
                await connection.input_audio_buffer.append(audio=audio)
            async for event in connection:
                events.append(event)
                if [event.type for event in events].count(TRANSCRIPTION + "completed") == 2:
                    break
        return events

    events = asyncio.run(captions())
    assert [event.type for event in events[:2]] == ["session.created", "session.updated"]
    session = events[1].session
    assert session.type == "transcription" and session.audio.input.noise_reduction is None
    assert session.audio.input.turn_detection.silence_duration_ms == 500
    assert [event.type for event in events].count(TRANSCRIPTION + "delta") > len(SAID)
    items, begin = [], 0.0
    for text in SAID:
        started, stopped, committed, added, done, completed = (
            next(event for event in events if event.type == kind and item_of(event) not in items)
            for kind in (
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                TRANSCRIPTION + "completed",
            )
        )
        assert committed.previous_item_id == (items[-1] if items else None)
        assert len({*map(item_of, (started, stopped, committed, added, done, completed))}) == 1
        items.append(committed.item_id)
        assert 1000 * begin <= started.audio_start_ms < stopped.audio_end_ms
        assert completed.transcript == text
        assert completed.usage.seconds == pytest.approx(
            stopped.audio_end_ms / 1000 - begin, abs=0.01
        )
        begin = stopped.audio_end_ms / 1000
        deltas = [
            event.delta
            for event in events
            if event.type == TRANSCRIPTION + "delta" and event.item_id == items[-1]
        ]
        assert "".join(deltas) == text
        assert "".join(token.token for token in completed.logprobs) == text
        assert all(-math.inf < token.logprob <= 0 for token in completed.logprobs)


def item_of(event):
    return getattr(event, "item_id", None) or event.item.id


def test_a_client_that_commits(server):
    """Pauses end nothing then; each commit gives all that was said since the one before."""
    packets = [appended(packet) for packet in cut(sixteen_bits(sound()), 48000)]
    answers = asyncio.run(
        talk(
            server.url,
            updated(turn_detection=None),
            *packets,
            {"type": "input_audio_buffer.commit"},
            *packets[:3],
            {"type": "input_audio_buffer.commit"},
            {"type": "input_audio_buffer.clear"},
            until="input_audio_buffer.cleared",
        )
    )
    first, second = of(answers, TRANSCRIPTION + "completed")
    assert first["transcript"] == " ".join(SAID) and second["transcript"] == SAID[0]
    assert first["usage"] == {"type": "duration", "seconds": pytest.approx(8.417, abs=0.01)}
    assert not of(answers, "input_audio_buffer.speech_started")
    assert second["usage"]["seconds"] == pytest.approx(3.0, abs=0.01)
    committed = of(answers, "input_audio_buffer.committed")
    assert committed[1]["previous_item_id"] == committed[0]["item_id"]


def test_what_was_cleared_is_not_transcribed(server):
    packet = appended(sixteen_bits(sound())[: 3 * 48000])
    events = [packet, {"type": "input_audio_buffer.clear"}, {"type": "input_audio_buffer.commit"}]
    answers = asyncio.run(talk(server.url, updated(turn_detection=None), *events, until="error"))
    assert not of(answers, TRANSCRIPTION + "completed")
    error = answers[-1]["error"]
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["message"].endswith("needs at least 100 ms of sound, has 0 ms")


@pytest.mark.parametrize(("kind", "subtype"), [("audio/pcmu", "ULAW"), ("audio/pcma", "ALAW")])
def test_telephone_sound(server, kind, subtype, tmp_path):
    """Bytes of G.711 are the samples that libsndfile reads from them."""
    path = tmp_path / "sound.raw"
    options = {"format": "RAW", "subtype": subtype, "samplerate": 8000}
    soundfile.write(path, sound(8000), **options)
    samples, _ = soundfile.read(path, channels=1, **options)

    def transcript(format, data):
        events = [
            updated(format=format, turn_detection=None),
            appended(data),
            {"type": "input_audio_buffer.commit"},
        ]
        answers = asyncio.run(talk(server.url, *events, until=TRANSCRIPTION + "completed"))
        return answers[-1]["transcript"]

    text = transcript({"type": kind}, path.read_bytes())
    assert text.endswith(SAID[1])
    pcm = (samples * 32768).astype("<i2").tobytes()
    assert text == transcript({"type": "audio/pcm", "rate": 8000}, pcm)


@pytest.mark.parametrize(
    ("event", "code", "param", "message"),
    [
        ("{", "invalid_json", None, "the message is not JSON"),
        (b"{}", "invalid_message", None, "events are text messages; sound is a part of them"),
        ("[]", "invalid_json", None, "an event is an object"),
        ({}, "invalid_value", "type", "transcription sessions know no event of the type None"),
        (
            {"type": "response.create"},
            "invalid_value",
            "type",
            "transcription sessions know no event of the type 'response.create'",
        ),
        (
            {"type": "input_audio_buffer.append", "audio": "å"},
            "invalid_value",
            "audio",
            "is not valid base64",
        ),
        (
            {"type": "input_audio_buffer.append"},
            "invalid_type",
            "audio",
            "needs a string in base64",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime"}},
            "invalid_value",
            "session.type",
            "only transcription sessions are served",
        ),
        (
            updated(voice="alloy"),
            "unknown_parameter",
            "session.audio.input.voice",
            "unknown parameter: 'session.audio.input.voice'",
        ),
        (
            updated(format={"type": "audio/mp3"}),
            "invalid_value",
            "session.audio.input.format.type",
            "needs one of audio/pcm, audio/pcmu, audio/pcma",
        ),
        (
            updated(format={"type": "audio/pcm", "rate": 100}),
            "invalid_value",
            "session.audio.input.format.rate",
            "sample rate 100 Hz; needs 4000 to 384000 Hz",
        ),
        (
            updated(turn_detection={"type": "semantic_vad"}),
            "invalid_value",
            "session.audio.input.turn_detection.type",
            "only server_vad is known; null leaves it to the client",
        ),
        (
            updated(turn_detection={"silence_duration_ms": 20}),
            "invalid_value",
            "session.audio.input.turn_detection.silence_duration_ms",
            "needs a number from 200 to 10000",
        ),
        (
            updated(transcription={"model": "whisper-9"}),
            "model_not_found",
            "session.audio.input.transcription.model",
            "the model 'whisper-9' does not exist",
        ),
        (
            updated(transcription={"language": "de"}),
            "unsupported_language",
            "session.audio.input.transcription.language",
            "the model default recognises en, not 'de'",
        ),
    ],
)
def test_errors_leave_the_session_as_it_was(server, event, code, param, message):
    packet = appended(bytes(4800))
    events = [event, packet, {"type": "input_audio_buffer.commit"}]
    answers = asyncio.run(talk(server.url, *events, until=TRANSCRIPTION + "completed"))
    assert [answer["type"] for answer in answers[:3]] == [
        "session.created",
        "error",
        "input_audio_buffer.committed",
    ]
    error = answers[1]["error"]
    assert error["type"] == "invalid_request_error"
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"].startswith(message)
    assert answers[-1]["transcript"] == ""


def test_hot_words_are_short(server):
    """A word of thousands of letters would keep the server busy for minutes."""
    transcription = {"prompt": 20_000 * "x", "keywords": [5000 * "ab", "peterson"]}
    events = [
        updated(transcription=transcription),
        appended(bytes(9600)),
        {"type": "input_audio_buffer.commit"},
    ]
    answers = asyncio.run(talk(server.url, *events, until=TRANSCRIPTION + "completed"))
    assert answers[-1]["transcript"] == ""


@pytest.mark.parametrize("milliseconds", SILENCE_MILLISECONDS)
def test_pauses_of_the_live_transcription_are_allowed(milliseconds):
    LiveConfig(endpoint_seconds=milliseconds / 1000)


def test_an_error_names_the_event_that_it_is_about(server):
    error = error_of(server, {"type": "x", "event_id": "event_\ud83d"})
    assert error["event_id"] == "event_\ud83d"


def test_other_sessions_are_refused(server):
    code, reason = asyncio.run(end_of(f"{server.url}/v1/realtime?model=gpt-realtime"))
    assert code == 1008
    assert reason == "only transcription sessions are served: /v1/realtime?intent=transcription"


def test_a_session_that_the_server_ends_completes_its_item():
    with serving(live_idle_seconds=0.5) as server:
        packet = appended(sixteen_bits(sound())[: 2 * 48000])
        completed = TRANSCRIPTION + "completed"
        answers = asyncio.run(talk(server.url, packet, until=completed))
    assert answers[-1]["transcript"].startswith("p e t e r s")
