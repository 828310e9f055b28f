"""Each operation of augmentation does what it promises, and depends on its seed alone."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from conftest import ROOT, noise

from asr.training.augment import (
    Augmenter,
    add_noise,
    babble,
    coloured_noise,
    fit_length,
    mask_features,
    perturb_speed,
    reverberate,
    speech_power,
    telephone,
    through_codec,
)
from asr.training.config import (
    CODECS,
    AugmentConfig,
    CodecConfig,
    GainConfig,
    NoiseConfig,
    ReverbConfig,
    TelephoneConfig,
)
from asr.training.rooms import draw_room, impulse_response
from asr.training.seeding import rng

RATE = 16000


def tone(hertz, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE).astype(np.float32)


def power(samples):
    """Return the mean square of the samples."""
    return float(np.mean(np.square(samples, dtype=np.float64)))


def test_speed_changes_length_and_pitch():
    fast = perturb_speed(tone(400), 1.25)
    assert len(fast) == 12800
    spectrum = np.abs(np.fft.rfft(fast * np.hanning(len(fast))))
    assert abs(np.argmax(spectrum) * RATE / len(fast) - 500) < 3


@pytest.mark.parametrize(("slope", "decibels"), [(0.0, 0.0), (1.0, 3.01)])
def test_noise_falls_by_so_many_decibels_an_octave(slope, decibels):
    """The power density of white noise is flat, that of pink noise falls by 3 dB an octave."""
    spectrum = np.abs(np.fft.rfft(coloured_noise(rng(1), 1 << 18, slope))) ** 2
    frequencies = np.fft.rfftfreq(1 << 18, 1 / RATE)
    low, high = (
        spectrum[(frequencies >= f) & (frequencies < 2 * f)].mean() for f in (1000.0, 2000.0)
    )
    assert 10 * np.log10(low / high) == pytest.approx(decibels, abs=0.2)


def test_the_ratio_of_noise_is_to_speech_without_its_pauses():
    """Noise is added at a ratio to the power of the speech without its pauses."""
    speech = np.concatenate([np.zeros(RATE), tone(300), np.zeros(2 * RATE)]).astype(np.float32)
    assert speech_power(speech, RATE) == pytest.approx(0.5, rel=0.01)
    noisy = add_noise(speech, noise(len(speech)), 10.0, RATE)
    assert 10 * np.log10(0.5 / power(noisy - speech)) == pytest.approx(10, abs=0.1)
    assert add_noise(speech, np.zeros_like(speech), 10.0, RATE) is speech
    silent = np.zeros(RATE, np.float32)
    assert not add_noise(silent, noise(RATE), 10.0, RATE).any()
    # Speech shorter than a frame survives too.
    assert np.isfinite(add_noise(noise(10), noise(10), 0.0, RATE)).all()


def test_babble_is_of_equally_loud_talkers():
    """The talkers of babble are equally loud, whatever their recordings were."""
    loud, soft = tone(300), 0.01 * tone(700)
    mixed = babble([loud, soft], RATE, rng(1))
    spectrum = np.abs(np.fft.rfft(mixed))
    assert spectrum[300] == pytest.approx(spectrum[700], rel=0.01)
    assert len(babble([], 100, rng(1))) == 100


@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000])
def test_a_stretch_is_as_long_as_asked_for(count):
    stretch = fit_length(np.arange(100, dtype=np.float32), count, rng(1))
    assert len(stretch) == count
    assert set(np.diff(stretch)) <= {1.0, -99.0}


def test_a_room_has_its_direct_sound_its_first_echo_and_its_reverberation_time():
    size = np.array([6.0, 5.0, 3.0])
    source, microphone = np.array([1.0, 2.0, 1.5]), np.array([4.0, 2.0, 1.5])
    response = impulse_response(size, source, microphone, 0.4, RATE)
    assert response[0] == 1.0
    # The first echoes come from floor and ceiling, both 1.5 m away, on paths of sqrt(3² + 3²) m.
    echo = round((np.sqrt(18) - 3) / 343 * RATE)
    assert np.flatnonzero(response[1:])[0] + 1 == echo
    volume, surface = 90.0, 2 * (30 + 15 + 18)
    reflection = np.sqrt(1 - 0.161 * volume / (surface * 0.4))
    assert response[echo] == pytest.approx(2 * reflection * 3 / np.sqrt(18))
    # Schroeder's backward integral falls by 60 dB in about the time asked for.
    decay = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    first, second = (int(np.argmax(decay < level)) for level in (-5, -25))
    assert 3 * (second - first) / RATE == pytest.approx(0.4, rel=0.35)


def test_reverberation_keeps_length_level_and_place():
    speech = np.zeros(RATE, np.float32)
    speech[4000:8000] = noise(4000)
    wet = reverberate(speech, draw_room(rng(3), 0.3, RATE))
    assert wet.shape == speech.shape and wet.dtype == np.float32
    assert power(wet) == pytest.approx(power(speech), rel=1e-4)
    assert np.abs(wet[:4000]).max() < 1e-6 and power(wet[8000:9000]) > 0


def test_the_telephone_takes_what_is_above_and_below_its_band():
    for hertz, kept in ((200, False), (1000, True), (3000, True), (5000, False)):
        ratio = power(telephone(tone(hertz), RATE, low_cut=300)[2000:-2000]) / 0.5
        assert (ratio > 0.8) if kept else (ratio < 0.2), hertz
    assert power(telephone(tone(200), RATE)[2000:-2000]) > 0.45
    assert len(telephone(noise(12345), RATE)) == 12345


@pytest.mark.parametrize("kind", CODECS)
def test_codecs_keep_length_and_sound(kind):
    speech, rate = soundfile.read(ROOT / "samples/flite-awb-date.wav", dtype="float32")
    coded = through_codec(speech, rate, kind)
    assert coded.shape == speech.shape and not np.array_equal(coded, speech)
    # The spectra go up to 4 kHz.
    spectra = [np.abs(np.fft.rfft(x))[: len(x) // 8] for x in (speech, coded)]
    assert np.corrcoef(spectra)[0, 1] > 0.95


ALL = AugmentConfig(
    reverb=ReverbConfig(1.0),
    noise=NoiseConfig(1.0),
    telephone=TelephoneConfig(1.0),
    codec=CodecConfig(1.0),
    gain=GainConfig(1.0),
)


def test_an_augmenter_depends_on_its_generator_alone(speech):
    augmenter = Augmenter(ALL, RATE, draw_talker=lambda rng: noise(int(rng.integers(1, 9000))))
    first = augmenter(speech, 1.1, rng(1, "a"))
    assert np.array_equal(first, augmenter(speech, 1.1, rng(1, "a")))
    assert not np.array_equal(first, augmenter(speech, 1.1, rng(1, "b")))
    assert first.dtype == np.float32 and np.abs(first).max() <= 1
    assert len(first) == len(perturb_speed(speech, 1.1))
    assert not np.array_equal(augmenter(speech, 1.0, rng(1)), speech)


def test_nothing_is_changed_without_a_probability(speech):
    assert np.array_equal(Augmenter(AugmentConfig(), RATE)(speech, 1.0, rng(1)), speech)


def test_silence_around_the_speech(speech):
    augmenter = Augmenter(AugmentConfig(), RATE)
    faint, befores = 0, []
    for seed in range(40):
        samples = augmenter(speech, 1.0, rng(seed), silence=0.5)
        assert len(samples) == len(speech) + 8000
        (before,) = (
            start
            for start in (np.flatnonzero(samples[:8001] == speech[0]).tolist())
            if np.array_equal(samples[start : start + len(speech)], speech)
        )
        around = np.concatenate([samples[:before], samples[before + len(speech) :]])
        befores.append(before)
        if around.any():
            faint += 1
            level = 20 * np.log10(np.sqrt(np.mean(around**2)))
            assert -91 < level < -49
    assert 10 <= faint <= 30 and min(befores) < 1500 and max(befores) > 6500


@pytest.mark.parametrize("section", ["reverb", "noise", "telephone", "codec", "gain"])
def test_each_section_acts_with_its_probability(speech, section):
    value = replace(getattr(AugmentConfig(), section), probability=0.5)
    augmenter = Augmenter(AugmentConfig(**{section: value}), RATE)
    short = speech[:8000]
    changed = sum(not np.array_equal(augmenter(short, 1.0, rng(i)), short) for i in range(40))
    assert 10 <= changed <= 30


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_very_short_and_silent_audio_survives(count):
    augmenter = Augmenter(ALL, RATE, draw_talker=lambda rng: noise(100))
    for samples in (noise(count), np.zeros(count, np.float32)):
        for seed in range(6):
            changed = augmenter(samples, 0.9, rng(seed))
            assert np.isfinite(changed).all() and np.abs(changed).max(initial=0) <= 1


def test_masks_stay_within_their_limits():
    options = AugmentConfig(
        frequency_masks=1, frequency_width=5, time_masks=1, time_width=8, time_share=0.2
    )
    features = torch.ones(40, 50, 20)
    lengths = torch.full((40,), 30)
    masked = mask_features(features, lengths, options, [rng(1, i) for i in range(40)])
    bins = (masked[:, 40:] == 0).all(1).sum(1)
    frames = (masked == 0).all(2).sum(1)
    assert bins.max() == 5 and frames.max() == 6 and frames.min() == 0
    again = mask_features(features, lengths, options, [rng(1, i) for i in range(40)])
    assert torch.equal(masked, again)
    other = mask_features(features, lengths, options, [rng(2, i) for i in range(40)])
    assert not torch.equal(masked, other)
