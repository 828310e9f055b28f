"""Small pictures for the report, and audio for browsers."""

import base64

import numpy as np
import pytest
import soundfile
from conftest import make_info, tone

from asr.evaluation.pictures import BANDS, LONGEST, picture, spectrogram
from asr.report.payload import playable

RATE = 16000


@pytest.mark.parametrize("hertz", [300, 1000, 4000, 7800])
def test_a_tone_is_in_its_band(hertz):
    shades = spectrogram(tone(hertz).astype(np.float32), RATE)
    assert shades.shape == (BANDS, 98)  # 1 + (1 s - 25 ms) / 10 ms
    assert np.all(shades.argmax(0) == int(hertz / (RATE / 2) * BANDS))
    assert shades.max() == 255


@pytest.mark.parametrize("samples", [0, 1, 400, 401])
def test_short_recordings(samples):
    assert spectrogram(np.zeros(samples, np.float32), RATE).shape[0] == BANDS


def test_posteriors_of_the_symbols_that_were_heard():
    info = make_info(padding=1)  # a frame of 40 ms before the recording and one behind it
    size = len(info.vocabulary)
    probabilities = np.full((4, size), 1e-9)
    a, c = (info.vocabulary.encode(letter)[0] for letter in "ac")
    probabilities[1, a], probabilities[2, a], probabilities[2, c] = 0.88, 0.01, 0.49
    samples = tone(500, 0.08).astype(np.float32)
    values = picture(samples, np.log(probabilities), info).values()
    assert values["seconds"] == 0.08 and values["spectrogram"]["top"] == 8000
    shown = values["posteriors"]
    assert (shown["rows"], shown["columns"], shown["symbols"]) == (2, 2, ["a", "c"])
    shades = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(2, 2)
    np.testing.assert_allclose(shades, 255 * np.array([[0.88, 0.01], [0.0, 0.49]]), atol=0.5)


def test_of_a_long_recording_the_beginning():
    info = make_info(padding=2)
    samples = np.zeros(round(2 * LONGEST * RATE), np.float32)
    log_probs = np.zeros((2 + 1500 + 2, len(info.vocabulary)), np.float32)
    found = picture(samples, log_probs, info)
    assert found.seconds == LONGEST
    assert found.posteriors.shape == (len(info.vocabulary) - 1, LONGEST / 0.04)


def test_what_a_browser_plays_is_linked(tmp_path):
    (tmp_path / "a b").mkdir()
    for name in ("one.wav", "two.flac", "three.ogg"):
        path = tmp_path / "a b" / name
        soundfile.write(path, tone(500), RATE)
        assert playable(path, tmp_path / "out", 1) == f"../a%20b/{name}"
    assert not (tmp_path / "out").exists()


def test_what_it_does_not_play_is_converted(tmp_path):
    path = tmp_path / "sphere.wav"  # by its content, not its name
    soundfile.write(path, tone(500), RATE, format="NIST", subtype="PCM_16")
    assert playable(path, tmp_path / "out", 7) == "audio/7.wav"
    samples, rate = soundfile.read(tmp_path / "out" / "audio" / "7.wav")
    assert rate == RATE
    np.testing.assert_allclose(samples, tone(500), atol=1e-4)


def test_what_is_not_there_has_no_url(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    assert playable(tmp_path / "none.wav", tmp_path, 1) is None
    assert playable(tmp_path / "text.wav", tmp_path, 1) is None
