"""Tests that the benchmarks and the tools that draw run, and print what they promise."""

import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import soundfile
from conftest import ROOT
from miniatures import write_small_config

from asr.lm.arpa import write_arpa
from asr.lm.kneser_ney import estimate


@pytest.fixture(scope="module")
def small_config(tmp_path_factory):
    """Return a configuration that trains a small model on the samples."""
    return write_small_config(tmp_path_factory.mktemp("small"))


def test_the_benchmark_of_training_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmarks/training.py", "--config", small_config]
    done = subprocess.run([*script, "--epochs", "1"], check=True, capture_output=True, text=True)
    for name in ("this engine", "plain torch", "recurrence, forward"):
        assert name in done.stdout


def test_the_benchmark_of_decoding_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmarks/decoding.py", "--repeats", "1"]
    manifest = small_config.parent / "data.jsonl"
    arpa = small_config.parent / "large.arpa"
    write_arpa(arpa, estimate(["yes no", "no go on"], 2).ngrams)
    done = subprocess.run(
        [*script, "--manifest", manifest, "--model", ROOT / "asr/models/default",
         "--large-lm", arpa],
        check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    for name in ("ours, all tokens", "large model, any word", "its words, 10 tokens",
                 "one utterance alone", "first utterance of a process"):  # fmt: skip
        assert name in done.stdout


def test_the_benchmark_of_scale_runs_and_draws(small_config, tmp_path):
    script = [sys.executable, ROOT / "scripts/benchmarks/scale.py", "--config", small_config]
    few = ["--lines", "100", "--steps", "2", "--output", tmp_path / "scale.svg"]
    done = subprocess.run([*script, *few], check=True, capture_output=True, text=True)
    assert "seconds to the first step" in done.stdout and "100" in done.stdout
    assert "lines of the manifest" in (tmp_path / "scale.svg").read_text()


def test_the_benchmark_of_slow_stores_runs(small_config):
    script = [sys.executable, ROOT / "scripts/benchmarks/store.py", "--config", small_config]
    few = ["--latency", "0.01", "--seconds", "0.1"]
    done = subprocess.run([*script, *few], check=True, capture_output=True, text=True)
    assert "one after another" in done.stdout and "0.01" in done.stdout


def test_the_benchmark_runs():
    script = [sys.executable, ROOT / "scripts/benchmarks/transcribe.py"]
    few = ["--repeats", "1", "--hours", "0.03", "--long-minutes", "0.1", "--files", "2"]
    done = subprocess.run([*script, *few], check=True, capture_output=True, text=True)
    for name in ("0.03 h, greedy", "2 short files", "one of 0.1 minutes"):
        assert name in done.stdout


def test_the_benchmark_of_growth_runs_and_draws(tmp_path):
    script = [sys.executable, ROOT / "scripts/benchmarks/growth.py", "--minutes", "0.05"]
    output = tmp_path / "growth.svg"
    done = subprocess.run(
        [*script, "--files", "2", "--output", output], check=True, capture_output=True, text=True
    )
    for name in ("minutes", "0.05", "files", "times real time"):
        assert name in done.stdout
    picture = output.read_text()
    for name in ("number of short files", "var(--ink)", "prefers-color-scheme: dark"):
        assert name in picture
    ElementTree.fromstring(picture)


def test_the_benchmark_of_readable_transcripts_runs():
    script = [sys.executable, ROOT / "scripts/benchmarks/readable.py"]
    few = ["--seconds", "2", "3", "--repeats", "1"]
    done = subprocess.run([*script, *few], capture_output=True, text=True)
    assert done.returncode == 2 and "needs a number for each" in done.stderr
    done = subprocess.run([*script, *few, "2"], check=True, capture_output=True, text=True)
    for name in ("2 s", "3 s", "readable", "recognised words"):
        assert name in done.stdout


def test_the_benchmark_of_live_audio_runs_and_draws(tmp_path):
    script = [sys.executable, ROOT / "scripts/benchmarks/live.py"]
    output = tmp_path / "live.svg"
    few = ["--manifest", ROOT / "samples/manifest.jsonl", "--limit", "1", "--minutes", "0.03"]

    def printed(*options):
        command = [*script, *few, *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "manifest, joined" in printed("--decoder", "greedy")
    assert "cores busy" in printed("--streams", "1", "2", "--output", output)
    assert "streams at once" in output.read_text()
    assert "cores busy" in printed("--streams", "1", "--real")


def test_the_benchmark_of_cold_starts_runs():
    script = [sys.executable, ROOT / "scripts/benchmarks/cold.py", "--repeats", "1"]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    for name in ("bare imports", "asr --help", "first call ever", "beam, language model", "numpy"):
        assert name in done.stdout


def test_the_preview_of_augmentation(tmp_path):
    script = [sys.executable, ROOT / "scripts/preview_augment.py"]
    audio = ROOT / "samples" / "flite-awb-date.wav"
    subprocess.run([*script, audio, "--output", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
    recordings = [soundfile.read(path)[0] for path in tmp_path.glob("*.wav")]
    assert len(recordings) == 15 and all(len(samples) > 16000 for samples in recordings)


def test_the_benchmark_of_language_models_runs():
    script = [sys.executable, ROOT / "scripts/benchmarks/lm.py", "--words", "3000"]
    done = subprocess.run([*script, "--repeats", "1"], check=True, capture_output=True, text=True)
    for name in ("4-grams", "model.arpa", "32-bit.ngram", "8-bit.ngram"):
        assert name in done.stdout


@pytest.mark.slow
def test_the_benchmark_of_bulk_transcription_runs():
    script = [sys.executable, ROOT / "scripts/benchmarks/bulk.py"]
    few = ["throughput", "--hours", "0.01", "--repeats", "1"]
    done = subprocess.run([*script, *few], check=True, capture_output=True, text=True)
    for name in ("one asr bulk", "two asr transcribe", "equal text and times"):
        assert name in done.stdout
