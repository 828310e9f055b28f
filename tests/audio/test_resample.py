"""Resampling at once and in blocks, which give the same samples and keep the pitch of a tone."""

import numpy as np
import pytest
from conftest import noise, tone

from asr.audio.resample import resample, resample_blocks


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("size", [1, 999, 100_000])
def test_blocks_give_what_the_whole_gives(rate, size):
    samples = noise(20_000)
    blocks = np.split(samples, range(size, len(samples), size))
    found = np.concatenate([*resample_blocks(blocks, rate, 16000)])
    np.testing.assert_allclose(found, resample(samples, rate, 16000), atol=1e-5)


def test_a_tone_keeps_its_pitch():
    found = resample(tone(440, rate=44100).astype(np.float32), 44100, 16000)
    assert found.dtype == np.float32
    inner = slice(1000, -1000)
    np.testing.assert_allclose(found[inner], tone(440)[inner], atol=1e-3)


def test_the_same_rate_changes_nothing():
    samples = noise(100)
    assert resample(samples, 16000, 16000) is samples
    (block,) = resample_blocks([samples], 16000, 16000)
    assert block is samples


def test_nothing_stays_nothing():
    """No samples give no samples."""
    assert not len(resample(noise(0), 8000, 16000))
    assert not sum(map(len, resample_blocks([], 8000, 16000)))
