"""Training as a whole learns, resumes exactly, and depends on seeds alone."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from conftest import ROOT, noise
from runs import assert_equal_runs, assert_equal_values, log_rows, stopping_at, write_toml

from asr.config import to_mapping
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import ConfigError, DataError, ModelError, TrainingError
from asr.model.config import EncoderConfig
from asr.recognition.transcriber import Transcriber
from asr.training import fit as training
from asr.training.config import (
    AttentionConfig,
    AugmentConfig,
    Config,
    DataConfig,
    GainConfig,
    NoiseConfig,
    OptimizerConfig,
    TrainingConfig,
)
from asr.training.data import SpeechData
from asr.training.export import read_decoder_weights, read_weights
from asr.training.preparation import prepare
from asr.training.seeding import rng

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))[:8]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """A manifest of eight recordings that the project made itself."""
    path = tmp_path_factory.mktemp("eight") / "eight.jsonl"
    items = []
    for sample in SAMPLES:
        text = sample.with_suffix(".txt").read_text().strip()
        items.append(Utterance(sample, soundfile.info(sample).duration, text, sample.stem))
    assert len(items) == 8
    write_manifest(path, items)
    return path


def config(manifest, **changes):
    """Return a configuration that learns the eight recordings by heart."""
    values = {
        "data": DataConfig(
            train=(str(manifest),),
            dev=(str(manifest),),
            max_duration=6.0,
            cache=str(manifest.parent / "cache"),
        ),
        "encoder": EncoderConfig(layers=2, hidden_size=96, channels=8, dropout=0.0),
        "augment": AugmentConfig(speeds=(1.0,), frequency_masks=0, time_masks=0),
        "optimizer": OptimizerConfig(learning_rate=3e-3),
        "training": TrainingConfig(epochs=100, batch_seconds=12.0, accelerator="cpu"),
    }
    return Config(**(values | changes))


@pytest.mark.slow
def test_eight_utterances_are_learned_by_heart(manifest, tmp_path):
    folder = training.fit(config(manifest), folder=tmp_path / "run")
    transcriber = Transcriber(folder)
    for item in read_manifest(manifest):
        assert transcriber.transcribe(item.audio).text == item.text
    assert transcriber.model.scores == {"dev": {"wer": 0.0}}
    assert transcriber.model.provenance["data"].keys() == {str(manifest)}
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


def short(manifest, **options):
    """Return a configuration of four epochs of four steps, with everything that is random."""
    values = {"epochs": 4, "batch_seconds": 8.0, "accelerator": "cpu"}
    return config(
        manifest,
        encoder=EncoderConfig(layers=2, hidden_size=16, channels=4, dropout=0.3),
        augment=AugmentConfig(noise=NoiseConfig(probability=0.5), gain=GainConfig(0.5)),
        training=TrainingConfig(**(values | options)),
    )


# A run that is stopped in step 7 (from 0) goes on from the checkpoint of its first epoch, which has
# four steps, or from the one that it made in mid-epoch.
@pytest.mark.parametrize(("steps", "start"), [(0, 4), (3, 6)])
def test_a_stopped_run_goes_on_with_step_rate_and_data(
    manifest, tmp_path, monkeypatch, steps, start
):
    orders = []
    step = training.CTCModule.training_step

    def spy(self, batch, index):
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        orders.append((self.global_step, rate, batch.ids))
        return step(self, batch, index)

    monkeypatch.setattr(training.CTCModule, "training_step", spy)
    options = short(manifest, checkpoint_steps=steps)
    training.fit(options, folder=tmp_path / "whole")
    whole, orders = orders, []
    with stopping_at(7, monkeypatch):
        training.fit(options, folder=tmp_path / "parts")
    with pytest.raises(ConfigError, match="holds a run already; go on with --resume"):
        training.fit(options, folder=tmp_path / "parts")
    orders.clear()
    training.fit(options, resume=True, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")  # nothing is left to do
    assert orders == whole[start:]
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")


def mixed(manifest, folder):
    """Return the configuration of a run of at most 50 epochs that mixes two sets, warps vocal
    tracts, trains a pyramid, and ends by its plan."""
    items = read_manifest(manifest)
    for place, item in enumerate(items):
        item.extra["set"] = "first" if place % 2 else "second"
    write_manifest(folder / "sets.jsonl", items)
    seconds = sum(item.duration for item in items)
    (folder / "mix.toml").write_text(f"hours = {seconds / 3600}\n[weights]\nfirst = 3\nsecond = 1")
    (folder / "plan.toml").write_text("decay_from = 2\ndecay_epochs = 2")
    options = short(manifest, checkpoint_steps=3, epochs=50, keep_every=2)
    return replace(
        options,
        data=replace(
            options.data,
            train=(str(folder / "sets.jsonl"),),
            dev=(str(folder / "sets.jsonl"),),
            mix=str(folder / "mix.toml"),
            dev_sets=True,
        ),
        encoder=EncoderConfig(layers=3, pyramid=1, hidden_size=8, top_size=10, channels=2),
        augment=replace(options.augment, warps=(0.9, 1.0, 1.1)),
        optimizer=OptimizerConfig(schedule="wsd", warmup=0.02, plan=str(folder / "plan.toml")),
        training=replace(options.training, intermediate=0.3),
    )


def test_a_run_of_mixed_sets_goes_on_and_ends_by_its_plan(manifest, tmp_path, monkeypatch, capsys):
    options = mixed(manifest, tmp_path)
    training.fit(options, folder=tmp_path / "whole")
    assert "first: " in capsys.readouterr().err
    with stopping_at(8, monkeypatch):
        training.fit(options, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")  # nothing is left to do
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    rows = log_rows(tmp_path / "whole")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for row in rows:
        rates = [float(row[f"wer_{name}"]) for name in ("first", "second")]
        assert float(row["dev_wer"]) == pytest.approx(sum(rates) / 2)
        assert float(row["nats_first"]) > 0 and float(row["cer_second"]) > 0
    names = {path.name for path in (tmp_path / "whole").glob("kept-*")}
    assert names == {"kept-0002.ckpt", "kept-0004.ckpt"}
    model = Transcriber(tmp_path / "parts" / "model").model
    assert model.encoder == options.encoder
    assert not [name for name in read_weights(tmp_path / "parts" / "model") if "inter" in name]


def spelling(manifest, **options):
    """Return the configuration of a short run that trains a decoder, with all that is random."""
    attention = AttentionConfig(
        "location", hidden_size=12, size=8, scheduled_sampling=0.3, **options
    )
    return replace(short(manifest, checkpoint_steps=3), attention=attention)


def test_a_run_with_a_decoder_goes_on(manifest, tmp_path, monkeypatch):
    options = spelling(manifest)
    training.fit(options, folder=tmp_path / "whole")
    with stopping_at(8, monkeypatch):
        training.fit(options, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    losses = [float(row["dev_attention_loss"]) for row in log_rows(tmp_path / "whole")]
    assert len(losses) == 4 and losses[-1] < losses[0]


def test_a_run_begins_with_a_model_with_or_without_a_decoder(manifest, tmp_path, capsys):
    """A decoder is taken from a model that has one, and new if the model has none."""

    def begun(name, kind, model):
        training_ = TrainingConfig(
            epochs=1, batch_seconds=8.0, accelerator="cpu", init_from=str(model)
        )
        options = replace(spelling(manifest), training=training_)
        # So small a rate leaves the weights what they were.
        optimizer = OptimizerConfig(learning_rate=1e-9)
        attention = replace(options.attention, kind=kind)
        options = replace(options, optimizer=optimizer, attention=attention)
        folder = training.fit(options, folder=tmp_path / name)
        return folder, capsys.readouterr().err

    ctc = training.fit(short(manifest, epochs=1), folder=tmp_path / "ctc")
    assert read_decoder_weights(ctc) == {}
    capsys.readouterr()
    first, said = begun("first", "location", ctc)
    assert f"not taken from {ctc}: a decoder: not in the model, so that it learns" in said
    assert_close(read_weights(first), read_weights(ctc))
    second, said = begun("second", "location", first)
    assert "not taken" not in said
    assert_close(read_decoder_weights(second), read_decoder_weights(first))
    third, said = begun("third", "", second)
    assert "its decoder: not in the run" in said and read_decoder_weights(third) == {}
    assert "location-aware" in (second / "README.md").read_text()
    assert "location-aware" not in (third / "README.md").read_text()
    with pytest.raises(ConfigError, match=r"attention.weight is 1.0, needs 0 < x < 1"):
        AttentionConfig("dot", weight=1.0)


def test_a_decoder_spells_in_pieces(manifest, tmp_path):
    """The mean of the best epochs is exported, of the decoder too, and scores texts in pieces."""
    options = spelling(manifest)
    options = replace(
        options,
        data=replace(options.data, unit="piece", pieces=40),
        training=replace(options.training, epochs=2, average=2),
    )
    model = training.fit(options, folder=tmp_path / "run")
    states = [
        torch.load(tmp_path / "run" / f"best-000{epoch}.ckpt", weights_only=True)["state_dict"]
        for epoch in (1, 2)
    ]
    for name, value in read_decoder_weights(model).items():
        torch.testing.assert_close(value, (states[0][name] + states[1][name]) / 2)
    transcriber = Transcriber(model, attention=True)
    assert transcriber.search.attention.symbols == len(transcriber.model.vocabulary) > 29
    assert isinstance(transcriber.transcribe(SAMPLES[0]).text, str)


def assert_close(a, b):
    """Assert that two mappings hold hardly different weights."""
    assert a.keys() == b.keys() and a
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], rtol=0, atol=1e-5)


def test_a_run_without_a_decoder_is_what_it_was(manifest, tmp_path):
    """The configuration of a run that began before there were decoders is that of one without."""
    options = short(manifest, epochs=1)
    folder = training.fit_once(options, folder=tmp_path / "run").parent
    for path in (folder / "config.json", folder / "model" / "model.json"):
        values = json.loads(path.read_text())
        values.get("provenance", {"config": values})["config"].pop("attention")
        path.write_text(json.dumps(values))
    assert training.fit_once(options, folder=folder) == folder / "model"
    training.fit(options, resume=True, folder=folder)
    with pytest.raises(ConfigError, match=r'attention.kind was "", is "dot"'):
        other = replace(options, attention=AttentionConfig("dot"))
        training.fit(other, resume=True, folder=folder)
    assert "dev_attention_loss" not in log_rows(folder)[0]
    state = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    assert not any(name.startswith("decoder") for name in state)


KILLED = """
import os, signal, sys
from pathlib import Path
from asr.training.config import load_config
from asr.training import fit as training

config, folder, kills = load_config(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]

def die_before(owner, name, count, matters=lambda arguments: True):
    function = getattr(owner, name)
    left = count

    def replaced(*arguments):
        nonlocal left
        left -= matters(arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)

    setattr(owner, name, replaced)

for kill in kills:
    child = os.fork()  # nothing has been computed yet: each child is like a process of its own
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        continue
    where, _, count = kill.partition(":")
    if where == "step":
        die_before(training.CTCModule, "training_step", int(count))
    elif where == "validation":
        die_before(training.CTCModule, "validation_step", int(count))
    elif where == "checkpoint":  # written under another name, not yet renamed
        die_before(os, "replace", int(count), lambda names: str(names[1]).endswith("last.ckpt"))
    training.fit(config, resume=(folder / "last.ckpt").exists(), folder=folder)
    os._exit(0)
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_equals_an_uninterrupted_one(manifest, tmp_path):
    options = short(manifest, checkpoint_steps=3, average=2)
    toml = write_toml(tmp_path / "config.toml", options)
    training.fit(options, folder=tmp_path / "whole")
    folder = tmp_path / "parts"
    # The run is killed in mid-epoch, while the checkpoint of step 6 is written (in mid-epoch too),
    # in a validation, and while the checkpoint of an epoch's end is written; then it goes on to the
    # end.
    kills = ["step:6", "checkpoint:2", "validation:3", "checkpoint:3", "never"]
    command = [sys.executable, "-c", KILLED, str(toml), str(folder), *kills]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["-9"] * 4 + ["0"], done.stderr
    assert_equal_runs(tmp_path / "whole", folder)
    graphs = [(tmp_path / run / "model" / "model.onnx").read_bytes() for run in ("whole", "parts")]
    assert graphs[0] == graphs[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["", "location"])
def test_two_processes_equal_one_with_the_same_global_batches(manifest, tmp_path, kind):
    one = config(
        manifest,
        attention=AttentionConfig(kind, hidden_size=12, size=8, dropout=0.0),
        encoder=EncoderConfig(layers=2, hidden_size=16, channels=4, dropout=0.0),
        augment=AugmentConfig(),
        training=TrainingConfig(epochs=3, batch_seconds=8.0, accumulate=2, accelerator="cpu"),
    )
    training.fit(one, folder=tmp_path / "runs" / "one")
    two = replace(one, name="two", training=replace(one.training, accumulate=1, devices=2))
    toml = write_toml(tmp_path / "config.toml", two)
    script = tmp_path / "asr"  # the other process is started with the same command line
    script.write_text("from asr.cli.main import main\nmain()\n")
    command = [sys.executable, str(script), "train", "--config", str(toml), "--devices", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, theirs = (log_rows(tmp_path / "runs" / name) for name in ("one", "two"))
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours, theirs, strict=True):
        for key in a:
            assert float(a[key]) == pytest.approx(float(b[key]), rel=1e-4), key


@pytest.mark.parametrize(
    ("accumulate", "consistency", "kind"),
    [(1, 0.0, ""), (2, 0.0, ""), (1, 0.2, ""), (2, 0.2, "additive")],
)
def test_a_step_follows_the_gradient_of_the_mean_loss(
    manifest, tmp_path, monkeypatch, accumulate, consistency, kind
):
    """A step follows the gradient of the mean loss of its utterances, however they are batched.

    The same holds if each utterance is seen twice: without masks and dropout both views agree.
    """
    options = replace(
        short(manifest, epochs=1, accumulate=accumulate, consistency=consistency),
        encoder=EncoderConfig(layers=1, hidden_size=8, channels=2, dropout=0.0),
        attention=AttentionConfig(kind, hidden_size=6, size=4, dropout=0.0, weight=0.4),
        augment=AugmentConfig(speeds=(1.0,), frequency_masks=0, time_masks=0),
    )
    step, clip = training.CTCModule.training_step, training.CTCModule.configure_gradient_clipping
    batches, compared = [], []

    def spy(self, batch, index):
        batches.append(batch)
        return step(self, batch, index)

    def loss_of(self, batch):
        log_probs, encodings, frames = self.model.encode(batch.waveforms, batch.lengths)
        loss = self.loss(log_probs, frames, batch)
        if kind:
            loss = 0.6 * loss + 0.4 * self.decoder_losses(encodings, frames, batch).sum()
        return loss

    def check(self, *arguments, **options):
        given = [weight.grad.clone() for weight in self.parameters()]
        self.zero_grad()
        total = sum(loss_of(self, batch) for batch in batches)
        (total / sum(len(batch.ids) for batch in batches)).backward()
        expected = [weight.grad.clone() for weight in self.parameters()]
        for a, b in zip(given, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
        compared.append(len(batches))
        batches.clear()
        clip(self, *arguments, **options)

    monkeypatch.setattr(training.CTCModule, "training_step", spy)
    monkeypatch.setattr(training.CTCModule, "configure_gradient_clipping", check)
    training.fit(options, folder=tmp_path / "run")
    assert len(compared) >= 2 and set(compared) == {accumulate}


def bad_corpus(folder):
    """Write a manifest of forty good utterances and four bad ones, and return its path."""
    items = []
    for copy in range(5):
        for sample in SAMPLES:
            text = sample.with_suffix(".txt").read_text().strip()
            duration = soundfile.info(sample).duration
            items.append(Utterance(sample, duration, text, f"{sample.stem}-{copy}"))
    (folder / "broken.wav").write_bytes(b"RIFF nothing of the kind")
    items += [
        Utterance(folder / "broken.wav", 2.0, "yes", "broken"),
        Utterance(SAMPLES[0], 6.0, "yes", "longer-than-it-is"),
        Utterance(SAMPLES[0], soundfile.info(SAMPLES[0]).duration, "", "mute"),
        Utterance(SAMPLES[0], soundfile.info(SAMPLES[0]).duration, "naïve", "foreign"),
    ]
    write_manifest(folder / "train.jsonl", items)
    return folder / "train.jsonl"


def test_bad_data_is_left_out_and_named(manifest, tmp_path, capsys):
    options = short(manifest, epochs=2)
    data = replace(
        options.data,
        train=(str(bad_corpus(tmp_path)),),
        characters=" abcdefghijklmnopqrstuvwxyz",
        drop_unknown=True,
    )
    training.fit(replace(options, data=data), folder=tmp_path / "run")
    lines = [json.loads(x) for x in (tmp_path / "run" / "skipped.jsonl").read_text().splitlines()]
    reasons = {line["id"]: line["reason"] for line in lines}
    assert reasons.keys() == {"broken", "longer-than-it-is", "mute", "foreign"}
    assert "not readable as audio" in reasons["broken"]
    assert "6.00 s in the manifest, the audio has" in reasons["longer-than-it-is"]
    assert reasons["mute"] == "no text" and "'ï'" in reasons["foreign"]
    summary = capsys.readouterr().err
    assert "4 utterances were left out" in summary and all(name in summary for name in reasons)
    assert [row["rejected"] for row in log_rows(tmp_path / "run")] == ["2", "2"]
    few = replace(data, max_dropped=0.06)
    with pytest.raises(DataError, match="cannot be used"):
        training.fit(replace(options, data=few), folder=tmp_path / "strict")
    assert "broken" in (tmp_path / "strict" / "skipped.jsonl").read_text()


def test_steps_without_a_finite_gradient_change_nothing(manifest, tmp_path, monkeypatch, capsys):
    loss = training.CTCModule.loss
    seen = []

    def spoiled(self, log_probs, frames, batch):
        total = loss(self, log_probs, frames, batch)
        if not self.training:
            return total
        seen.append((batch.ids, [weight.clone() for weight in self.parameters()]))
        return total * float("nan") if self.global_step == 5 else total

    monkeypatch.setattr(training.CTCModule, "loss", spoiled)
    training.fit(short(manifest), folder=tmp_path / "run")
    assert_equal_values(seen[5][1], seen[6][1])
    assert not torch.equal(seen[6][1][0], seen[7][1][0])
    line = json.loads((tmp_path / "run" / "skipped.jsonl").read_text())
    assert line == {"step": 6, "ids": seen[5][0]}
    assert [row["skipped_steps"] for row in log_rows(tmp_path / "run")] == ["0", "1", "0", "0"]
    assert "1 steps without a finite gradient" in capsys.readouterr().err
    monkeypatch.setattr(
        training.CTCModule, "loss", lambda *a: loss(*a) * (float("inf") if a[0].training else 1)
    )
    with pytest.raises(TrainingError, match="3 steps in a row without a finite gradient"):
        training.fit(short(manifest, max_skipped=3), folder=tmp_path / "hopeless")


def test_training_ends_when_patience_does(manifest, tmp_path, monkeypatch):
    options = short(manifest, epochs=9, patience=2)
    monkeypatch.setattr(training.CTCModule, "dev_rate", 0.5)
    training.fit(options, folder=tmp_path / "run")
    assert [row["epoch"] for row in log_rows(tmp_path / "run")] == ["1", "2", "3"]
    training.fit(options, resume=True, folder=tmp_path / "run")  # it stays ended
    assert len(log_rows(tmp_path / "run")) == 3
    assert (tmp_path / "run" / "best-0001.ckpt").exists()


def test_the_exported_weights_are_the_mean_of_the_best(manifest, tmp_path):
    model = training.fit(short(manifest, average=3), folder=tmp_path / "run")
    paths = sorted((tmp_path / "run").glob("best-*.ckpt"))
    assert len(paths) == 3
    states = [torch.load(path, weights_only=True)["state_dict"] for path in paths]
    weights = read_weights(model)
    for name, value in weights.items():
        expected = sum(state[f"model.{name}"] for state in states) / 3
        torch.testing.assert_close(value, expected)


def test_resume_needs_a_run_and_the_same_configuration(manifest, tmp_path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        training.fit(short(manifest), resume=True, folder=tmp_path)
    (tmp_path / "last.ckpt").touch()
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(ConfigError, match="differs from the configuration"):
        training.fit(short(manifest), resume=True, folder=tmp_path)


def test_resume_refuses_what_is_no_checkpoint(manifest, tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"garbage")
    (tmp_path / "config.json").write_text(json.dumps(to_mapping(short(manifest))))
    with pytest.raises(ModelError, match="not a usable checkpoint"):
        training.fit(short(manifest), resume=True, folder=tmp_path)


def test_fine_tuning_takes_what_fits_and_names_the_rest(manifest, tmp_path, capsys):
    """Fine-tuning takes the weights that fit, and names the rest.

    With another vocabulary the outputs are taken by their symbols. In a network of another size the
    weights of equal shape are taken.
    """
    letters = "abcdefghijklmnopqrstuvwxyz "
    options = short(manifest)
    options = replace(options, data=replace(options.data, characters=letters + "#"))
    first = training.fit(options, folder=tmp_path / "first")
    options = short(manifest, epochs=1, init_from=str(first))
    wider = replace(
        options,
        data=replace(options.data, characters="é" + letters[::-1]),
        optimizer=OptimizerConfig(learning_rate=1e-9),
    )
    capsys.readouterr()
    second = training.fit(wider, folder=tmp_path / "second")
    messages = capsys.readouterr().err
    assert "the output of 'é': no such symbol in the model" in messages
    old, new = (Transcriber(model).model.vocabulary.tokens for model in (first, second))
    assert "the output of '#': no such symbol in the run" in messages
    a, b = read_weights(first), read_weights(second)
    for token in set(old) & set(new):
        ours, theirs = new.index(token), old.index(token)
        for name in ("encoder.output.weight", "encoder.output.bias"):
            torch.testing.assert_close(b[name][ours], a[name][theirs], atol=1e-6, rtol=0)
    deeper = replace(options, encoder=replace(options.encoder, layers=3, hidden_size=20))
    training.fit(deeper, folder=tmp_path / "third")
    messages = capsys.readouterr().err
    assert "encoder.layers.2.cell.weight_hh_l0: (60, 20) here, not in the model" in messages
    assert "encoder.layers.0.cell.weight_hh_l0: (60, 20) here, (48, 16) there" in messages
    assert "encoder.front" not in messages
    other = replace(options, encoder=EncoderConfig(cell="rnn", hidden_size=5, channels=5))
    with pytest.raises(ModelError, match="none of its weights fits"):
        training.fit(other, folder=tmp_path / "fourth")


def test_mixed_precision_needs_a_gpu(manifest, tmp_path):
    with pytest.raises(ConfigError, match='"bf16", which needs a GPU'):
        training.fit(short(manifest, precision="bf16"), folder=tmp_path / "run")


def test_noise_files_and_babble_are_used_and_seeded(manifest, tmp_path):
    soundfile.write(tmp_path / "hum.wav", np.sin(np.arange(16000) / 20), 16000)
    noises = tmp_path / "noise.jsonl"
    write_manifest(noises, [Utterance(tmp_path / "hum.wav", 1.0, "", "hum")])
    kinds = NoiseConfig(1.0, kinds=("files", "babble"), manifest=str(noises))
    options = replace(short(manifest, epochs=1), augment=AugmentConfig(noise=kinds))
    for name in ("first", "second"):
        training.fit(replace(options, training=options.training), folder=tmp_path / name)
    assert_equal_runs(tmp_path / "first", tmp_path / "second")
    plain = replace(options, augment=AugmentConfig())
    training.fit(plain, folder=tmp_path / "plain")
    assert log_rows(tmp_path / "plain") != log_rows(tmp_path / "first")


def test_babble_takes_each_second_of_speech_alike(tmp_path):
    """Babble takes each second of speech with the same probability.

    If it took each recording alike, one of a single word would be the same word again and again.
    """
    seconds = {"a": 1, "ab": 3, "": 4}  # the last one is noise
    for length in seconds.values():
        soundfile.write(tmp_path / f"{length}.wav", noise(16000 * length), 16000)
    items = [Utterance(tmp_path / f"{s}.wav", float(s), t, str(s)) for t, s in seconds.items()]
    write_manifest(tmp_path / "all.jsonl", items)
    kinds = NoiseConfig(1.0, kinds=("babble",))
    options = replace(short(tmp_path / "all.jsonl"), augment=AugmentConfig(noise=kinds))
    options = replace(options, data=replace(options.data, keep_empty=True))
    data = SpeechData(options, prepare(options, tmp_path / "skipped.jsonl"))
    drawn = [len(data.train.augmenter.draw_talker(rng(1, i))) // 16000 for i in range(400)]
    assert set(drawn) == {1, 3} and 0.65 < drawn.count(3) / 400 < 0.85


@pytest.mark.parametrize("options", [{"workers": 2}, {"deterministic": True}])
def test_workers_and_determinism_change_nothing(manifest, tmp_path, options):
    training.fit(short(manifest, epochs=1), folder=tmp_path / "first")
    training.fit(short(manifest, epochs=1, **options), folder=tmp_path / "second")
    assert log_rows(tmp_path / "first") == log_rows(tmp_path / "second")
    assert not torch.are_deterministic_algorithms_enabled()


def test_fine_tuning_starts_from_the_weights_of_a_model(manifest, tmp_path):
    first = training.fit(short(manifest), folder=tmp_path / "first")
    options = short(manifest)
    tuned = config(
        manifest,
        encoder=options.encoder,
        optimizer=OptimizerConfig(learning_rate=1e-9),
        training=TrainingConfig(
            epochs=1, batch_seconds=48.0, init_from=str(first), accelerator="cpu"
        ),
    )
    second = training.fit(tuned, folder=tmp_path / "second")
    samples = noise(16000)
    np.testing.assert_allclose(
        Transcriber(first).log_probs(samples), Transcriber(second).log_probs(samples), atol=1e-4
    )


def test_the_norm_of_the_gradient_is_logged(manifest, tmp_path, monkeypatch):
    clip, norms = training.CTCModule.configure_gradient_clipping, []

    def spy(self, *arguments, **options):
        squares = [float(weight.grad.square().sum()) for weight in self.parameters()]
        norms.append(sum(squares) ** 0.5)
        clip(self, *arguments, **options)

    monkeypatch.setattr(training.CTCModule, "configure_gradient_clipping", spy)
    options = replace(short(manifest), optimizer=OptimizerConfig(gradient_clip=200.0))
    training.fit(options, folder=tmp_path / "run")
    rows = log_rows(tmp_path / "run")
    steps = len(norms) // len(rows)
    assert 0 < sum(norm > 200 for norm in norms) < len(norms), "clip somewhere between"
    for index, row in enumerate(rows):
        epoch = norms[steps * index : steps * (index + 1)]
        assert float(row["gradient_norm"]) == pytest.approx(sum(epoch) / steps, rel=1e-4)
        assert int(row["clipped_steps"]) == sum(norm > 200 for norm in epoch)
