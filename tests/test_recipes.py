"""Preparation of AN4, the scripts that make speech, and the documentation of both."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import prepare
import pytest
import soundfile
from conftest import ROOT

from asr.config import load_config
from asr.errors import DataError
from asr.manifest import Utterance, read_manifest, write_manifest


def test_an4_parts(an4):
    parts = {part: read_manifest(an4 / f"{part}.jsonl") for part in ("train", "dev", "test")}
    speakers = {part: {item.speaker for item in items} for part, items in parts.items()}
    assert [len(items) for items in parts.values()] == [857, 91, 130]
    assert [len(names) for names in speakers.values()] == [67, 7, 10]
    assert not speakers["train"] & speakers["dev"]
    assert not (speakers["train"] | speakers["dev"]) & speakers["test"]
    assert sum(len(item.text.split()) for item in parts["test"]) == 773
    assert abs(sum(item.duration for item in parts["test"]) / 60 - 5.95) < 0.01
    assert all(item.audio.is_file() for items in parts.values() for item in items)
    characters = set(load_config(ROOT / "recipes/an4/config.toml").data.characters)
    assert {c for items in parts.values() for item in items for c in item.text} <= characters


def test_an4_refuses_another_archive(tmp_path):
    with pytest.raises(DataError, match="no such archive"):
        prepare.prepare(tmp_path / "none.tar.gz", tmp_path)
    (tmp_path / "other.tar.gz").write_bytes(b"other")
    with pytest.raises(DataError, match="SHA-256"):
        prepare.prepare(tmp_path / "other.tar.gz", tmp_path)
    script = [sys.executable, ROOT / "recipes/an4/prepare.py"]
    done = subprocess.run(
        [*script, "--archive", tmp_path / "other.tar.gz"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("error: ")


@pytest.fixture
def synthesisers():
    missing = [program for program in ("flite", "espeak-ng") if not shutil.which(program)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not found; install them, e.g. apt install flite")


def test_samples_are_what_their_script_makes(synthesisers, tmp_path):
    script = [sys.executable, ROOT / "scripts/make_samples.py", "--output", tmp_path]
    subprocess.run(script, check=True, capture_output=True, cwd=ROOT)
    texts, recordings = sorted(tmp_path.glob("*.txt")), sorted(tmp_path.glob("*.wav"))
    assert len(texts) == len(recordings) == len([*(ROOT / "samples").iterdir()]) / 2
    for path in texts:
        assert path.read_text() == (ROOT / "samples" / path.name).read_text()
    for path in recordings:
        made, kept = (soundfile.read(p)[0] for p in (path, ROOT / "samples" / path.name))
        # Resampling may round the last bits otherwise on another processor.
        np.testing.assert_allclose(made, kept, atol=2 / 32768)


def test_synthetic_speech(synthesisers, tmp_path):
    script = [sys.executable, ROOT / "scripts/make_synthetic.py", "--output", tmp_path]
    subprocess.run([*script, "--hours", "0.02"], check=True, capture_output=True, cwd=ROOT)
    train = read_manifest(tmp_path / "train.jsonl")
    samples = {path.read_text().strip() for path in (ROOT / "samples").glob("*.txt")}
    assert not samples & {item.text for item in train}
    characters = set(load_config(ROOT / "recipes/an4/config.toml").data.characters)
    assert {c for item in train for c in item.text} <= characters


def test_tables_in_the_readmes_are_generated():
    script = [sys.executable, ROOT / "scripts/results_table.py", "--check"]
    subprocess.run(script, check=True, cwd=ROOT)


def test_every_configuration_loads():
    for path in [*ROOT.glob("recipes/*/*.toml"), *ROOT.glob("scripts/*.toml")]:
        load_config(path)


def test_the_preview_of_augmentation(tmp_path):
    script = [sys.executable, ROOT / "scripts/preview_augment.py"]
    audio = ROOT / "samples" / "flite-awb-date.wav"
    subprocess.run([*script, audio, "--output", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
    recordings = [soundfile.read(path)[0] for path in tmp_path.glob("*.wav")]
    assert len(recordings) == 14 and all(len(samples) > 16000 for samples in recordings)


@pytest.fixture(scope="module")
def small_config(tmp_path_factory):
    """A configuration that trains a small model on the samples."""
    folder = tmp_path_factory.mktemp("small")
    items = [
        Utterance(
            path,
            soundfile.info(path).duration,
            path.with_suffix(".txt").read_text().strip(),
            path.stem,
        )
        for path in sorted((ROOT / "samples").glob("*.wav"))
    ]
    write_manifest(folder / "data.jsonl", items)
    path = folder / "config.toml"
    manifest = json.dumps([str(folder / "data.jsonl")])
    path.write_text(
        f'[data]\ntrain = {manifest}\ndev = {manifest}\ncache = "{folder}/cache"\n'
        "[encoder]\nlayers = 1\nhidden_size = 8\nchannels = 2\n"
        '[training]\naccelerator = "cpu"\n'
    )
    return path


def test_the_benchmark_of_training_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmark_training.py", "--config", small_config]
    done = subprocess.run([*script, "--epochs", "1"], check=True, capture_output=True, text=True)
    for name in ("this engine", "plain torch", "recurrence, forward"):
        assert name in done.stdout


def test_the_benchmark_of_decoding_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmark_decoding.py", "--repeats", "1"]
    manifest = small_config.parent / "data.jsonl"
    done = subprocess.run(
        [*script, "--manifest", manifest, "--model", ROOT / "asr/models/default"],
        check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    for name in ("ours, all tokens", "one utterance alone", "compiled", "loaded from the cache"):
        assert name in done.stdout


def test_the_benchmark_of_scale_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmark_scale.py", "--config", small_config]
    done = subprocess.run(
        [*script, "--lines", "100", "--steps", "2"], check=True, capture_output=True, text=True
    )
    assert "seconds to the first step" in done.stdout and "100" in done.stdout


def test_the_benchmark_runs():
    script = [sys.executable, ROOT / "scripts/benchmark_transcribe.py"]
    done = subprocess.run(
        [*script, "--seconds", "1", "--repeats", "1"], check=True, capture_output=True, text=True
    )
    for name in ("end to end", "ONNX graph", "torch, same weights"):
        assert name in done.stdout
