"""Clients of the Vosk server connect unchanged, and get what they expect."""

import asyncio
import json

import numpy as np
import pytest
import soundfile
import websockets
from conftest import noise
from live_clients import (
    LONG_PAUSES,
    SAMPLES,
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

NUMBER = SAMPLES / "flite-rms-phone-number.wav"
SAID = ["p e t e r s o n", "four one two five five five oh one nine eight"]


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


def talk(server, *arguments, **options):
    return asyncio.run(vosk_talk(server.url, *arguments, **options))


def spoken(rate, pause=1.5):
    """Return 16-bit samples at a rate: two recordings with pauses behind them."""
    parts = []
    for path in (SPELLED, NUMBER):
        samples, own = soundfile.read(path, dtype="float32")
        parts += [resample(samples, own, rate), np.zeros(int(pause * rate), np.float32)]
    return sixteen_bits(np.concatenate(parts))


def test_the_client_of_the_documentation(server):
    answers = asyncio.run(vosk_file(server.url, SPELLED))
    partials = [answer["partial"] for answer in answers if answer.keys() == {"partial"}]
    assert partials[0] == "" and SAID[0] in partials
    (final,) = [answer for answer in answers if answer.get("text")]
    assert final.keys() == {"result", "text"} and final["text"] == SAID[0]
    assert len(partials) == len(answers) - (1 if final is answers[-1] else 2)
    assert [word["word"] for word in final["result"]] == SAID[0].split()
    for word in final["result"]:
        assert word.keys() == {"conf", "end", "start", "word"}
        assert 0 <= word["start"] < word["end"] < 2.5 and 0 <= word["conf"] <= 1


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_rates_of_telephones_and_microphones(server, rate):
    """Each stretch is a result when its pause comes, and times are those of the whole stream."""
    answers = talk(server, cut(spoken(rate), 8000), {"sample_rate": rate})
    assert texts(answers) == SAID
    first, second = [answer["result"] for answer in answers if "result" in answer]
    assert first[-1]["end"] < 2.6 and 3.9 < second[0]["start"] < 4.6


def test_a_client_that_configures_nothing(server):
    """Vosk's server takes such sound for 8000 Hz, and a header for two hundredths of it."""
    samples = spoken(8000)
    file = b"RIFF" + bytes(40) + samples
    answers = talk(server, cut(file, 8000))
    assert texts(answers) == SAID and len(answers) == len(cut(file, 8000)) + 1


@pytest.mark.parametrize("lengths", [(1999, 3), (25_001,), (10**7,)])
def test_packets_of_any_length(server, lengths):
    """Each packet has one answer, however many stretches it ended."""
    packets = cut(spoken(16000), *lengths)
    answers = talk(server, packets, {"sample_rate": "16000"})
    assert len(answers) == len(packets) + 1
    assert " ".join(texts(answers)) == " ".join(SAID)


def test_a_client_that_does_not_wait_for_answers(server):
    """All answers come, one for each packet, though many packets were heard together."""

    async def hasty():
        async with websockets.connect(server.url, max_queue=None) as websocket:
            await websocket.send('{"config": {"sample_rate": 16000}}')
            packets = cut(spoken(16000), 320)
            for packet in packets:
                await websocket.send(packet)
            await websocket.send('{"eof" : 1}')
            return len(packets), [json.loads(answer) async for answer in websocket]

    count, answers = asyncio.run(hasty())
    assert len(answers) == count + 1 and texts(answers) == SAID


@pytest.mark.parametrize("end", ['{"eof" : 1}', '{"eof":1}', ' {"eof": true}\n', b'{"eof" : 1}'])
def test_the_end_is_understood(server, end):
    assert talk(server, [bytes(3200)], end=end) == [{"partial": ""}, {"text": ""}]
    assert talk(server, [], end=end) == [{"text": ""}]


def test_the_connection_is_closed_after_the_end(server):
    assert asyncio.run(end_of(server.url, '{"eof" : 1}')) == (1000, "")


def test_a_reset_gives_the_words_at_once_and_goes_on(server):
    data, rate = read()

    async def push_to_talk():
        answers = []
        async with websockets.connect(server.url) as websocket:
            await websocket.send(json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES}))
            for _ in range(2):
                await websocket.send(data)
                await websocket.recv()
                await websocket.send('{"reset" : 1}')
                answers.append(json.loads(await websocket.recv()))
        return answers

    answers = asyncio.run(push_to_talk())
    assert texts(answers) == 2 * SAID[:1]
    seconds = len(data) / 2 / rate
    assert answers[1]["result"][0]["start"] - answers[0]["result"][0]["start"] == pytest.approx(
        seconds, abs=0.1
    )


def test_forms_of_results(server):
    data, rate = read()

    def last(**config):
        return talk(server, cut(data, 32000), {"sample_rate": rate} | LONG_PAUSES | config)[-1]

    assert last(words=0) == {"text": SAID[0]}
    (only,) = last(max_alternatives=3)["alternatives"]
    assert only["text"] == SAID[0] and 0 < only["confidence"] <= 1
    assert only["result"][0].keys() == {"end", "start", "word"}
    assert talk(server, [], {"max_alternatives": 1}) == [
        {"alternatives": [{"confidence": 1.0, "text": ""}]}
    ]
    partial = talk(server, cut(data, 32000), {"sample_rate": rate, "partial_words": 1})[1]
    assert " ".join(word["word"] for word in partial["partial_result"]) == partial["partial"]
    assert 0 <= partial["stable"] <= len(partial["partial_result"])


def test_answers_look_like_those_of_vosk(server):
    """Some clients look for these characters instead of reading JSON."""

    async def first():
        async with websockets.connect(server.url) as websocket:
            await websocket.send(bytes(320))
            return await websocket.recv()

    assert asyncio.run(first()) == '{\n  "partial" : ""\n}'


def test_a_phrase_list_makes_words_hot(server):
    data, rate = read(NUMBER)
    plain, hot = (
        talk(server, cut(data, 32000), {"sample_rate": rate} | config)[-1]
        for config in ({}, {"phrase_list": ["oh one nine eight", "[unk]", "№"]})
    )
    assert plain["text"] == hot["text"] == SAID[1]
    assert plain["result"] != hot["result"]  # the search has other confidences


def test_the_length_of_pauses(server):
    data = spoken(16000, pause=1.0)
    config = {"sample_rate": 16000, "endpoint_seconds": 3}
    answers = talk(server, cut(data, 32000), config)
    assert texts(answers[:-1]) == [] and texts(answers) == [" ".join(SAID)]


def test_a_configuration_in_the_middle(server):
    """What was said before keeps its rate, and is told with the next answer."""
    data, rate = read()
    low = sixteen_bits(resample(np.frombuffer(data, "<i2") / 32768, rate, 8000))

    async def change():
        answers = []
        async with websockets.connect(server.url) as websocket:
            await websocket.send(json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES}))
            await websocket.send(data)
            await websocket.recv()
            config = LONG_PAUSES | {
                "sample_rate": 8000,
                "phrase_list": ["peterson"],
                "words": False,
            }
            await websocket.send(json.dumps({"config": config}))
            for message in (low, '{"eof": 1}'):
                await websocket.send(message)
                answers.append(json.loads(await websocket.recv()))
        return answers

    assert asyncio.run(change()) == [{"text": SAID[0]}, {"text": SAID[0]}]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("hello", "a text message is not JSON"),
        ("[" * 100_000, "a text message is not JSON"),
        ('{"eof": ' + "9" * 5000 + "}", "a text message is not JSON"),
        ("[1]", "a text message is [1], needs an object"),
        ("{}", 'unknown message; needs "config", "eof" or "reset"'),
        ('{"config": 3}', "config is 3, needs an object"),
        ('{"config": {"sample_rate": "fast"}}', "sample_rate is 'fast', needs a number"),
        ('{"config": {"sample_rate": null}}', "sample_rate is None, needs a number"),
        ('{"config": {"sample_rate": 1e999}}', "sample_rate is inf, needs a number"),
        ('{"config": {"sample_rate": 44}}', "sample rate 44 Hz; needs 4000 to 384000 Hz"),
        (
            '{"config": {"endpoint_seconds": 60}}',
            "endpoint_seconds is 60.0, needs 0.2 <= x <= 10 (pause after which the words "
            "before it are final)",
        ),
        ('{"config": {"max_alternatives": []}}', "max_alternatives is [], needs a number"),
        ('{"config": {"phrase_list": "a"}}', "phrase_list is 'a', needs a list of strings"),
        (
            json.dumps({"config": {"phrase_list": ["x" * 201]}}),
            "phrase_list needs at most 1000 phrases of 200 characters",
        ),
        ('{"config": {"sample_rate": "\\ud83d"}}', r"sample_rate is '\ud83d', needs a number"),
    ],
)
def test_messages_that_nobody_understands(server, message, reason):
    assert asyncio.run(end_of(server.url, message)) == (1007, reason)


def test_words_are_told_before_a_bad_message_ends_the_stream(server):
    data, rate = read()

    async def break_off():
        async with websockets.connect(server.url) as websocket:
            await websocket.send(json.dumps({"config": {"sample_rate": rate} | LONG_PAUSES}))
            await websocket.send(data)
            await websocket.recv()
            await websocket.send("stop")
            return [json.loads(answer)["text"] for answer in [await websocket.recv()]]

    assert asyncio.run(break_off()) == SAID[:1]


@pytest.mark.parametrize("level", [0.0, 0.003])
def test_silence_has_no_words(server, level):
    samples = sixteen_bits(noise(5 * 16000, level=1.0) * level)
    answers = talk(server, cut(samples, 6400), {"sample_rate": 16000})
    assert texts(answers) == [] and {answer.get("partial", "") for answer in answers} == {""}
