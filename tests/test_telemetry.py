"""ONNX Runtime reports nothing about its users."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

import hatch_build

FORBIDDEN = """
#include <stdio.h>
#include <stdlib.h>
int socket(int domain, int type, int protocol) {
    fprintf(stderr, "a socket is opened: %d %d %d\\n", domain, type, protocol);
    abort();
}
#define FORBID(name) void *name(const char *host) { \\
    fprintf(stderr, "a host is looked up: %s\\n", host); abort(); }
FORBID(getaddrinfo)
FORBID(gethostbyname)
FORBID(gethostbyname2)
FORBID(gethostbyname_r)
FORBID(gethostbyname2_r)
"""
TRANSCRIBE = "import asr; print(asr.transcribe('samples/flite-rms-short-answer.wav').text)"


@pytest.fixture(scope="module")
def no_sockets(tmp_path_factory):
    """A library which, loaded before all others, ends a process that opens a socket."""
    folder = tmp_path_factory.mktemp("preloaded")
    (folder / "socket.c").write_text(FORBIDDEN)
    compiler = hatch_build.installed_compiler() or pytest.skip(
        "there is no C compiler: install gcc"
    )
    library = folder / "socket.so"
    command = [*compiler, "-shared", "-fPIC", folder / "socket.c", "-o", library]
    subprocess.run(command, check=True)
    return library


def run(program, home, library):
    environment = {**os.environ, "HOME": str(home), "LD_PRELOAD": str(library)}
    for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
def test_recognition_writes_nothing_home_and_opens_no_socket(tmp_path, no_sockets):
    done = run(TRANSCRIBE, tmp_path, no_sockets)
    assert (done.stdout, done.returncode) == ("yes repeat\n", 0), done.stderr
    assert list(tmp_path.rglob("*")) == []
    opened = run("import socket; socket.socket()", tmp_path, no_sockets)
    assert opened.returncode != 0 and "a socket is opened" in opened.stderr


TRAINING_LIBRARIES = """
import asr
import lightning, onnxruntime, torch.onnx
"""


COMMANDS = {
    "transcribe": [
        "transcribe",
        "--verbatim",
        "samples/flite-rms-short-answer.wav",
        "--hotword",
        "repeat:4",
    ],
    "many": ["transcribe", "samples", "-o", "OUT/texts", "-f", "all"],
    "align": ["align", "samples/flite-rms-short-answer.wav", "yes repeat"],
    "evaluate": ["evaluate", "--manifest", "OUT/m.jsonl", "-o", "OUT/report"],
    "verify": ["verify"],
}


@pytest.fixture
def folder(tmp_path):
    """A folder with a manifest, and a home folder in it."""
    audio = str(ROOT / "samples/flite-rms-short-answer.wav")
    values = {"audio_filepath": audio, "duration": 1.1, "text": "yes repeat"}
    (tmp_path / "m.jsonl").write_text(json.dumps(values) + "\n")
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_of_recognition_opens_a_socket(name, folder, no_sockets):
    arguments = [part.replace("OUT", str(folder)) for part in COMMANDS[name]]
    program = f"import sys; sys.argv[1:] = {arguments}; from asr.cli.main import main; main()"
    done = run(program, folder / "home", no_sockets)
    assert done.returncode == 0, done.stderr
    assert list((folder / "home").rglob("*")) == []
    looked_up = run("import socket; socket.getaddrinfo('a.invalid', 1)", folder, no_sockets)
    assert looked_up.returncode != 0 and "a host is looked up: a.invalid" in looked_up.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
def test_recognition_needs_no_network(folder, no_sockets):
    """In a network namespace of its own, a process has no network, not even its own machine's.

    Where nobody may make one, sockets are forbidden alone.
    """
    alone = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).stderr:
        alone = []
    environment = {**os.environ, "HOME": str(folder / "home"), "LD_PRELOAD": str(no_sockets)}
    for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    command = [*alone, sys.executable, "-m", "asr", *COMMANDS["transcribe"]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("yes repeat\n", "", 0)
    assert list((folder / "home").rglob("*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
def test_libraries_of_training_write_no_identifier(tmp_path):
    """Some of them import ONNX Runtime themselves, before anything of this package does."""
    pytest.importorskip("lightning")
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", TRAINING_LIBRARIES]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*icrosoft*")) == []
