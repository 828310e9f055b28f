"""Servers of ``asr serve``, each a process of its own on the loopback interface."""

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

from conftest import ROOT
from waiting import wait_for

CODE = "from asr.cli.main import main; main()"
"""The program of a server; a test may put other settings before it."""


class Server:
    """A running server: its ``process``, its ``url`` without a slash, and the lines of its log."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        first = process.stderr.readline().strip()
        self.url = first if first.startswith("http") else None
        if self.url is None:
            self.lines.append(first)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    @property
    def log(self):
        """The lines of the log that are JSON, as dictionaries."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def logged(self, **values):
        """Wait for a line of the log with these values (``...``: any that is not empty).

        An answer may arrive before the thread that reads the log has its line.
        """

        def found():
            return [
                line
                for line in self.log
                if all(
                    line.get(name) == v or (v is ... and line.get(name))
                    for name, v in values.items()
                )
            ]

        wait_for(found)
        return found()[0]

    def get(self, path, **headers):
        """Return the status and the body of an answer."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """Return the value of a metric by its name and labels, 0 if there is none."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def wait_until_ready(self, seconds=20):
        """Wait until the model is loaded."""
        wait_for(lambda: self.get("/health")[0] == 200, seconds)

    def wait(self, seconds=20):
        """Wait for the end of the process, and return its exit code."""
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status


@contextmanager
def serving(*arguments, settings=None, ready=True, environment=None, program=CODE):
    """Start ``asr serve`` with these arguments, and kill it at the end.

    The texts of the model in the package are as recognised.
    ``settings`` replace defaults of :class:`asr.serving.settings.Settings` that have no option.
    """
    if settings:
        program = (
            "import asr.serving.settings as s, functools;"
            f"s.Settings = functools.partial(s.Settings, **{settings!r});" + program
        )
    if "--model" not in arguments:
        arguments = (*arguments, "--verbatim")
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", "--port", "0", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    try:
        server = Server(process)
        if ready and server.url:
            server.wait_until_ready()
        yield server
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def multipart(fields, file=None, boundary="frontier"):
    """Return the body and the headers of a form; ``file`` is (name, bytes)."""
    parts = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts += [head.encode(), str(value).encode(), b"\r\n"]
    if file is not None:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        parts += [head.encode(), file[1], b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def open_files(pid):
    """Return the names of deleted or temporary files that a process has open."""
    names = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
        except OSError:
            continue
    return [name for name in names if "(deleted)" in name and "memfd" not in name]
