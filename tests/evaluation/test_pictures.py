"""Spectrograms and posteriors that the report shows."""

import base64

import numpy as np
import pytest
import torch
from conftest import make_info, noise, tone
from decoders import write_decoder

from asr.decoding.alignment import align
from asr.decoding.attention import read_scorer
from asr.evaluation.pictures import BANDS, LONGEST, Spelling, picture, spectrogram, spell_out

RATE = 16000


@pytest.mark.parametrize("hertz", [300, 1000, 4000, 7800])
def test_a_tone_is_in_its_band(hertz):
    shades = spectrogram(tone(hertz).astype(np.float32), RATE)
    assert shades.shape == (BANDS, 98)  # 1 + (1 s - 25 ms) / 10 ms
    assert np.all(shades.argmax(0) == int(hertz / (RATE / 2) * BANDS))
    assert shades.max() == 255


@pytest.mark.parametrize("samples", [0, 1, 400, 401])
def test_short_recordings(samples):
    """Recordings shorter than a frame have a spectrogram too."""
    assert spectrogram(np.zeros(samples, np.float32), RATE).shape[0] == BANDS


def test_posteriors_of_the_symbols_that_were_heard():
    """A picture shows the symbols that were heard, without the frames of the padding."""
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


def test_where_a_decoder_looks():
    """Its weights and the spikes of CTC are those of the frames within the recording."""
    info = make_info(padding=1)
    weights = np.array([[0, 1, 0, 0], [0, 0.25, 0.75, 0], [0, 0, 0.5, 0.5]], np.float32)
    log_probs = np.zeros((4, len(info.vocabulary)), np.float32)
    spelling = Spelling(("a", "c", "end"), weights, (1, 2))
    shown = picture(tone(500, 0.08).astype(np.float32), log_probs, info, spelling).values()
    shown = shown["attention"]
    assert (shown["rows"], shown["columns"]) == (3, 2)
    assert (shown["symbols"], shown["spikes"]) == (["a", "c", "end"], [0.02, 0.06])
    shades = np.frombuffer(base64.b64decode(shown["data"]), np.uint8).reshape(3, 2)
    np.testing.assert_allclose(shades, 255 * weights[:, 1:3], atol=0.5)


def test_a_text_is_spelled_out(tmp_path):
    info, network, _ = write_decoder(tmp_path / "model", "dot")
    with torch.no_grad():
        log_probs, encodings, _ = network.encode(
            torch.from_numpy(noise(16000))[None], torch.tensor([16000])
        )
    log_probs, encodings = log_probs[0].numpy(), encodings[0].numpy()
    scorer = read_scorer(tmp_path / "model", info)
    found = spell_out("ab c", log_probs, encodings, scorer, info)
    assert found.symbols == ("a", "b", " ", "c", "end")
    assert found.weights.shape == (5, len(log_probs))
    np.testing.assert_allclose(found.weights.sum(1), 1, atol=1e-5)
    starts, _, _ = align(log_probs, info.vocabulary.encode("ab c"), 0)
    assert found.spikes == tuple(starts)
    long = spell_out("a" * 99, log_probs, encodings, scorer, info)
    assert long.spikes == () and long.weights.shape == (100, len(log_probs))


def test_of_a_long_recording_the_beginning():
    """A picture of a long recording shows its beginning."""
    info = make_info(padding=2)
    samples = np.zeros(round(2 * LONGEST * RATE), np.float32)
    log_probs = np.zeros((2 + 1500 + 2, len(info.vocabulary)), np.float32)
    found = picture(samples, log_probs, info)
    assert found.seconds == LONGEST
    assert found.posteriors.shape == (len(info.vocabulary) - 1, LONGEST / 0.04)
