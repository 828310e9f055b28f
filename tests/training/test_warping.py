"""Warped mel filters are those of torchaudio with their frequencies stretched."""

import numpy as np
import pytest
import torch
from conftest import tone

from asr.model.config import FeatureConfig
from asr.training.features import LogMel
from asr.training.seeding import rng
from asr.training.warping import WarpedFilters, warped_filters

CONFIG = FeatureConfig()
TELEPHONE = FeatureConfig(
    sample_rate=8000, window_length=200, hop_length=80, n_fft=256, num_mels=40, f_max=4000.0
)


@pytest.mark.parametrize("config", [CONFIG, TELEPHONE])
def test_a_factor_of_one_is_no_warp(config):
    assert torch.equal(warped_filters(config, 1.0), LogMel(config).mel.mel_scale.fb)


@pytest.mark.parametrize("factor", [0.85, 0.94, 1.06, 1.15])
def test_a_tone_at_the_factor_is_where_the_tone_was(factor):
    """Below the corner, a filter hears at ``factor`` times a frequency what it heard there."""
    log_mel = LogMel(CONFIG)
    filters = torch.stack([warped_filters(CONFIG, 1.0), warped_filters(CONFIG, factor)])
    for hertz in (1500, 2500, 4000):
        tones = torch.from_numpy(np.stack([tone(hertz), tone(hertz * factor)])).float()
        features, _ = log_mel(tones, torch.tensor([16000, 16000]), filters)
        plain, warped = features[:, 50].argmax(1).tolist()
        assert abs(plain - warped) <= 1
        unwarped, _ = log_mel(tones, torch.tensor([16000, 16000]))
        moved = unwarped[1, 50].argmax() - plain
        assert moved < 0 if factor < 1 else moved > 0


@pytest.mark.parametrize("factor", [0.5, 0.85, 1.15, 2.0])
def test_all_filters_stay_in_their_order_within_the_band(factor):
    filters = warped_filters(CONFIG, factor)
    assert torch.isfinite(filters).all() and (filters >= 0).all()
    hertz = torch.linspace(0, 8000, len(filters))
    wide = (filters > 0).sum(0) > 2  # others lie between few points of the transform
    centres = ((filters * hertz[:, None]).sum(0) / filters.sum(0))[wide]
    assert (centres.diff() > 0).all() and wide.sum() > 35
    assert CONFIG.f_min < centres[0] and centres[-1] < CONFIG.f_max


def test_filters_are_drawn_for_an_utterance_whatever_its_batch():
    factors = (0.9, 1.0, 1.1)
    warped = WarpedFilters(CONFIG, factors)
    assert not warped.state_dict() and not list(warped.parameters())
    ids = [f"utterance-{number}" for number in range(40)]
    drawn = warped.draw([rng(1, 0, id, "warp") for id in ids])
    assert torch.equal(drawn[7:9], warped.draw([rng(1, 0, id, "warp") for id in ids[7:9]]))
    counts = [
        sum(torch.equal(one, warped_filters(CONFIG, factor)) for one in drawn) for factor in factors
    ]
    assert sum(counts) == 40 and min(counts) > 5
