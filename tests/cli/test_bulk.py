"""``asr bulk`` as a command: what it prints, its exit codes, and what leaves the machine."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from commands import run
from conftest import ROOT

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.mark.slow
def test_a_folder_on_this_machine(tmp_path):
    """The command starts a cluster of its own, and leaves nothing at home."""
    folder, home = tmp_path / "in", tmp_path / "home"
    for place in (folder, home):
        place.mkdir()
    for sample in SAMPLES[:2]:
        shutil.copy(sample, folder)
    (folder / "bad.wav").write_bytes(b"nothing")
    environment = {**os.environ, "HOME": str(home), "RAY_USAGE_STATS_ENABLED": "1"}
    done = run("bulk", folder, "-o", tmp_path / "out", "--parts", "jsonl", env=environment)
    said, error = done.stderr.splitlines()
    assert said.startswith("2 recordings transcribed, 0.00 h, ")
    assert error == (
        f"error: 1 of 3 recordings could not be transcribed; {tmp_path}/out/errors says why"
    )
    assert (done.stdout, done.returncode) == ("", 1)
    (part,) = (tmp_path / "out").glob("part-*.jsonl")
    assert len([json.loads(line) for line in part.read_text().splitlines()]) == 2
    assert not list(home.rglob("*usage*"))


def test_the_extra_is_named(tmp_path):
    code = "import sys; sys.modules['pyarrow'] = None; from asr.cli.main import main; main()"
    command = [sys.executable, "-c", code, "bulk", "samples", "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert 'pip install "bigru-asr[ray]"' in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_is_said_before_a_cluster_is_started(tmp_path):
    done = run("bulk", "none", "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (1, "error: none: no such file or folder\n")
    done = run("bulk", "samples", "-o", tmp_path / "out", "--model", tmp_path)
    assert done.returncode == 1 and "model.json" in done.stderr
    assert "on a cluster of Ray, asr bulk" in " ".join(run("transcribe", "--help").stdout.split())


def test_other_commands_load_nothing_of_it():
    code = (
        "import sys; import asr.cli.transcribe, asr.recognition.transcriber;"
        "print({'ray', 'pyarrow', 'fsspec', 'asr.bulk'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "set()\n"
