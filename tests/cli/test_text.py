"""``asr text`` and the readable form in ``asr transcribe``."""

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest
from commands import COMMAND, run
from conftest import ROOT
from taggers import make_tagger

from asr.model.directory import TAGGER, read_model

CLIP = str(ROOT / "samples" / "flite-slt-spelled-name.wav")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The default model with a small tagger, untrained but for a full stop after every word."""
    folder = tmp_path_factory.mktemp("readable")
    (folder / "tagger.onnx").write_bytes(make_tagger(folder))
    default = ROOT / "asr" / "models" / "default"
    done = run("text", "add", folder / "tagger.onnx", default, "-o", folder / "model")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder / 'model'}\n"
    return folder / "model"


def test_a_tagger_is_added(model):
    assert TAGGER in read_model(model).files
    done = run("verify", model)
    assert done.returncode == 0, done.stderr


def test_what_is_no_tagger_is_not_added(model, tmp_path):
    done = run("text", "add", model / "model.onnx", model, "-o", tmp_path / "model")
    assert done.returncode == 1 and "not a tagger of asr text train" in done.stderr
    done = run("text", "add", tmp_path / "none.onnx", model, "-o", tmp_path / "model")
    assert done.returncode == 1 and done.stderr.startswith("error: cannot read ")
    assert not (tmp_path / "model").exists()


def test_transcripts_are_readable_unless_verbatim(model):
    done = run("transcribe", CLIP, "--model", model)
    assert (done.stdout, done.returncode) == ("P-E-T-E-R-S-O-N.\n", 0)
    done = run("transcribe", CLIP, "--model", model, "--verbatim")
    assert (done.stdout, done.returncode) == ("p e t e r s o n\n", 0)
    values = json.loads(run("transcribe", CLIP, "--model", model, "-f", "json").stdout)
    assert values["text"] == "p e t e r s o n" and values["display"] == "P-E-T-E-R-S-O-N."
    assert values["tokens"] == [{"text": "P-E-T-E-R-S-O-N.", "first": 0, "last": 8}]
    plain = json.loads(run("transcribe", CLIP, "--model", model, "-f", "json", "--verbatim").stdout)
    assert {
        key: value for key, value in values.items() if key not in ("display", "tokens")
    } == plain


def test_a_pipe_ends_in_readable_lines(model):
    with open(CLIP, "rb") as file:
        done = run("transcribe", "-", "--model", model, stdin=file)
    assert (done.stdout, done.returncode) == ("P-E-T-E-R-S-O-N.\n", 0)
    with open(CLIP, "rb") as file:
        done = run("transcribe", "-", "--model", model, "--verbatim", stdin=file)
    assert (done.stdout, done.returncode) == ("p e t e r s o n\n", 0)


def test_a_terminal_shows_words_that_may_change_as_they_are(model):
    ours, theirs = pty.openpty()
    command = [*COMMAND, "transcribe", "-", "--model", str(model)]
    with open(CLIP, "rb") as file:
        subprocess.run(command, cwd=ROOT, stdin=file, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "\x1b[90mp e t" in shown and shown.endswith("P-E-T-E-R-S-O-N.\r\n")


def test_verbatim_loads_nothing(model, tmp_path):
    """The file of the tagger is not even read."""
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / TAGGER).write_bytes(b"something else")
    arguments = ["transcribe", CLIP, "--model", str(tmp_path / "model")]
    done = run(*arguments, "--verbatim")
    assert (done.stdout, done.returncode) == ("p e t e r s o n\n", 0)
    done = run(*arguments)
    assert done.returncode == 1 and f"{TAGGER}: contents differ" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    imported = [sys.executable, "-X", "importtime", *COMMAND[1:], "transcribe", CLIP]
    for options, loads in (([], True), (["--verbatim"], False)):
        command = [*imported, "--model", str(model), *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        assert ("asr.display.tagger" in done.stderr) == loads
        assert ("asr.display" in done.stderr) == loads
