"""``asr align`` as a user meets it."""

import json
import subprocess
import sys

import pytest
import soundfile
from commands import run
from conftest import ROOT, noise

SAMPLE = "samples/flite-slt-control-digits.wav"
TEXT = (ROOT / SAMPLE).with_suffix(".txt").read_text().strip()


def align(*arguments, **options):
    """Run ``asr align`` with these arguments."""
    return run("align", *arguments, **options)


def test_json():
    """The JSON holds the words and tokens of the text with times and confidences."""
    done = align(SAMPLE, TEXT.upper())
    assert (done.returncode, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert values["audio"] == SAMPLE and values["text"] == TEXT
    assert [word["word"] for word in values["words"]] == TEXT.split()
    assert "".join(token["token"] for token in values["tokens"]) == TEXT
    assert all(0 <= item["start"] <= item["end"] <= values["duration"] for item in values["words"])
    assert all(0 < item["confidence"] <= 1 for item in values["words"])
    assert len(values["model"]) == 64 and values["score"] < 0


def test_ctm():
    """The times are lines of a ctm file, as its documentation describes them.

    https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm
    """
    done = align(SAMPLE, TEXT, "-f", "ctm")
    assert done.returncode == 0
    words = json.loads(align(SAMPLE, TEXT).stdout)["words"]
    for line, word in zip(done.stdout.splitlines(), words, strict=True):
        recording, channel, start, duration, text, confidence = line.split(" ")
        assert (recording, channel, text) == ("flite-slt-control-digits", "1", word["word"])
        assert float(start) == word["start"]
        assert float(duration) == pytest.approx(word["end"] - word["start"], abs=1.1e-3)
        assert float(confidence) == word["confidence"]


def test_a_recording_with_a_space_in_its_name(tmp_path):
    """The lines of a ctm file have underscores where the name of the recording has spaces."""
    path = tmp_path / "my take  2.wav"
    path.write_bytes((ROOT / SAMPLE).read_bytes())
    assert align(path, TEXT, "-f", "ctm").stdout.startswith("my_take_2 1 ")


def test_text_file_and_output(tmp_path):
    """The text may come from a file, and the words may go to one, in a new folder."""
    (tmp_path / "text.txt").write_text("\ufeff" + TEXT.replace(" ", "\n"), encoding="utf-8")
    output = tmp_path / "out" / "words.ctm"
    done = align(SAMPLE, "--text-file", tmp_path / "text.txt", "-f", "ctm", "-o", output)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert output.read_text() == align(SAMPLE, TEXT, "-f", "ctm").stdout
    assert [path.name for path in output.parent.iterdir()] == ["words.ctm"]


def test_standard_input():
    """A recording from standard input is aligned and called stdin."""
    with open(ROOT / SAMPLE, "rb") as file:
        done = align("-", TEXT, "-f", "ctm", stdin=file)
    assert done.returncode == 0
    assert done.stdout.replace("stdin", "flite-slt-control-digits") == (
        align(SAMPLE, TEXT, "-f", "ctm").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([SAMPLE], 2, "needs one of both"),
        ([SAMPLE, "yes", "--text-file", "x.txt"], 2, "needs one of both"),
        ([SAMPLE, "yes", "-f", "docx"], 2, "docx"),
        ([SAMPLE, "--text-file", "none.txt"], 1, "cannot read the text none.txt: No such file"),
        ([SAMPLE, "--text-file", SAMPLE], 1, "a text is UTF-8 text, this is not"),
        ([SAMPLE, " "], 1, "the text is empty"),
        ([SAMPLE, "enter 4"], 1, "cannot spell the word '4'"),
        ([SAMPLE, "enter " * 50], 1, "it is too short for this text"),
        ([SAMPLE, "yes", "-o", SAMPLE], 1, "is the input"),
        ([SAMPLE, "yes", "--model", "nowhere"], 1, "nowhere: no such model directory"),
        (["none.wav", "yes"], 1, "error: none.wav: no such file"),
    ],
)
def test_errors_are_one_line_and_a_status(arguments, status, message):
    done = align(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    if status == 1:
        assert len(done.stderr.splitlines()) == 1


def test_imports_no_torch(tmp_path):
    """An alignment imports no torch."""
    soundfile.write(tmp_path / "noise.wav", noise(16000), 16000)
    program = (
        "import sys\nfrom asr.cli.main import main\n"
        "try: main()\nexcept SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "align", tmp_path / "noise.wav", "yes"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "False"
