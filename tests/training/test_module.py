"""The consistency term agrees with its definition, and the views that it compares are right."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT, make_info
from scipy.special import rel_entr
from torch.nn import functional

from asr.audio.read import read_audio
from asr.training.config import AugmentConfig, Config, TrainingConfig
from asr.training.dataset import Batch
from asr.training.module import CTCModule, disagreement
from asr.training.warping import warped_filters


def test_disagreement_is_the_divergence_of_the_frames_that_exist():
    torch.manual_seed(0)
    log_probs = torch.randn(4, 5, 3, dtype=torch.double).log_softmax(-1)
    lengths = [5, 2]
    first, second = (half.exp().numpy() for half in log_probs.chunk(2))
    expected = 0.0
    for a, b, length in zip(first, second, lengths, strict=True):
        a, b = a[:length], b[:length]
        expected += (rel_entr(a, b).sum() + rel_entr(b, a).sum()) / 2
    ours = disagreement(log_probs, torch.tensor(lengths * 2))
    assert float(ours) == pytest.approx(expected, rel=1e-5)


def test_each_view_is_drawn_towards_the_other_as_it_stands():
    """Each view is drawn towards the other as if this were fixed.

    The gradient is that of a cross entropy with fixed targets: softmax minus the other's softmax.
    """
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, requires_grad=True)
    disagreement(logits.log_softmax(-1), torch.tensor([3, 3])).backward()
    probabilities = logits.detach().softmax(-1)
    torch.testing.assert_close(logits.grad, (probabilities - probabilities.flip(0)) / 2)


def batch_of(paths, module):
    """Return a batch of recordings with their texts."""
    waveforms = [read_audio(path, 16000).samples for path in paths]
    padded = np.zeros((len(paths), max(map(len, waveforms))), np.float32)
    for row, samples in zip(padded, waveforms, strict=True):
        row[: len(samples)] = samples
    labels = [
        module.vocabulary.encode(path.with_suffix(".txt").read_text().strip()) for path in paths
    ]
    return Batch(
        waveforms=torch.from_numpy(padded),
        lengths=torch.tensor([len(samples) for samples in waveforms]),
        labels=torch.tensor([token for ids in labels for token in ids]),
        label_lengths=torch.tensor([len(ids) for ids in labels]),
        texts=[path.with_suffix(".txt").read_text().strip() for path in paths],
        ids=[path.stem for path in paths],
        epoch=0,
        index=0,
        utterances=len(paths),
        rejected=(),
    )


def test_the_loss_of_a_step_is_that_of_two_views_and_their_disagreement(monkeypatch):
    info = make_info(dropout=0.0)
    config = Config(
        encoder=info.encoder,
        augment=AugmentConfig(frequency_width=40),
        training=TrainingConfig(consistency=0.3),
    )
    torch.manual_seed(0)
    module = CTCModule(config, info.vocabulary)
    monkeypatch.setattr(
        CTCModule, "trainer", SimpleNamespace(world_size=1, global_rank=0), raising=False
    )
    batch = batch_of(sorted((ROOT / "samples").glob("*.wav"))[:3], module)
    seen = []
    forward, below = module.model.encoder.forward, module.model.encoder.below

    def spy(features, lengths):
        seen.append((features, lengths))
        return below(features, lengths)

    monkeypatch.setattr(module.model.encoder, "below", spy)
    step = module.training_step(batch, 0)
    (features, lengths), *_ = seen
    views = [forward(*view) for view in zip(features.chunk(2), lengths.chunk(2), strict=True)]
    assert not torch.equal(*features.chunk(2)), "both views have the same masks"
    losses = [
        functional.ctc_loss(
            log_probs.transpose(0, 1), batch.labels, frames, batch.label_lengths, reduction="sum"
        )
        for log_probs, frames in views
    ]
    both = disagreement(*(torch.cat(values) for values in zip(*views, strict=True)))
    assert both > 0
    torch.testing.assert_close(3 * step, sum(losses) / 2 + 0.3 * both)


def module_of(monkeypatch, encoder, **options):
    """Return a module in training, and a batch of three recordings."""
    info = make_info(dropout=0.0, **encoder)
    torch.manual_seed(0)
    module = CTCModule(Config(encoder=info.encoder, **options), info.vocabulary)
    monkeypatch.setattr(
        CTCModule, "trainer", SimpleNamespace(world_size=1, global_rank=0), raising=False
    )
    return module, batch_of(sorted((ROOT / "samples").glob("*.wav"))[:3], module)


NO_MASKS = {"frequency_masks": 0, "time_masks": 0}


def test_the_lower_layers_have_a_share_in_the_loss(monkeypatch):
    """The other output layer sees the lower layers alone, and takes part in training alone."""
    module, batch = module_of(
        monkeypatch,
        {"layers": 3, "pyramid": 2},
        augment=AugmentConfig(**NO_MASKS),
        training=TrainingConfig(intermediate=0.25),
    )
    step = module.training_step(batch, 0)
    features, lengths = module.model.features(batch.waveforms, batch.lengths)
    hidden, frames = module.model.encoder.below(features, lengths)
    below = module.loss(module.intermediate(hidden).log_softmax(-1), frames, batch)
    above = module.loss(*module.model(batch.waveforms, batch.lengths), batch)
    torch.testing.assert_close(3 * step, 0.75 * above + 0.25 * below)
    assert module.step_sums["loss"] == pytest.approx(float(above.detach()))
    assert not any("intermediate" in name for name in module.model.state_dict())


def test_vocal_tracts_are_warped_in_training_alone(monkeypatch):
    module, batch = module_of(
        monkeypatch, {}, augment=AugmentConfig(warps=(0.9, 1.0, 1.1), **NO_MASKS)
    )
    seen = []
    features = module.model.features

    def spy(waveforms, lengths, filters=None):
        seen.append(filters)
        return features(waveforms, lengths, filters)

    monkeypatch.setattr(module.model, "features", spy)
    module.training_step(batch, 0)
    module.model(batch.waveforms, batch.lengths)
    (drawn, none) = seen
    assert none is None and len(drawn) == 3
    known = [warped_filters(module.config.features, factor) for factor in (0.9, 1.0, 1.1)]
    assert all(any(torch.equal(one, other) for other in known) for one in drawn)
