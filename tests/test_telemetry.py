"""ONNX Runtime reports nothing about its users."""

import os
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


@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
def test_libraries_of_training_write_no_identifier(tmp_path):
    """Some of them import ONNX Runtime themselves, before anything of this package does."""
    pytest.importorskip("lightning")
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", TRAINING_LIBRARIES]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*icrosoft*")) == []
