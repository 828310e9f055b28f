"""The README's two commands are those that CI runs, and its Python example runs."""

import re
import shlex
import subprocess
import sys

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_both_commands_stand_there_once_and_whole():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert lines == [
        "python3 -m venv .venv && .venv/bin/pip install . && "
        ".venv/bin/asr transcribe samples/*.wav",
        'python3 -m venv .venv-dev && .venv-dev/bin/pip install -e ".[dev]" -c constraints.txt && '
        ".venv-dev/bin/pytest",
    ]


def test_python_examples(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(code, names)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("p e t e r s o n [('p', ")
    assert lines[1].endswith(" p e t e r s o n")
    assert lines[2] == "50.00 % [1 / 2: 0 ins, 1 del, 0 sub]"
    assert lines[3].startswith("yes repeat ") and lines[-1] == "True"


def test_console_examples_give_what_stands_there():
    (block,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    steps = re.findall(r"^\$ asr (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    assert len(steps) == 3
    for arguments, expected in steps:
        command = [sys.executable, "-c", "from asr.cli.main import main; main()"]
        done = subprocess.run(
            [*command, *shlex.split(arguments)], capture_output=True, text=True, cwd=ROOT
        )
        assert (done.stdout + done.stderr, done.returncode) == (expected, 0)
