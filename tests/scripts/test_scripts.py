"""Preparation of AN4, benchmarks, records of runs, and the tables of the documentation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jiwer
import numpy as np
import prepare
import publish_model
import pytest
import run_tables
import soundfile
from conftest import ROOT

from asr.config import from_mapping, read_values
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import DataError
from asr.model.directory import read_model
from asr.model.domain import read_domain
from asr.recognition.golden import check_golden
from asr.training.config import load_config
from asr.training.lm.config import LmConfig


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


def test_tables_in_the_readmes_are_generated():
    script = [sys.executable, ROOT / "scripts/results_table.py", "--check"]
    subprocess.run(script, check=True, cwd=ROOT)


def test_every_configuration_loads():
    for path in [*ROOT.glob("recipes/*/config.toml"), *ROOT.glob("scripts/*.toml")]:
        load_config(path)
    models = [*ROOT.glob("recipes/*/lm.toml")]
    assert len(models) == 2
    for path in models:
        from_mapping(LmConfig, read_values(path))


def test_the_preview_of_augmentation(tmp_path):
    script = [sys.executable, ROOT / "scripts/preview_augment.py"]
    audio = ROOT / "samples" / "flite-awb-date.wav"
    subprocess.run([*script, audio, "--output", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
    recordings = [soundfile.read(path)[0] for path in tmp_path.glob("*.wav")]
    assert len(recordings) == 15 and all(len(samples) > 16000 for samples in recordings)


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
    few = ["--repeats", "1", "--hours", "0.03", "--long-minutes", "0.1", "--files", "2"]
    done = subprocess.run([*script, *few], check=True, capture_output=True, text=True)
    for name in ("0.03 h, greedy", "2 short files", "one of 0.1 minutes"):
        assert name in done.stdout


@pytest.fixture(scope="module")
def recorded_runs(small_config):
    """What was recorded of two seeds of a small model."""
    folder = small_config.parent
    items = read_manifest(folder / "data.jsonl")
    for part, chosen in (("train", items[::2]), ("dev", items), ("test", items)):
        write_manifest(folder / f"{part}.jsonl", chosen)
    asr = str(Path(sys.executable).with_name("asr"))
    train = [asr, "train", "--config", small_config, "--set", "training.epochs=2"]
    record = [sys.executable, ROOT / "scripts/record_run.py", "--data", folder]
    for seed in ("1", "2"):
        options = ["--set", f"name=run-{seed}", "--set", f"seed={seed}"]
        subprocess.run([*train, *options], check=True, capture_output=True, cwd=folder)
        run = folder / "runs" / f"run-{seed}"
        output = folder / "records" / f"{seed}.json"
        subprocess.run([*record, "--run", run, "--output", output], check=True)
    return [json.loads((folder / "records" / f"{seed}.json").read_text()) for seed in "12"]


def test_the_record_of_a_run(recorded_runs, small_config):
    references = {item.id: item.text for item in read_manifest(small_config.parent / "data.jsonl")}
    words = sum(len(text.split()) for text in references.values())
    for seed, record in enumerate(recorded_runs, 1):
        assert (record["seed"], record["epochs"]) == (seed, 2)
        assert record["config"]["encoder"]["hidden_size"] == 8
        for part in ("dev", "test"):
            hypotheses = record[part]["hypotheses"]
            assert hypotheses.keys() == references.keys()
            wer = jiwer.wer([*references.values()], [hypotheses[name] for name in references])
            assert record[part]["wer"]["errors"] == round(wer * words)
        # Dev beside train is what the text of a test must not be in.
        assert record["dev"]["unseen_texts"]["ser"]["reference"] == len(references) // 2
        assert record["test"]["unseen_texts"] is None
    assert recorded_runs[0]["model"] != recorded_runs[1]["model"]


def test_tables_of_runs(recorded_runs):
    records = [{**record, "test": record["dev"]} for record in recorded_runs]
    table = run_tables.seeds_table(records[::-1]).splitlines()
    assert [row.split(" | ")[0] for row in table[2:]] == [
        "| 1",
        "| 2",
        "| mean ± standard deviation",
    ]
    rates = [100 * record["test"]["wer"]["rate"] for record in records]
    assert f"{np.mean(rates):.2f} ± {np.std(rates, ddof=1):.2f} %" in table[-1]
    (row,) = run_tables.cells_table(records).splitlines()[2:]
    errors = ", ".join(str(record["test"]["wer"]["errors"]) for record in records)
    assert row.startswith("| GRU | both | 8 | 0.00 M | ") and f" | {errors} of " in row


def test_a_published_model_knows_its_domain_and_passes_its_golden_clips(
    recorded_runs, small_config, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    (tmp_path / "card.md").write_text("A card.")
    model = small_config.parent / "runs" / "run-1" / "model"
    publish_model.publish(model, tmp_path / "card.md", {}, tmp_path / "model")
    info = read_model(tmp_path / "model")
    assert info.hash == recorded_runs[0]["model"]
    domain = read_domain(tmp_path / "model", info)
    texts = [item.text for item in read_manifest(small_config.parent / "data.jsonl")]
    assert domain.words == {word for text in texts for word in text.split()}
    assert domain.level[0] < domain.level[1] < 0
    assert info.calibrators.keys() == {"greedy"}
    assert all(check.passed for check in check_golden(tmp_path / "model"))
