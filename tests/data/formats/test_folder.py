"""Folders of recordings with texts beside them."""

import json
import os
import unicodedata

import pytest
import soundfile
from commands import run
from conftest import noise

from asr.data.formats.folder import read_folder
from asr.data.manifest import read_manifest


@pytest.fixture
def recordings(tmp_path):
    """A folder of two speakers with the files that people leave in such folders."""
    folder = tmp_path / "my recordings"
    files = {
        "Anna/Grüße 1.wav": "Guten Morgen,\nAnna!\n",
        "Anna/second.FLAC": "\ufeffnochmal",
        "ben/take.2.mp3": "drei",
        "ben/empty.wav": " \n",
        "ben/latin.wav": "grün".encode("latin-1"),
        "ben/silent.wav": None,
        "ben/twice.wav": "two",
        "ben/twice.flac": None,
        "top.wav": "oben",
    }
    for index, (name, text) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise(8000, index), 8000, format=path.suffix[1:].upper())
        if text is not None:
            content = text if isinstance(text, bytes) else text.encode()
            path.with_suffix(".txt").write_bytes(content)
    (folder / "ben" / "lonely.txt").write_text("nobody says this")
    (folder / ".hidden.txt").write_text("no")
    (folder / ".hidden.wav").write_bytes(b"no")
    (folder / "notes.pdf").write_bytes(b"no")
    return folder


LEFT_OUT = {
    "ben/empty": "the text is empty",
    "ben/latin": "a text is UTF-8 text, this is not",
    "ben/lonely": "no recording of this name beside it",
    "ben/silent": "no text: needs silent.txt beside it",
    "ben/twice": "both twice.flac and twice.wav; remove one",
}


def test_folder(recordings):
    """Recordings with a text are utterances, and the others are reported with the reason."""
    problems = []
    items = read_folder(recordings, problems.append)
    assert [(item.id, item.text, item.speaker) for item in items] == [
        ("Anna/Grüße 1", "Guten Morgen, Anna!", "Anna"),
        ("Anna/second", "nochmal", "Anna"),
        ("ben/take.2", "drei", "ben"),
        ("top", "oben", None),
    ]
    assert [problem.id for problem in problems] == list(LEFT_OUT)
    for problem in problems:
        assert problem.message.startswith(LEFT_OUT[problem.id])
        assert str(problem).startswith(f"{problem.path}: {problem.id}: ")


def test_names_with_accents_are_one_in_either_form(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "grün") for form in ("NFC", "NFD"))
    soundfile.write(tmp_path / f"{decomposed}.wav", noise(800), 8000)
    (tmp_path / f"{composed}.txt").write_text("ja")
    (item,) = read_folder(tmp_path, pytest.fail)
    assert item.id == composed and item.speaker is None


def test_one_folder_in_the_folder_is_no_speaker(recordings):
    for path in (recordings / "ben").iterdir():
        path.unlink()
    assert {item.speaker for item in read_folder(recordings, pytest.fail)} == {None}


def test_import_tells_what_it_leaves_out(recordings, tmp_path):
    done = run("data", "import", "folder", recordings, "-o", tmp_path / "m.jsonl")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0].endswith("m.jsonl: 4 utterances, 0.07 min")
    assert all(line.startswith("left out: ") for line in lines[1:]) and len(lines) == 7
    assert lines[-1] == (
        f"left out: 5 of 9 rows, all of them listed in {tmp_path / 'm-left-out.jsonl'}; "
        "--max-bad SHARE allows for some"
    )
    listed = [json.loads(line) for line in (tmp_path / "m-left-out.jsonl").read_text().splitlines()]
    assert [line["id"] for line in listed] == list(LEFT_OUT)
    assert read_manifest(tmp_path / "m.jsonl")[0].id == "Anna/Grüße 1"
    for name in LEFT_OUT:
        for path in recordings.glob(f"{name}.*"):
            path.unlink()
    done = run("data", "import", "folder", recordings, "-o", tmp_path / "m.jsonl")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert not (tmp_path / "m-left-out.jsonl").exists()
    done = run("data", "import", "folder", tmp_path / "none", "-o", tmp_path / "n.jsonl")
    assert done.returncode == 1 and done.stderr.startswith("error: ")
    assert "there are 0 recordings and 0 files .txt" in done.stderr


def test_help_in_a_narrow_window():
    """The help fits in a narrow window."""
    done = run("data", "import", "folder", "--help", env={**os.environ, "COLUMNS": "60"})
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 60
