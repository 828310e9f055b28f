"""The recordings that arguments of a command name."""

import json

import pytest

from asr.data.audio_files import AudioFile, find_audio_files
from asr.errors import DataError


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of recordings and other files, beside an empty one."""
    names = [
        "b.wav",
        "a.FLAC",
        "notes.txt",
        ".hidden.wav",
        "sub/c.mp3",
        ".git/d.wav",
        "sub/x/e.ogg",
    ]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*arguments):
    """Return the paths of the recordings that the arguments name."""
    return [source.path for source in find_audio_files(arguments)]


def test_a_folder_stands_for_its_recordings(tree):
    assert find_audio_files(["in"]) == [
        AudioFile(f"in/{name}", "in") for name in ("a.FLAC", "b.wav", "sub/c.mp3", "sub/x/e.ogg")
    ]


def test_patterns(tree):
    """A pattern stands for the recordings that match it, unless a file has its name."""
    assert paths("in/*.wav") == ["in/b.wav"]
    assert paths("in/**/*.[mo]*") == ["in/sub/c.mp3", "in/sub/x/e.ogg"]
    (tree / "in/[x]*.wav").write_bytes(b"")
    assert paths("in/[x]*.wav") == ["in/[x]*.wav"]  # The name of a file is not taken as a pattern.


def test_files_are_taken_as_they_are_named(tree):
    assert find_audio_files(["-", "none.wav", "in/notes.txt"]) == [
        AudioFile("-"), AudioFile("none.wav"), AudioFile("in/notes.txt")
    ]  # fmt: skip


def test_a_manifest_names_recordings_with_or_without_texts(tree):
    lines = [{"audio_filepath": "in/b.wav"}, {"audio_filepath": "/else/x.wav", "text": "yes"}]
    (tree / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert find_audio_files(["list.jsonl"]) == [
        AudioFile(str(tree / "in/b.wav"), str(tree)),
        AudioFile("/else/x.wav", None),
    ]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("empty", "no audio files"),
        ("in/*.aac", "no file matches this pattern"),
        ("none.jsonl", "manifest"),
    ],
)
def test_what_names_nothing(tree, argument, message):
    """An argument that names no recording is an error."""
    with pytest.raises(DataError, match=message):
        find_audio_files([argument])
