"""Tests of the benchmark that compares recognisers."""

import json
import subprocess
import sys

import miniatures
import pytest
from conftest import ROOT

recognisers = miniatures.load("../scripts/benchmarks", "recognisers")
WORDS = {"rubout", "go"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUBOUT G-M-E-F-3-9", "rubout g m e f 3 9"),
        ("Rub out. NSV-H-T-6-49.", "rubout n s v h t 6 4 9"),
        ("Erase-EDZ-E-56. GO! Go.", "erase e d z e 5 6 go go"),
        ("EDZ56 June 31st", "e d z 5 6 june 3 1"),
        ("nineteen eighty four", "1 9 8 4"),
        ("twenty twenty one zero", "2 o 2 1 o"),
        ("may second, ninetieth", "may 2 9 o"),
        ("I can't", "i cant"),
        ("", ""),
    ],
)
def test_the_canonical_form(text, expected):
    assert recognisers.canonical(text, WORDS) == expected


def test_it_runs(tmp_path):
    peer = tmp_path / "python"
    text = json.dumps({"peer": "other 1.0", "texts": ["yes repeat"], "memory": 12})
    peer.write_text(f"#!{sys.executable}\nimport sys\nprint('{text}')\n")
    peer.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/benchmarks/recognisers.py", "--minutes", "0.05",
         "--manifest", ROOT / "samples/manifest.jsonl", "--peers-python", peer],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in ("greedy", "beam", "other 1.0", "0.00 %"):
        assert name in done.stdout


def test_english_runs_beside_another_recogniser(tmp_path):
    """The texts of both are judged in one form, and the file holds what is needed for a table."""
    peer = tmp_path / "python"
    values = {"peer": "other 1.0", "texts": ["YES"] * 8, "seconds": 2.0, "memory": 12}
    peer.write_text(f"#!{sys.executable}\nprint({json.dumps(values)!r})\n")
    peer.chmod(0o755)
    output = tmp_path / "english.json"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/benchmarks/english.py", "--output", output,
         "--set", f"samples={ROOT / 'samples/manifest.jsonl'}", "--peers-python", peer,
         "--whisper", f"none={tmp_path}", "--pocketsphinx"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "this model, greedy" in done.stdout and "Whisper none" in done.stdout
    found = json.loads(output.read_text())["sets"]["samples"]
    assert found.keys() == {"this model, greedy", "Whisper none", "pocketsphinx"}
    ours, theirs = found["this model, greedy"], found["pocketsphinx"]
    assert ours["wer"]["errors"] == 0 and ours["utterances"] == 8
    reference = ours["wer"]["reference"]
    # One of its words is right: "yes" of "yes repeat".
    assert theirs["wer"]["reference"] == reference and theirs["wer"]["errors"] == reference - 1
