"""OpenAI's client, unchanged, against a server; answers equal those of ``asr transcribe``."""

import io
import json
import re

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT
from servers import multipart, serving

from asr.text import Vocabulary

openai = pytest.importorskip("openai")
NAME = ROOT / "samples/flite-slt-spelled-name.wav"
SHORT = ROOT / "samples/flite-rms-short-answer.wav"
TEXTS = {path: path.with_suffix(".txt").read_text().strip() for path in [NAME, SHORT]}


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def transcribe(client):
    """A function that transcribes a file with the client."""

    def transcribe(path=NAME, **options):
        with open(path, "rb") as file:
            return client.audio.transcriptions.create(
                **{"model": "whisper-1", "file": file, **options}
            )

    return transcribe


def command(format, path=NAME, *arguments):
    """Return the output of ``asr transcribe --verbatim``."""
    done = run("transcribe", path, "--verbatim", "-f", format, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json(transcribe):
    answer = transcribe()
    assert answer.text == TEXTS[NAME]
    assert answer.usage.type == "duration"
    assert answer.usage.seconds == pytest.approx(2.46, abs=0.01)


@pytest.mark.parametrize(("format", "same"), [("text", "txt"), ("srt", "srt"), ("vtt", "vtt")])
def test_formats_equal_those_of_the_command(transcribe, format, same):
    assert transcribe(response_format=format) == command(same)


@pytest.mark.parametrize("chosen", [None, ["segment"], ["word"], ["word", "segment"]])
def test_verbose_json_equals_the_command(transcribe, chosen):
    options = {} if chosen is None else {"timestamp_granularities": chosen}
    answer = transcribe(response_format="verbose_json", **options)
    expected = json.loads(command("json"))
    assert (answer.text, answer.duration) == (expected["text"], expected["duration"])
    assert answer.language == "english"
    if chosen and "word" in chosen:
        words = [word.model_dump() for word in answer.words]
        assert words == expected["words"]
    else:
        assert answer.words is None
    if chosen == ["word"]:
        assert answer.segments is None
    else:
        got = [(x.start, x.end, x.text.removeprefix(" ")) for x in answer.segments]
        assert got == [(x["start"], x["end"], x["text"]) for x in expected["segments"]]
        assert "".join(x.text for x in answer.segments).strip() == answer.text
        assert all(x.avg_logprob <= 0 and x.compression_ratio > 0 for x in answer.segments)


def test_stream(transcribe):
    events = [*transcribe(stream=True)]
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[0].delta == events[-1].text == TEXTS[NAME]
    with pytest.raises(openai.BadRequestError, match="not readable as audio"):
        transcribe(file=("a.wav", b"no audio"))


def test_stream_of_a_long_recording(transcribe, tmp_path):
    samples, rate = soundfile.read(SHORT, dtype="float32")
    pause = np.zeros(2 * rate, np.float32)
    path = tmp_path / "long.flac"
    soundfile.write(path, np.concatenate([samples, pause] * 24), rate)
    events = [*transcribe(path, stream=True)]
    deltas = [event.delta for event in events[:-1]]
    assert len(deltas) == 24
    assert "".join(deltas) == events[-1].text == transcribe(path).text
    assert events[-1].text == command("txt", path).replace("\n", " ").strip()
    assert [segment["text"] for segment in events[-1].segments] == [x.strip() for x in deltas]


def test_stream_fails_with_an_event(transcribe):
    with pytest.raises(openai.APIError, match="not readable as audio"):
        [*transcribe(file=("a.wav", b"no audio"), stream=True)]


def test_prompt_is_hot_words(transcribe):
    expected = command("txt", SHORT, "--hotword", "repeat", "--hotword", "erase").strip()
    assert transcribe(SHORT, prompt="Repeat, erase! ?? 漢").text == expected
    assert transcribe(SHORT, prompt="漢字 §").text == transcribe(SHORT).text


def test_read_prompt():
    from asr.serving.openai import MAX_HOTWORDS, read_prompt

    vocabulary = Vocabulary.from_characters(" 'abcdefghijklmnopqrstuvwxyz")
    assert read_prompt("It’s Kai_and kai; 42", vocabulary) == ("it's", "kai", "and")
    many = " ".join(a + b for a in "abcdefghijklmno" for b in "abcdefghijk")
    assert len(read_prompt(many, vocabulary)) == MAX_HOTWORDS
    assert read_prompt(101 * "x" + " kai", vocabulary) == ("kai",)


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "eng", "english"])
def test_language_of_the_model(transcribe, language):
    assert transcribe(language=language).text == TEXTS[NAME]


@pytest.mark.parametrize(
    ("options", "status", "param", "message"),
    [
        ({"language": "de"}, 400, "language", "the model default recognises en, not 'de'"),
        ({"model": "none"}, 404, "model", "the model 'none' does not exist"),
        ({"response_format": "doc"}, 400, "response_format", "needs one of json, text, srt"),
        ({"temperature": 3}, 400, "temperature", "needs a number between 0 and 1"),
        (
            {"timestamp_granularities": ["word"]},
            400,
            "timestamp_granularities[]",
            "needs response_format verbose_json",
        ),
        (
            {"timestamp_granularities": ["page"], "response_format": "verbose_json"},
            400,
            "timestamp_granularities[]",
            "needs one of word, segment",
        ),
        ({"stream": True, "response_format": "srt"}, 400, "stream", "needs response_format json"),
        ({"extra_body": {"stream": "yes"}}, 400, "stream", "is 'yes', needs true or false"),
        ({"extra_body": {"temperature": "x" * 999}}, 400, "temperature", "xxx...xxx"),
        ({"file": ("a.wav", b"")}, 400, "file", "needs a field 'file'"),
        ({"file": ("a.wav", b"RIFF")}, 400, "file", "not readable as audio"),
    ],
)
def test_wrong_requests(transcribe, options, status, param, message):
    with pytest.raises(openai.APIStatusError, match=re.escape(message)) as raised:
        transcribe(**options)
    assert (raised.value.status_code, raised.value.param) == (status, param)
    assert raised.value.type == "invalid_request_error"
    assert raised.value.request_id


def test_temperature_is_accepted(transcribe):
    assert transcribe(temperature=0.7).text == TEXTS[NAME]


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert names[:2] == ["default", "whisper-1"]
    assert client.models.retrieve("whisper-1").owned_by == "asr"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("none")


def test_what_does_not_exist(client, server):
    with pytest.raises(openai.NotFoundError, match="there is nothing at POST"):
        client.audio.translations.create(model="whisper-1", file=("a.wav", b"RIFF"))
    status, body = server.get("/v1/audio/transcriptions")
    error = json.loads(body)["error"]
    assert (status, error["type"]) == (405, "invalid_request_error")
    assert error["message"] == "/v1/audio/transcriptions does not know GET, but POST"
    assert error["code"] == "wrong_method"


@pytest.mark.parametrize("stream", [False, True])
def test_subtitle_edit(server, stream):
    """Subtitle Edit asks for verbose_json with both granularities, or for json with events; it
    takes the segments of the last event."""
    import urllib.request

    fields = [("model", "whisper-1"), ("language", "en")]
    if stream:
        fields += [("response_format", "json"), ("stream", "true")]
    else:
        fields += [("response_format", "verbose_json"), ("timestamp_granularities[]", "segment")]
        fields += [("timestamp_granularities[]", "word")]
    body, headers = multipart(fields, ("a.wav", NAME.read_bytes()))
    request = urllib.request.Request(f"{server.url}/v1/audio/transcriptions", body, headers)
    with urllib.request.urlopen(request) as answer:
        kind, text = answer.headers["content-type"], answer.read().decode()
    if stream:
        assert kind.startswith("text/event-stream")
        events = [json.loads(x.removeprefix("data: ")) for x in text.split("\n\n") if x]
        assert events[-1]["type"] == "transcript.text.done"
        segments = events[-1]["segments"]
    else:
        values = json.loads(text)
        assert [word["word"] for word in values["words"]] == values["text"].split()
        segments = values["segments"]
    assert [segment["text"].strip() for segment in segments] == [TEXTS[NAME]]


def test_every_format_of_audio(transcribe):
    samples, rate = soundfile.read(NAME, dtype="float32")
    for format, subtype in [("FLAC", None), ("OGG", "VORBIS"), ("MP3", None)]:
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=format, subtype=subtype)
        assert transcribe(file=("recording", file.getvalue())).text == TEXTS[NAME]


def test_another_search():
    options = {"response_format": "verbose_json", "timestamp_granularities": ["word"]}
    with serving("--decoder", "beam", "--hotword", "repeat:5") as server, SHORT.open("rb") as file:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
        answer = client.audio.transcriptions.create(model="default", file=file, **options)
        client.close()
    expected = json.loads(command("json", SHORT, "--decoder", "beam", "--hotword", "repeat:5"))
    assert [word.model_dump() for word in answer.words] == expected["words"]


def test_another_model_has_the_name_of_its_folder(small_model):
    from asr.serving.models import name_models
    from asr.serving.settings import Settings

    german = name_models(Settings(model=small_model, language="de-DE"), 0)
    assert german.language("de") == german.language("German") == german.language("") == "de"
    models = name_models(Settings(model=small_model), 0)
    assert (models.name, models.language("de"), models.language("")) == ("model", "de", "")
