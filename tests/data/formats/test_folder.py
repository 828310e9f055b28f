"""Recordings with texts beside them, any format found by what is there, and the split."""

import os
import unicodedata

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import noise

from asr.data.formats.detect import read_any
from asr.data.formats.folder import read_folder
from asr.data.manifest import read_manifest
from asr.data.split import place, split
from asr.errors import ConfigError, DataError


@pytest.fixture
def recordings(tmp_path):
    """A folder of two speakers, with everything that people leave in such folders."""
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
    assert all(line.startswith("left out: ") for line in lines[1:]) and len(lines) == 6
    assert read_manifest(tmp_path / "m.jsonl")[0].id == "Anna/Grüße 1"
    for name in LEFT_OUT:
        for path in recordings.glob(f"{name}.*"):
            path.unlink()
    done = run("data", "import", "folder", recordings, "-o", tmp_path / "m.jsonl")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    done = run("data", "import", "folder", tmp_path / "none", "-o", tmp_path / "n.jsonl")
    assert done.returncode == 1 and done.stderr.startswith("error: ")
    assert "there are 0 recordings and 0 files .txt" in done.stderr


def test_help_in_a_narrow_window():
    done = run("data", "import", "folder", "--help", env={**os.environ, "COLUMNS": "60"})
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 60


LINE = '{"audio_filepath": "a.wav", "text": "yes"}\n'
CUT = '{"id": "c", "start": 0, "supervisions": []}\n'
RECORDING = (
    '{"id": "r", "sampling_rate": 8000, "num_samples": 800, "duration": 0.1, "sources": '
    '[{"type": "file", "channels": [0], "source": "a.wav"}]}'
)
SPOKEN = (
    '{"id": "a", "recording_id": "r", "start": 0, "duration": 0.1, "channel": 0, "text": "yes"}'
)
WHOLE = f'{{"id": "c", "start": 0, "duration": 0.1, "type": "MonoCut", "recording": {RECORDING}, '
WHOLE += f'"supervisions": [{SPOKEN}]}}'


@pytest.mark.parametrize(
    ("files", "source", "format"),
    [
        ({"wav.scp": "a a.wav\n", "text": "a yes\n", "a.txt": "yes"}, "", "Kaldi"),
        ({"a.txt": "yes", "other.csv": "x\n"}, "", "folder"),
        ({"t.csv": "path,text\na.wav,yes\n", "notes.json": "[1]"}, "", "table"),
        ({"t.tsv": "path\ttext\na.wav\tyes\n", "u.tsv": "path"}, "t.tsv", "table"),
        ({"m.jsonl": LINE}, "", "NeMo"),
        ({"m.json": LINE, "n.json": LINE}, "n.json", "NeMo"),
        ({"x_supervisions.jsonl": SPOKEN, "x_recordings.jsonl": RECORDING}, "", "lhotse"),
        ({"cuts.jsonl": WHOLE}, "", "lhotse"),
    ],
)
def test_formats_are_found(tmp_path, files, source, format):
    soundfile.write(tmp_path / "a.wav", noise(800), 8000)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found, (item,) = read_any(tmp_path / source, pytest.fail)
    assert (found, item.id, item.text) == (format, "a", "yes")


@pytest.mark.parametrize(
    ("files", "source", "message"),
    [
        ({}, "", "looked for wav.scp (Kaldi), *supervisions*.jsonl (lhotse), recordings with .tx"),
        ({"a.csv": "", "b.tsv": ""}, "", "found a.csv, b.tsv: give one of them"),
        ({}, "none", "none: no such file or folder"),
        ({"m.txt": "yes"}, "m.txt", "m.txt: neither a table (.csv or .tsv) nor a manifest"),
        ({"m.jsonl": "{}"}, "m.jsonl", "m.jsonl: neither a table"),
        ({"m.jsonl": CUT}, "m.jsonl", "m.jsonl:1: the cut has no recording"),
        ({"x_supervisions.jsonl": CUT}, "", "x_supervisions.jsonl:1: "),
    ],
)
def test_formats_that_are_not_found(tmp_path, files, source, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_any(tmp_path / source, pytest.fail)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_lines_of_a_table_are_told(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(800), 8000)
    (tmp_path / "t.csv").write_text("path,text\na.wav,yes\nb.wav,no\na.wav,\na.wav,so,too\n")
    problems = []
    _, items = read_any(tmp_path / "t.csv", problems.append)
    assert [item.text for item in items] == ["yes"]
    assert [problem.line for problem in problems] == [3, 4, 5]
    messages = ("no audio file 'b.wav'", "the text is missing", "3 cells, needs 2")
    for problem, message in zip(problems, messages, strict=True):
        assert problem.message.startswith(message)


KEYS = [f"s{number}" for number in range(2000)]


def test_split_follows_the_shares():
    parts = split(KEYS, 0.1, 0.2)
    counts = [sum(part == name for part in parts.values()) for name in ("train", "dev", "test")]
    np.testing.assert_allclose(counts, [1400, 200, 400], atol=60)  # over 3 standard deviations
    assert split(reversed([*KEYS, *KEYS]), 0.1, 0.2) == parts
    assert split(KEYS, 0.1, 0.2, seed=1) != parts
    positions = [place(key) for key in KEYS]
    assert max(abs(np.sort(positions) - (np.arange(2000) + 0.5) / 2000)) < 0.04


def test_keys_that_are_added_move_no_other():
    parts = split(KEYS[:200])
    later = split(KEYS)
    assert all(later[key] == part for key, part in parts.items())


@pytest.mark.parametrize("count", [3, 4, 5, 20])
@pytest.mark.parametrize("shares", [(0.01, 0.01), (0.1, 0.1), (0.4, 0.5), (0.01, 0.9)])
def test_no_part_is_empty(count, shares):
    for first in range(0, 200, count):
        parts = split(KEYS[first : first + count], *shares)
        assert set(parts.values()) == {"train", "dev", "test"}


def test_what_cannot_be_split():
    with pytest.raises(
        DataError, match="cannot divide 2 names into train, dev, test: needs at least 3"
    ):
        split(["a", "b", "a"])
    for shares in ((0, 0.1), (0.1, 0), (0.5, 0.5)):
        with pytest.raises(ConfigError, match="the shares of dev and test are"):
            split(KEYS, *shares)
