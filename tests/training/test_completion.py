"""A user's own model is complete when its training ends, and ``asr verify`` finds it sound."""

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import ROOT, make_info, make_network, write_network

from asr.data.manifest import Utterance, write_manifest
from asr.errors import AudioError, ConfigError
from asr.model.config import EncoderConfig
from asr.model.directory import read_model
from asr.model.domain import read_domain
from asr.recognition.golden import check_golden, golden_files
from asr.recognition.transcriber import Transcriber
from asr.training import completion
from asr.training.card import amount
from asr.training.config import AugmentConfig, Config, DataConfig, TrainingConfig
from asr.training.fit import fit
from asr.training.synthetic_clips import SIGNALS, make_signals

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))[:8]
COMMAND = [sys.executable, "-c", "from asr.cli.main import main; main()"]
MEASURED = {"README.md", "domain.json", "model.onnx"}
SYNTHETIC = {f"golden/{name}" for name in (*SIGNALS, "golden.json")}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The configuration of a tiny network for eight recordings that the project made itself."""
    folder = tmp_path_factory.mktemp("eight")
    items = [
        Utterance(sample, soundfile.info(sample).duration,
                  sample.with_suffix(".txt").read_text().strip(), sample.stem, sample.stem[:5])
        for sample in SAMPLES
    ]  # fmt: skip
    write_manifest(folder / "eight.jsonl", items)
    manifest = (str(folder / "eight.jsonl"),)
    return Config(
        name="eight",
        data=DataConfig(
            train=manifest, dev=manifest, max_duration=6.0, cache=str(folder / "cache")
        ),
        encoder=EncoderConfig(layers=1, hidden_size=8, channels=2),
        augment=AugmentConfig(),
        training=TrainingConfig(epochs=1, batch_seconds=12.0, accelerator="cpu"),
    )


@pytest.fixture(scope="module")
def trained(config, tmp_path_factory):
    """The folder of a run that has trained this network."""
    folder = tmp_path_factory.mktemp("run")
    fit(config, folder=folder)
    return folder


def verify(model, *options):
    """Run ``asr verify`` on a model directory."""
    return subprocess.run(
        [*COMMAND, "verify", str(model), *options], capture_output=True, text=True
    )


def test_the_directory_of_a_training_is_complete(trained):
    info = read_model(trained / "model")
    assert info.files.keys() == MEASURED | SYNTHETIC
    assert info.calibrators.keys() == {"greedy"}
    assert info.word_offsets == (0.0, 0.0)
    assert info.provenance["word_offsets"].startswith("not measured: only ")
    assert read_domain(trained / "model", info).duration[1] < 5
    assert [path.name for path in trained.iterdir() if path.name.startswith(".")] == []
    done = verify(trained / "model")
    assert done.returncode == 0, done.stderr
    assert "all files sound, 3 golden clips reproduced" in done.stdout


def test_the_card_says_what_a_stranger_asks(trained, config):
    card = verify(trained / "model", "--card").stdout
    assert card == (trained / "model" / "README.md").read_text()
    assert card.startswith("# eight\n") and "{" not in card.replace('{"README.md":', "")
    seconds = sum(soundfile.info(sample).duration for sample in SAMPLES)
    words = sum(len(sample.with_suffix(".txt").read_text().split()) for sample in SAMPLES)
    said = " ".join(card.split())
    for phrase in (
        "1 layer of bidirectional GRU with 8 units, 0.0",
        f"`{config.data.train[0]}`: 8 recordings, {seconds / 60:.1f} min, 2 speakers",
        f"/ {words}: ",
        "moved by +0 and +0 s at starts and ends (not measured: only",
        "synthetic vowels, computed, nobody's voice",
        "minutes on",
        "**Licence and purpose**: not stated",
    ):
        assert phrase in said, phrase
    assert "Began as" not in card


def test_amounts_by_hand(tmp_path):
    items = [Utterance(tmp_path, 1800.0, "yes", "a", "s"), Utterance(tmp_path, 3600.0, "", "b")]
    assert amount(items) == "2 recordings, 1.5 h, 1 speaker, 60.0 min of it without speech"
    noise = Utterance(tmp_path, 60.0, "", "c", "street")
    assert amount([items[0], noise]) == (
        "2 recordings, 31.0 min, 1 speaker, 1.0 min of it without speech"
    )
    assert amount(items[:1]) == "1 recording, 30.0 min, 1 speaker"


def test_a_run_that_has_ended_is_completed_again(config, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    before = read_model(trained / "model")
    shutil.rmtree(tmp_path / "run" / "model")
    info = read_model(fit(config, resume=True, folder=tmp_path / "run"))
    assert info.hash == before.hash and info.files.keys() == before.files.keys()
    assert all(check.passed for check in check_golden(tmp_path / "run" / "model"))


def test_a_crash_while_it_is_measured_leaves_no_model(config, trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "model")

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(completion, "measure_domain", crash)
        with pytest.raises(KeyboardInterrupt):
            fit(config, resume=True, folder=tmp_path / "run")
        assert not (tmp_path / "run" / "model").exists()
        shutil.copytree(trained / "model", tmp_path / "run" / "model")
        with pytest.raises(KeyboardInterrupt):
            fit(config, resume=True, folder=tmp_path / "run")
    assert read_model(tmp_path / "run" / "model") == read_model(trained / "model")


def test_fine_tuning_ends_complete_too(config, trained, tmp_path):
    start = str(trained / "model")
    tuned = replace(config, training=replace(config.training, init_from=start))
    model = fit(tuned, folder=tmp_path / "run")
    assert read_model(model).files.keys() == MEASURED | SYNTHETIC
    assert f"- **Began as** the model `{start}`." in (model / "README.md").read_text()
    assert all(check.passed for check in check_golden(model))


@pytest.mark.slow
def test_several_processes_and_a_named_golden_clip(config, tmp_path):
    toml = tmp_path / "config.toml"
    manifest = json.dumps(list(config.data.train))
    toml.write_text(
        f'name = "two"\n[data]\ntrain = {manifest}\ndev = {manifest}\nmax_duration = 6.0\n'
        "[encoder]\nlayers = 1\nhidden_size = 8\nchannels = 2\n"
        '[training]\nepochs = 1\nbatch_seconds = 12.0\naccelerator = "cpu"\n'
    )
    script = tmp_path / "asr"  # the other process is started with the same command line
    script.write_text("from asr.cli.main import main\nmain()\n")
    command = [sys.executable, str(script), "train", "--config", str(toml), "--devices", "2",
               "--golden", str(SAMPLES[0]), "--golden", str(SAMPLES[1])]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "runs/two/model\n"), done.stderr
    info = read_model(tmp_path / "runs/two/model")
    clips = {f"golden/{sample.name}" for sample in SAMPLES[:2]}
    assert info.files.keys() == MEASURED | clips | {"golden/golden.json"}
    assert (
        "recordings that were named with `--golden`"
        in (tmp_path / "runs/two/model/README.md").read_text()
    )
    done = verify(tmp_path / "runs/two/model")
    assert done.returncode == 0 and "2 golden clips reproduced" in done.stdout


def test_golden_clips_are_looked_at_before_the_training(config, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing of the kind")
    with pytest.raises(AudioError, match=r"broken\.wav"):
        fit(config, folder=tmp_path / "run", golden=[tmp_path / "broken.wav"])
    with pytest.raises(AudioError, match=r"none\.wav"):
        fit(config, folder=tmp_path / "run", golden=[tmp_path / "none.wav"])
    shutil.copy(SAMPLES[0], tmp_path)
    with pytest.raises(ConfigError, match=f"another golden clip is called {SAMPLES[0].name}"):
        fit(config, folder=tmp_path / "run", golden=[SAMPLES[0], tmp_path / SAMPLES[0].name])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_signals_are_short_clean_and_always_the_same(rate):
    signals = make_signals(rate)
    assert len(signals) == 3 and signals == make_signals(rate)
    for content in signals.values():
        samples, found = soundfile.read(io.BytesIO(content))
        assert found == rate and 1 <= len(samples) / rate <= 2
        assert 0.29 < np.abs(samples).max() < 0.31
        edge = round(0.15 * rate)
        assert not samples[:edge].any() and not samples[-edge:].any()
        # Silence parts the vowels, so there are as many stretches of sound as letters.
        loud = np.convolve(np.abs(samples) > 1e-3, np.ones(round(0.02 * rate)), "same") > 0
        assert np.count_nonzero(np.diff(loud.astype(int)) > 0) in {3, 6}


def test_signals_tell_models_apart(tmp_path):
    """The recorded outputs of two models with different weights differ."""
    scores = []
    for seed in range(2):
        info = make_info()
        write_network(tmp_path / str(seed), make_network(info, seed), info)
        files = golden_files(Transcriber(tmp_path / str(seed)), make_signals(info.sample_rate))
        scores.append([entry["score"] for entry in json.loads(files["golden/golden.json"])])
    assert all(abs(a - b) > 0.1 for a, b in zip(*scores, strict=True))
