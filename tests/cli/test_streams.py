"""Whatever the standard streams and the disk are, a command ends with a status and one line."""

import os
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are streams of Linux")

ASR = f"{shlex.quote(sys.executable)} -m asr"
RECORDING = ROOT / "samples" / "flite-rms-short-answer.wav"


@pytest.fixture
def shell(tmp_path):
    """A function that runs a command of the shell in a folder with texts in it."""
    (tmp_path / "r.trn").write_text("yes no (ann-1)\nné (bob-2)\n")
    (tmp_path / "h.trn").write_text("yes no (ann-1)\nné (bob-2)\n")
    (tmp_path / "né.trn").write_text("yes (x)\n")

    def shell(command, **environment):
        return subprocess.run(
            ["bash", "-c", command.replace("asr ", f"{ASR} ", 1)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            timeout=60,
            check=False,
        )

    return shell


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("asr score r.trn h.trn > /dev/full", 1, "error: standard output: No space left on device"),
        ("asr score --help > /dev/full", 1, "error: standard output: No space left on device"),
        ("asr score r.trn h.trn >&-", 1, "error: standard output: Bad file descriptor"),
        ("asr score r.trn h.trn -o out > /dev/null", 0, ""),
        ("asr score r.trn - --hyp-format trn <&-", 1, "from standard input: it is closed"),
        ("asr score r.trn - --hyp-format trn < /dev/null", 1, "error: -: holds no text"),
        ("asr score r.trn h.trn 2>&-", 0, ""),
        ("asr score r.trn none.trn 2>&-", 1, ""),
        ("asr score r.trn none.trn 2> /dev/full", 1, ""),
        ("asr score r.trn 2> /dev/full", 2, ""),
        ("asr score r.trn none.trn <&- >&- 2>&-", 1, ""),
        ("asr score r.trn h.trn | true", None, ""),
        (f"asr transcribe {RECORDING} > /dev/full", 1, "error: standard output: No space left"),
        ("asr transcribe - <&-", 1, "<stdin>: "),
        ("asr transcribe - < /dev/null", 1, "<stdin>: "),
        ("asr transcribe - 0> written", 1, "<stdin>: "),
    ],
)  # fmt: skip
def test_streams_of_all_kinds(command, status, message, shell):
    done = shell(command)
    assert status is None or done.returncode == status, done.stderr
    assert len(done.stderr.splitlines()) == bool(message)
    assert message.encode() in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
        {"PYTHONUNBUFFERED": "1"},
    ],
    ids=str,
)
def test_encodings_of_all_kinds(environment, shell):
    """Names and texts that the encoding of a stream lacks are written somehow."""
    done = shell("asr score né.trn none.trn", **environment)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith(b"error: cannot read the text none.trn: ")
    done = shell("asr score r.trn $'n\\xe9.trn'", **environment)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith(b"error: cannot read the text n")
    done = shell("asr compare a.json né.json", **environment)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "asr score r.trn h.trn -o out",
        "asr lm build text.txt -o lm.arpa",
        "asr lm build text.txt -o lm.ngram",
        "asr data import folder wav -o m.jsonl",
        f"asr transcribe {RECORDING} -f all -o out",
    ],
)
def test_a_disk_that_is_full(command, shell, tmp_path):
    """A limit of the size of files, like a full disk, ends in one line and leaves no part."""
    (tmp_path / "text.txt").write_text("yes no\nstop\n")
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav" / "a.wav").write_bytes(RECORDING.read_bytes())
    (tmp_path / "wav" / "a.txt").write_text("yes repeat\n")
    done = shell(f"ulimit -f 0; {command} > /dev/null")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"error: cannot write ") and line.endswith(b": File too large")
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == 0]
    assert written == []


def test_a_name_that_is_too_long(shell):
    """It is one recording that cannot be read; the others are."""
    done = shell(f"asr transcribe --verbatim {'x' * 5000} {RECORDING}")
    assert done.returncode == 1 and done.stdout.endswith(b"\tyes repeat\n")
    line, last = done.stderr.splitlines()
    assert line.endswith(b"x: cannot be opened (File name too long)")
    assert last == b"error: 1 of 2 inputs could not be transcribed"


def test_a_fault_is_one_line_or_a_traceback(tmp_path):
    """An error that nobody foresaw is one line, unless ASR_TRACEBACK asks for all."""
    program = (
        "import asr.evaluation.transcripts as t\n"
        "t.pair_transcripts = lambda *_: 1 / 0\n"
        "from asr.cli.main import main\n"
        "main()"
    )
    (tmp_path / "r.trn").write_text("yes (a)\n")
    command = [sys.executable, "-c", program, "score", tmp_path / "r.trn", tmp_path / "r.trn"]
    for value, lines in (("", 1), ("1", 5)):
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, check=False,
            env={**os.environ, "ASR_TRACEBACK": value},
        )  # fmt: skip
        assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
        assert (len(done.stderr.splitlines()) == 1) == (lines == 1)
        assert ("Traceback" in done.stderr) == (lines > 1)
        assert ("error: unexpected ZeroDivisionError at " in done.stderr) == (lines == 1)


def test_names_that_divide_lines_and_fields(shell):
    """A recording is one line of the output, whatever its name."""
    name = r"$'a\nb\tc.wav'"
    shell(f"cp {RECORDING} {name}")
    done = shell(f"asr transcribe --verbatim {name} {RECORDING}")
    assert done.stdout.splitlines()[0] == b"a\\nb\\tc.wav\tyes repeat"
    assert len(done.stdout.splitlines()) == 2
