"""Properties of recordings are measured, and a model warns of recordings outside its domain."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, make_info, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.meter import AudioMeter
from asr.audio.resample import resample
from asr.data.manifest import read_manifest
from asr.errors import ModelError
from asr.model.directory import read_files, read_model, write_model
from asr.model.domain import DOMAIN, Domain, describe, domain_to_json, read_domain
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.recognition.warnings import domain_warnings
from asr.recognition.words import Word

INFO = make_info()


def hear(samples, portions=()):
    """Return an audio meter that has heard the samples in portions."""
    meter = AudioMeter(INFO.sample_rate, INFO.min_samples)
    for part in np.split(samples.astype(np.float32), portions):
        meter.add(part)
    return meter


def tone(frequency, amplitude, seconds=2.0):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(16000 * seconds)) / 16000)


def test_levels_are_decibels_below_full_scale():
    measures = hear(tone(1000, 0.1)).measures
    assert measures.level == measures.noise == -23  # 20 log10(0.1 / sqrt(2)) = -23.01
    quiet_then_loud = np.concatenate([noise(16000, 0, 1e-4), noise(16000, 1, 0.1)])
    measures = hear(quiet_then_loud).measures
    assert (measures.noise, measures.level) == (
        pytest.approx(-80, abs=1),
        pytest.approx(-20, abs=1),
    )
    assert hear(np.full(16000, 0.3)).measures.level == -120  # direct current has no level


def test_high_band_is_power_per_hertz():
    assert hear(noise(160000)).measures.high_band == pytest.approx(0, abs=0.3)
    both = tone(1000, 0.1) + tone(5500, 0.01)
    bands = 10 * np.log10(3100 / 3000)  # each power is spread over the width of its band
    assert hear(both).measures.high_band == pytest.approx(-20 + bands, abs=0.2)
    telephone = resample(resample(noise(160000), 16000, 8000), 8000, 16000)
    assert hear(telephone).measures.high_band < -60


def test_clipped_samples_are_counted():
    samples = np.clip(noise(16000, 0, 0.5), -1, 1)
    expected = np.mean(np.abs(samples) >= 0.999)
    assert 0.01 < hear(samples).measures.clipped == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5000), st.lists(st.integers(0, 5000), max_size=6).map(sorted))
def test_measures_do_not_depend_on_the_blocks(count, portions):
    whole, parts = hear(noise(count)), hear(noise(count), portions)
    assert whole.duration == parts.duration == count / 16000
    assert (whole.measures is None) == (parts.measures is None) == (count < 512)
    if whole.measures:
        assert parts.measures == replace(
            whole.measures, high_band=pytest.approx(whole.measures.high_band, abs=1e-5)
        )


DOMAIN_OF_NOISE = Domain(
    duration=(1.0, 5.0),
    level=(-30.0, -10.0),
    noise=(-70.0, -50.0),
    high_band=(-30.0, 0.0),
    clipped=0.0,
    confidence=0.8,
    words=frozenset({"yes", "no", "enter"}),
)
GOOD = hear(np.concatenate([noise(8000, 0, 1e-3), noise(8000, 1, 0.1)])).measures


def said(text, confidence=0.9):
    """Return the words of a text, all of the same confidence."""
    words = enumerate(text.split())
    return [Word(word, float(n), n + 0.5, confidence) for n, word in words]


@pytest.mark.parametrize(
    ("changes", "words", "message"),
    [
        ({}, said("yes no"), None),
        ({}, [], None),
        ({"level": -34.0}, [], "near silence: it reaches -34 dB, in training -30 to -10 dB"),
        ({"level": -32.0}, [], None),
        ({"level": -5.0}, [], "loud"),
        ({"clipped": 0.02}, [], "clipped: 2.0 % of the samples"),
        ({"noise": -40.0}, [], "noise or music: its quietest parts have -40 dB"),
        ({"noise": -110.0}, [], None),
        ({"high_band": -50.0}, [], "no high frequencies, as over a telephone"),
        ({"duration": 11.0}, [], "long: 11.0 s without a break, in training 1.0 to 5.0 s"),
        ({}, said("yes no", 0.7), "unsure: the mean confidence of its words is 0.70"),
        ({}, said("yes no on or if"), "outside its domain: 3 of 5 words"),
        ({}, said("on or"), None),
        ({}, said("yes no enter " * 4 + "on or if"), None),
    ],
)
def test_what_is_said_of_a_recording(changes, words, message):
    """A recording outside the training domain gets the warning that names what differs."""
    found = domain_warnings(DOMAIN_OF_NOISE, replace(GOOD, **changes), words, words, True)
    assert len(found) == (message is not None)
    assert message is None or message in found[0]


def test_a_long_recording_may_be_long():
    """The duration of a recording that is read in windows gives no warning."""
    assert domain_warnings(DOMAIN_OF_NOISE, replace(GOOD, duration=3600.0), [], [], False) == ()


def test_confidence_is_that_of_the_network_and_words_are_those_that_come_out():
    found = domain_warnings(DOMAIN_OF_NOISE, GOOD, said("yes no"), said("yxs nq oh", 0.5), True)
    assert len(found) == 1 and found[0].startswith("unsure")


def test_a_domain_is_described_by_quantiles():
    measures = [replace(GOOD, level=float(n), clipped=n / 1000) for n in range(201)]
    domain = describe(measures, [n / 100 for n in range(101)], ["yes no", "no enter"])
    assert domain.level == (1.0, 199.0) and domain.clipped == 0.199
    assert domain.confidence == 0.02
    assert domain.words == {"yes", "no", "enter"}
    assert describe(measures, [], []).confidence == 0.0


@pytest.fixture
def model(small_model, tmp_path):
    """A model directory with a training domain."""
    info = read_model(small_model)
    files = {**read_files(small_model, info), DOMAIN: domain_to_json(DOMAIN_OF_NOISE)}
    write_model(tmp_path / "model", info, files)
    return tmp_path / "model"


def test_what_was_written_is_read(model, small_model):
    assert read_domain(model, read_model(model)) == DOMAIN_OF_NOISE
    assert read_domain(small_model, read_model(small_model)) is None


@pytest.mark.parametrize("change", [{"level": 3}, {"noise": [1, 2, 3]}, {"words": 1}, None, []])
def test_another_description(model, change):
    """A domain.json that does not describe a training domain is refused."""
    values = json.loads(domain_to_json(DOMAIN_OF_NOISE))
    values = {**values, **change} if isinstance(change, dict) else change
    files = {**read_files(model, read_model(model)), DOMAIN: json.dumps(values).encode()}
    info = write_model(model, read_model(model), files)
    with pytest.raises(ModelError, match=r"domain\.json"):
        read_domain(model, info)


def test_the_transcriber_warns(model):
    warnings = Transcriber(model).transcribe(noise(16000, 0, 0.5)).warnings
    assert any(warning.startswith("noise or music") for warning in warnings)


def share_with_warnings(paths):
    """Return the share of recordings that get a warning from AN4's model."""
    results = list(Transcriber(ROOT / "recipes/an4/model").transcribe_many(paths))
    assert all(isinstance(result, Transcript) for result in results)
    return np.mean([bool(result.warnings) for result in results])


def test_hardly_any_recording_of_its_own_kind_gets_a_warning(an4):
    items = read_manifest(an4 / "test.jsonl")
    assert share_with_warnings([item.audio for item in items]) <= 0.05


def test_nearly_every_recording_of_another_kind_gets_one(librispeech):
    assert share_with_warnings(sorted(librispeech.rglob("*.flac"))) >= 0.9
