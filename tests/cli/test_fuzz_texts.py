"""Damaged texts of all kinds are read or refused in one line, by commands and by readers."""

import os

import pytest
from fuzz_texts import _run_inside, attempt, fuzz_texts, kinds, mutant

INPUTS = int(os.environ.get("ASR_FUZZ_TEXTS", 2_500))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_undamaged_texts_are_read(kind, tmp_path):
    for name, content in kind.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert _run_inside(kind, tmp_path) == "read"


def test_inputs_are_determined_by_seed_and_number():
    assert mutant(1, 20) == mutant(1, 20)
    assert len({mutant(seed, number)[1] for seed in (1, 2) for number in range(50)}) > 90


def test_some_damaged_texts(tmp_path):
    (tmp_path / "input").mkdir()
    outcomes = [attempt(tmp_path / "input", 0, number) for number in range(300)]
    assert [outcome for outcome in outcomes if outcome.startswith("crash")] == []
    assert sum(outcome.endswith("read") for outcome in outcomes) > 60


@pytest.mark.slow
def test_many_damaged_texts(tmp_path, capsys):
    totals = fuzz_texts(INPUTS, 0, os.cpu_count() or 1, tmp_path)
    with capsys.disabled():
        print(f"\n{totals}")
    assert totals.findings == [] and totals.outcomes.total() == INPUTS
