"""Tools for tests of training runs: they stop runs and compare them."""

import csv
import json
from contextlib import contextmanager

import pytest
import torch

from asr.config import to_mapping
from asr.training.module import CTCModule


class Stop(Exception):
    """An exception that stands for whatever ends a run before its time."""


@contextmanager
def stopping_at(step, monkeypatch):
    """Stop a training of an acoustic model before this step; it must come so far."""
    train = CTCModule.training_step

    def stop(self, batch, index):
        if self.global_step == step:
            raise Stop
        return train(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(CTCModule, "training_step", stop)
        with pytest.raises(Stop):
            yield


def assert_equal_runs(first, second):
    """Assert that two runs have the same logs, except for the time, and equal weights and moments.

    The weights, and the moments of the optimizer, are compared bit for bit.
    """
    assert log_rows(first) == log_rows(second)
    assert (first / "skipped.jsonl").read_text() == (second / "skipped.jsonl").read_text()
    names = {path.name for path in first.glob("*.ckpt")}
    assert names == {path.name for path in second.glob("*.ckpt")}
    for name in names:
        a, b = (torch.load(run / name, weights_only=True) for run in (first, second))
        assert_equal_values(a["state_dict"], b["state_dict"])
        if name == "last.ckpt":
            assert_equal_values(a["optimizer_states"], b["optimizer_states"])


def log_rows(folder):
    """Return the rows of a run's log without their times."""
    with open(folder / "metrics.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def assert_equal_values(a, b):
    """Assert that two nested values hold equal tensors."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal_values(a[key], b[key])
    elif isinstance(a, list):
        for pair in zip(a, b, strict=True):
            assert_equal_values(*pair)
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def write_toml(path, options):
    """Write ``options`` as a file that load_config reads, and return its path."""
    lines = []

    def section(name, values):
        if name:
            lines.append(f"[{name}]")
        plain = {k: v for k, v in values.items() if not isinstance(v, dict)}
        lines.extend(f"{key} = {json.dumps(value)}" for key, value in plain.items())
        for key, value in values.items():
            if isinstance(value, dict):
                section(f"{name}.{key}" if name else key, value)

    section("", to_mapping(options))
    path.write_text("\n".join(lines))
    return path
