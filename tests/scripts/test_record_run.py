"""Tests of the records of runs, and of the tables of such records."""

import json
import subprocess
import sys
from pathlib import Path

import common_tables
import jiwer
import miniatures
import numpy as np
import pytest
from conftest import ROOT

from asr.data.manifest import read_manifest, write_manifest
from asr.model.directory import read_model
from asr.model.domain import read_domain
from asr.recognition.golden import check_golden


@pytest.fixture(scope="module")
def small_config(tmp_path_factory):
    """Return a configuration that trains a small model on the samples."""
    return miniatures.write_small_config(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def recorded_runs(small_config):
    """Return the records of a small model that was trained with two seeds."""
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
        # A text of dev is unseen if train lacks it, one of the test if train and dev both lack it.
        assert record["dev"]["unseen_texts"]["ser"]["reference"] == len(references) // 2
        assert record["test"]["unseen_texts"] is None
    assert recorded_runs[0]["model"] != recorded_runs[1]["model"]


def test_tables_of_runs(recorded_runs):
    records = [{**record, "test": record["dev"]} for record in recorded_runs]
    table = common_tables.seeds(records[::-1]).splitlines()
    assert [row.split(" | ")[0] for row in table[2:]] == [
        "| 1",
        "| 2",
        "| mean ± standard deviation",
    ]
    rates = [100 * record["test"]["wer"]["rate"] for record in records]
    assert f"{np.mean(rates):.2f} ± {np.std(rates, ddof=1):.2f} %" in table[-1]
    (row,) = miniatures.load("cells", "tables").cells_table(records).splitlines()[2:]
    errors = ", ".join(str(record["test"]["wer"]["errors"]) for record in records)
    assert row.startswith("| GRU | both | 8 | 0.00 M | ") and f" | {errors} of " in row


def test_a_published_model_knows_its_domain_and_passes_its_golden_clips(
    recorded_runs, small_config, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    (tmp_path / "card.md").write_text("A card.")
    model = small_config.parent / "runs" / "run-1" / "model"
    publish = miniatures.load("letters_and_digits", "publish").publish
    publish(model, tmp_path / "card.md", {}, tmp_path / "model")
    info = read_model(tmp_path / "model")
    assert info.hash == recorded_runs[0]["model"]
    domain = read_domain(tmp_path / "model", info)
    texts = [item.text for item in read_manifest(small_config.parent / "data.jsonl")]
    assert domain.words == {word for text in texts for word in text.split()}
    assert domain.level[0] < domain.level[1] < 0
    assert info.calibrators.keys() == {"greedy"}
    assert all(check.passed for check in check_golden(tmp_path / "model"))
