"""Tests of the projected cost of a training: the operations of a network, and the arithmetic."""

import json

import common_tables
import overview
import project_cost
import pytest
import torch
from conftest import ROOT
from torch.utils.flop_counter import FlopCounterMode

from asr.data.manifest import Utterance, write_manifest
from asr.model.config import EncoderConfig
from asr.training.config import Config, load_config
from asr.training.model import Encoder

SECONDS = 2


@pytest.mark.parametrize("bidirectional", [False, True])
def test_operations_are_those_that_torch_counts(bidirectional):
    options = EncoderConfig(bidirectional=bidirectional, hidden_size=12, channels=3, padding=0)
    config = Config(encoder=options)
    encoder = Encoder(options, config.features.num_mels, 29)
    # With gradients the recurrence would be compiled code, in which torch counts nothing.
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder(torch.zeros(1, 100 * SECONDS, 80), torch.tensor([100 * SECONDS]))
    counted = counter.get_total_flops() / SECONDS
    assert project_cost.operations(config, 29) == pytest.approx(counted)


def test_the_projection_and_its_rows(tmp_path, capsys):
    path = ROOT / "samples" / "flite-awb-date.wav"
    text = path.with_suffix(".txt").read_text().strip()
    write_manifest(tmp_path / "speech.jsonl", [Utterance(path, 3.05, text, "a")])
    settings = ["encoder.layers=1", "encoder.hidden_size=8", "training.epochs=40"]
    config = load_config(ROOT / "recipes/yesno/config.toml", settings)
    values = project_cost.project(config, tmp_path / "speech.jsonl", 100, 1)
    assert values["hours"] == 100 and values["epochs"] == 40
    exact = 3.05 / values["seconds_per_epoch"]
    assert values["times_real_time"] == pytest.approx(exact, abs=0.06)
    assert values["projected_hours"] == pytest.approx(100 * 40 / exact, rel=1e-3)
    if values["estimate"]:
        operations = 3600 * 100 * 40 * values["operations"]
        seconds = 3600 * values["estimate"]["hours"]
        assert seconds * project_cost.ASSUMED == pytest.approx(operations, rel=0.02)
    values["config"] = "config.toml"
    (row,) = common_tables.cost([values]).splitlines()[2:]
    assert row.startswith("| [`config.toml`](config.toml) | 1 × 8 BiGRU | 0.0 M | ")
    assert "100 h × 40 epochs" in row

    (tmp_path / "cost").mkdir()
    (tmp_path / "cost" / "a.json").write_text(json.dumps(values))
    assert overview.outcome(tmp_path) == (
        "not run here",
        f"projected: {common_tables.duration(values['projected_hours'])} on "
        f"{values['hardware']} for 100 h × 40 epochs",
    )


def test_the_outcome_of_a_study(tmp_path):
    counts = {"hits": 39, "insertions": 1, "deletions": 0, "substitutions": 1}
    rows = [
        {"model": "base", "wer": counts, "wer_interval": {"low": 0.01, "high": 0.1}},
        {"model": "tuned", "wer": counts | {"insertions": 0}, "wer_interval": None},
    ]
    rows = [row | {"minutes": 12.4, "hardware": "a machine"} for row in rows]
    (tmp_path / "results.json").write_text(json.dumps({"rows": rows}))
    assert overview.outcome(tmp_path) == (
        "base: 5.00 % [2 / 40], 95 %: 1.00 to 10.00 %; tuned: 2.50 % [1 / 40]",
        "base: 12 min on a machine; tuned: 12 min on a machine",
    )


def test_the_outcome_of_seeds(tmp_path):
    (tmp_path / "runs").mkdir()
    for seed, errors in ((1, 2), (2, 4)):
        run = {"test": {"wer": {"rate": errors / 100, "errors": errors, "reference": 100}}}
        run |= {"minutes": 10 * seed, "hardware": "a machine"}
        (tmp_path / "runs" / f"{seed}.json").write_text(json.dumps(run))
    assert overview.outcome(tmp_path) == (
        "3.00 ± 1.41 % [2, 4 / 100]",
        "15 min on a machine",
    )
    assert [common_tables.duration(hours) for hours in (240.4, 2, 1.9, 0.04, 0.03)] == [
        "240 h",
        "2 h",
        "114 min",
        "2 min",
        "108 s",
    ]
