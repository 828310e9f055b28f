"""A live transcription tells words early, and ends with the right ones."""

import numpy as np
import pytest
import soundfile
from conftest import ROOT, noise

import asr
from asr.errors import ConfigError
from asr.recognition.transcriber import Transcriber

RATE = 16000
PACKET = 320  # 20 ms
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.fixture(scope="module")
def transcriber():
    """A transcriber with the default model."""
    return Transcriber()


def spoken(path):
    """Return the samples of a recording."""
    return soundfile.read(path, dtype="float32")[0]


def quiet(seconds, seed=0):
    """Return the faint noise of a room in which nobody speaks."""
    return noise(round(seconds * RATE), seed, 1e-4)


def feed(live, samples, packet=PACKET):
    """Feed ``samples`` packet by packet, and yield (seconds heard, update)."""
    for begin in range(0, len(samples), packet):
        live.hear(samples[begin : begin + packet])
        for update in live.step():
            yield live.duration, update


def finals(updates):
    """Return the finals of updates."""
    return [update for update in updates if isinstance(update, asr.Final)]


def test_words_come_while_they_are_said_and_become_final_in_the_pause(transcriber):
    path = SAMPLES[0]
    whole = transcriber.transcribe(path)
    live = transcriber.live(endpoint_seconds=0.8)
    updates = list(feed(live, np.concatenate([spoken(path), quiet(2)])))
    (final,) = finals(update for _, update in updates)
    assert final.text == whole.text and final.pause
    heard = next(seconds for seconds, update in updates if update is final)
    assert heard - whole.words[-1].end < 0.8 + 0.3
    partials = [(seconds, update) for seconds, update in updates if update is not final]
    first = next(seconds for seconds, partial in partials if partial.words)
    assert first - whole.words[0].end < 0.5
    assert live.finish() == []


def test_a_flush_makes_the_words_final_at_once_and_the_stream_goes_on(transcriber):
    live = transcriber.live(endpoint_seconds=2.0)
    texts = []
    for path in SAMPLES[:2]:
        updates = [update for _, update in feed(live, spoken(path))]
        assert not finals(updates)
        (final,) = finals(live.flush())
        texts.append(final.text)
    assert texts == [transcriber.transcribe(path).text for path in SAMPLES[:2]]
    assert live.flush() == [] == live.finish()


def test_options_are_checked(transcriber):
    with pytest.raises(ConfigError, match=r"live.endpoint_seconds is 0.0, needs"):
        transcriber.live(endpoint_seconds=0.0)
    with pytest.raises(ConfigError, match="unknown key"):
        transcriber.live(endpoint=1.0)
