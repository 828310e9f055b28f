"""``asr bulk`` as a command: what it prints, its exit codes, and what leaves the machine."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest
from commands import run
from conftest import ROOT

import hatch_build

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
NOTED = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    char text[INET6_ADDRSTRLEN + 1] = "";
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size);  /* datagrams only look for a way */
    if (type == SOCK_STREAM && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)address)->sin_addr, text, sizeof text);
    if (type == SOCK_STREAM && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
    const char *path = getenv("ASR_CONNECTIONS");
    int file = *text && path ? open(path, O_WRONLY | O_APPEND) : -1;
    if (file >= 0) {
        strcat(text, "\n");
        if (write(file, text, strlen(text)) < 0) abort();
        close(file);
    }
    return next(socket, address, length);
}
"""


@pytest.fixture
def connections(tmp_path):
    """A library that, loaded before all others, notes the addresses that processes connect to; the
    environment that loads it, and the file of the notes."""
    (tmp_path / "connect.c").write_text(NOTED)
    compiler = hatch_build.installed_compiler() or pytest.skip("there is no C compiler")
    library, notes = tmp_path / "connect.so", tmp_path / "connections"
    sources = [tmp_path / "connect.c", "-o", library, "-ldl"]
    subprocess.run([*compiler, "-shared", "-fPIC", *sources], check=True)
    notes.touch()
    return {"LD_PRELOAD": str(library), "ASR_CONNECTIONS": str(notes)}, notes


def own_addresses():
    """Return the addresses of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.connect(("192.0.2.1", 9))  # which sends nothing
        own = any_socket.getsockname()[0]
    plain = {"127.0.0.1", own}
    return plain | {f"::ffff:{address}" for address in plain} | {"::1"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="functions of libraries are replaced on Linux")
def test_a_folder_on_this_machine(tmp_path, connections):
    """The command starts a cluster of its own, leaves nothing at home, and talks to no other
    machine."""
    folder, home = tmp_path / "in", tmp_path / "home"
    for place in (folder, home):
        place.mkdir()
    for sample in SAMPLES[:2]:
        shutil.copy(sample, folder)
    (folder / "bad.wav").write_bytes(b"nothing")
    environment = {**os.environ, "HOME": str(home), "RAY_USAGE_STATS_ENABLED": "1"}
    environment |= connections[0]
    done = run("bulk", folder, "-o", tmp_path / "out", "--parts", "jsonl", env=environment)
    *shown, said, error = done.stderr.splitlines()
    assert all(" of 3 recordings, " in line for line in shown), done.stderr
    assert said.startswith("2 recordings transcribed, 0.00 h, ")
    assert error == (
        f"error: 1 of 3 recordings could not be transcribed; {tmp_path}/out/errors says why"
    )
    assert (done.stdout, done.returncode) == ("", 1)
    (part,) = (tmp_path / "out").glob("part-*.jsonl")
    assert len([json.loads(line) for line in part.read_text().splitlines()]) == 2
    assert not list(home.rglob("*usage*"))
    found = set(connections[1].read_text().split())
    assert found and found <= own_addresses()


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
