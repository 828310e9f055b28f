"""The training floor end to end: it learns, resumes exactly, and depends on seeds alone."""

import csv
import json

import numpy as np
import pytest
import soundfile
import torch
from conftest import ROOT, noise
from hypothesis import given
from hypothesis import strategies as st

from asr.config import (
    AugmentConfig,
    Config,
    DataConfig,
    EncoderConfig,
    OptimizerConfig,
    TrainingConfig,
)
from asr.errors import ConfigError, ModelError
from asr.manifest import Utterance, read_manifest, write_manifest
from asr.text import Vocabulary
from asr.training import fit as training
from asr.training.augment import mask_features, perturb_speed
from asr.training.dataset import SpeechDataset, collate
from asr.training.sampler import BucketBatchSampler
from asr.training.seeding import rng
from asr.transcriber import Transcriber

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))[:8]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Eight recordings that the project made itself."""
    path = tmp_path_factory.mktemp("eight") / "eight.jsonl"
    items = []
    for sample in SAMPLES:
        text = sample.with_suffix(".txt").read_text().strip()
        items.append(Utterance(sample, soundfile.info(sample).duration, text, sample.stem))
    assert len(items) == 8
    write_manifest(path, items)
    return path


def config(manifest, **changes):
    values = {
        "data": DataConfig(train=(str(manifest),), dev=(str(manifest),)),
        "encoder": EncoderConfig(layers=2, hidden_size=96, front="conv", channels=8, dropout=0.0),
        "augment": AugmentConfig(speeds=(1.0,), frequency_masks=0, time_masks=0),
        "optimizer": OptimizerConfig(learning_rate=3e-3),
        "training": TrainingConfig(epochs=100, batch_size=4, accelerator="cpu"),
    }
    return Config(**(values | changes))


def test_eight_utterances_are_learned_by_heart(manifest, tmp_path):
    folder = training.fit(config(manifest), folder=tmp_path / "run")
    transcriber = Transcriber(folder)
    for item in read_manifest(manifest):
        assert transcriber.transcribe(item.audio).text == item.text
    assert transcriber.model.scores == {"dev": {"wer": 0.0}}
    assert transcriber.model.provenance["data"].keys() == {str(manifest)}
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


class Stop(Exception):
    """Stands for whatever ends a run before its time."""


def short(manifest):
    return config(
        manifest,
        encoder=EncoderConfig(layers=2, hidden_size=16, channels=4, dropout=0.3),
        augment=AugmentConfig(),
        training=TrainingConfig(epochs=4, batch_size=3, accelerator="cpu"),
    )


def log_rows(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(manifest, tmp_path, monkeypatch):
    orders = []
    step = training.CTCModule.training_step

    def spy(self, batch, index):
        orders.append((self.global_step, batch.ids))
        return step(self, batch, index)

    monkeypatch.setattr(training.CTCModule, "training_step", spy)
    training.fit(short(manifest), folder=tmp_path / "whole")
    whole, orders = orders, []
    with monkeypatch.context() as patch:

        def stop(self, batch, index):
            if self.global_step == 7:  # in the middle of the third epoch
                raise Stop
            return spy(self, batch, index)

        patch.setattr(training.CTCModule, "training_step", stop)
        with pytest.raises(Stop):
            training.fit(short(manifest), folder=tmp_path / "parts")
    with pytest.raises(ConfigError, match="holds a run already; go on with --resume"):
        training.fit(short(manifest), folder=tmp_path / "parts")
    orders.clear()
    training.fit(short(manifest), resume=True, folder=tmp_path / "parts")
    training.fit(short(manifest), resume=True, folder=tmp_path / "parts")  # nothing is left to do
    assert orders == whole[6:]  # steps and data from the start of the third epoch
    assert log_rows(tmp_path / "parts") == log_rows(tmp_path / "whole")
    for name in ("last.ckpt", "best.ckpt"):
        a, b = (
            torch.load(tmp_path / run / name, weights_only=True)["state_dict"]
            for run in ("whole", "parts")
        )
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_resume_needs_a_run_and_the_same_configuration(manifest, tmp_path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        training.fit(short(manifest), resume=True, folder=tmp_path)
    (tmp_path / "last.ckpt").touch()
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(ConfigError, match="differs from the configuration"):
        training.fit(short(manifest), resume=True, folder=tmp_path)


def test_resume_refuses_what_is_no_checkpoint(manifest, tmp_path):
    from asr.config import to_mapping

    (tmp_path / "last.ckpt").write_bytes(b"garbage")
    (tmp_path / "config.json").write_text(json.dumps(to_mapping(short(manifest))))
    with pytest.raises(ModelError, match="not a usable checkpoint"):
        training.fit(short(manifest), resume=True, folder=tmp_path)


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 5))
def test_every_epoch_holds_every_utterance_once(durations, size, epoch):
    sampler = BucketBatchSampler(durations, size, seed=1, epoch=epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert max(map(len, batches)) <= size
    assert sorted(index for batch in batches for index in batch) == list(range(len(durations)))
    assert batches == list(BucketBatchSampler(durations, size, seed=1, epoch=epoch))


def test_batches_differ_between_epochs_and_hold_similar_lengths():
    durations = list(np.random.default_rng(0).uniform(1, 10, 160))
    first = list(BucketBatchSampler(durations, 16, seed=1, epoch=0))
    assert first != list(BucketBatchSampler(durations, 16, seed=1, epoch=1))
    assert first != list(BucketBatchSampler(durations, 16, seed=2, epoch=0))
    padded = sum(len(batch) * max(durations[i] for i in batch) for batch in first)
    assert padded < 1.3 * sum(durations)


def test_speed_changes_length_and_pitch():
    tone = np.sin(2 * np.pi * 400 * np.arange(16000) / 16000).astype(np.float32)
    fast = perturb_speed(tone, 1.25)
    assert len(fast) == 12800
    spectrum = np.abs(np.fft.rfft(fast * np.hanning(len(fast))))
    assert abs(np.argmax(spectrum) * 16000 / len(fast) - 500) < 3


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


def test_dataset_and_collate(tmp_path):
    items = []
    for index, count in enumerate((8000, 12000)):
        path = tmp_path / f"{index}.wav"
        soundfile.write(path, noise(count, index), 16000, subtype="PCM_16")
        items.append(Utterance(path, count / 16000, "ab" * (index + 1), str(index)))
    vocabulary = Vocabulary.from_characters("ab")
    plain = SpeechDataset(items, vocabulary, 16000)
    batch = collate([plain[0], plain[1]])
    assert batch.waveforms.shape == (2, 12000) and batch.lengths.tolist() == [8000, 12000]
    assert (batch.waveforms[0, 8000:] == 0).all()
    np.testing.assert_allclose(batch.waveforms[0, :8000], noise(8000, 0), atol=1e-4)
    assert batch.labels.tolist() == [1, 2, 1, 2, 1, 2]
    assert batch.label_lengths.tolist() == [2, 4]
    augmented = SpeechDataset(items, vocabulary, 16000, (0.9, 1.0, 1.1), seed=3)
    lengths = set()
    for epoch in range(20):
        augmented.epoch = epoch
        count = len(augmented[0].samples)
        assert count == len(augmented[0].samples)
        lengths.add(count)
    assert len(lengths) == 3


def test_fine_tuning_starts_from_the_weights_of_a_model(manifest, tmp_path):
    first = training.fit(short(manifest), folder=tmp_path / "first")
    options = short(manifest)
    tuned = config(
        manifest,
        encoder=options.encoder,
        optimizer=OptimizerConfig(learning_rate=1e-9),
        training=TrainingConfig(epochs=1, batch_size=8, init_from=str(first), accelerator="cpu"),
    )
    second = training.fit(tuned, folder=tmp_path / "second")
    samples = noise(16000)
    np.testing.assert_allclose(
        Transcriber(first).log_probs(samples), Transcriber(second).log_probs(samples), atol=1e-4
    )


@pytest.mark.parametrize("schedule", ["one_cycle", "warmup"])
def test_schedules_rise_to_the_rate_and_fall(schedule):
    options = OptimizerConfig(learning_rate=0.1, schedule=schedule, warmup=0.2)
    encoder = EncoderConfig(layers=1, hidden_size=4, channels=2)
    module = training.CTCModule(
        Config(optimizer=options, encoder=encoder), Vocabulary.from_characters("ab"), 100
    )
    made = module.configure_optimizers()
    optimizer, steps = made["optimizer"], made["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steps.step()
    peak = int(np.argmax(rates))
    assert 18 <= peak <= 20 and rates[peak] == pytest.approx(0.1)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    final = {"one_cycle": 0.0, "warmup": 0.1 * (20 / 100) ** 0.5}[schedule]
    assert rates[-1] == pytest.approx(final, abs=1e-3)
