"""Tests of degraded recordings: the level of the noise, the talkers of babble, and the bands."""

import miniatures
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from asr.data.manifest import Utterance, read_manifest
from asr.errors import DataError

conditions = miniatures.load("letters_and_digits", "conditions")
ITEMS = [
    Utterance(path, soundfile.info(path).duration, "a b", path.stem, f"speaker {index % 7}")
    for index, path in enumerate(sorted((ROOT / "samples").glob("*.wav")))
]


@pytest.fixture(scope="module")
def talkers():
    return conditions.Talkers(ITEMS)


@pytest.fixture(scope="module")
def copies(talkers, tmp_path_factory):
    """Return the recordings of each condition."""
    folder = tmp_path_factory.mktemp("conditions")
    return {
        condition: read_manifest(conditions.degrade(ITEMS, condition, talkers, folder))
        for condition in conditions.CONDITIONS
    }


def active_power(samples):
    """Return the mean power of the frames of 20 ms that are within 30 dB of the loudest."""
    powers = [
        np.mean(np.square(frame)) for frame in np.split(samples, range(320, len(samples), 320))
    ]
    return np.mean([power for power in powers if power > max(powers) / 1000])


@pytest.mark.parametrize("snr", [20, 10, 5])
def test_the_noise_is_as_far_below_the_speech_as_it_says(copies, snr):
    for place, (item, copy) in enumerate(zip(ITEMS, copies[f"snr{snr}"], strict=True)):
        speech, mixed = (soundfile.read(path)[0] for path in (item.audio, copy.audio))
        noise = mixed - speech * (np.abs(mixed).max() / 0.99 if np.abs(mixed).max() > 0.989 else 1)
        decibels = 10 * np.log10(active_power(speech) / np.mean(np.square(noise)))
        assert decibels == pytest.approx(snr, abs=0.2), item.id
        assert (copy.text, copy.id, copy.speaker) == (item.text, item.id, item.speaker)
        spectrum = np.abs(np.fft.rfft(noise)) ** 2
        low, high = (
            spectrum[len(spectrum) * a // 8 : len(spectrum) * (a + 1) // 8] for a in (1, 6)
        )
        if place % 2 == 0:  # the power of pink noise falls with the frequency, 1.5 to 6.5 kHz here
            assert low.mean() / high.mean() == pytest.approx(6.5 / 1.5, rel=0.2)


def test_six_talkers_who_differ(talkers):
    for seed in range(20):
        drawn = talkers.draw(np.random.default_rng(seed))
        assert len({item.speaker for item in drawn}) == len(drawn) == 6
        assert all(item in ITEMS for item in drawn)
    with pytest.raises(DataError, match="needs 6 speakers, but the talkers are 5"):
        conditions.Talkers(ITEMS[:5])


def test_babble_is_made_of_its_talkers(talkers, monkeypatch):
    """The talkers are drawn for babble, and not for pink noise."""
    heard = []
    draw = conditions.Talkers.draw
    monkeypatch.setattr(
        conditions.Talkers, "draw", lambda self, rng: heard.append(1) or draw(self, rng)
    )
    for place in range(6):
        conditions.noise_for(place, 1000, 16000, talkers)
    assert len(heard) == 3


def shares(path):
    """Return the shares of the power below 200 Hz and above 3.7 kHz."""
    samples, rate = soundfile.read(path)
    assert rate == 8000 and soundfile.info(path).subtype == "PCM_16"
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    return power[hertz < 200].sum() / power.sum(), power[hertz > 3700].sum() / power.sum()


def test_bands(copies):
    for narrow, telephone in zip(copies["8khz"], copies["telephone"], strict=True):
        (low, high), (less, least) = shares(narrow.audio), shares(telephone.audio)
        assert low > 0.03 and less < low / 50
        assert high > 3e-5 and least < high / 500


def test_mp3_has_32_kbit_a_second(copies):
    for item in copies["mp3"]:
        bits = 8 * item.audio.stat().st_size
        seconds = soundfile.info(item.audio).duration
        assert bits / seconds / 1000 == pytest.approx(32, rel=0.1)


def test_the_same_on_every_run_and_of_part_of_the_manifest(copies, talkers, tmp_path):
    for condition in ("snr10", "telephone", "mp3"):
        manifest = conditions.degrade(ITEMS[:4], condition, talkers, tmp_path)
        for item, before in zip(read_manifest(manifest), copies[condition], strict=False):
            assert item.audio.read_bytes() == before.audio.read_bytes()


def test_what_is_at_8_khz_stays_as_it_is(copies, talkers, tmp_path):
    narrow = copies["8khz"]
    again = conditions.degrade(narrow, "8khz", talkers, tmp_path)
    for item, before in zip(read_manifest(again), narrow, strict=True):
        assert item.audio.read_bytes() == before.audio.read_bytes()
