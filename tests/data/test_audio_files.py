"""The recordings that arguments of a command name."""

import json
from pathlib import Path

import pytest

from asr.audio.ffmpeg import DEMUXERS
from asr.audio.inputs import Piece, is_audio
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
        AudioFile(str(tree / "in/b.wav"), str(tree), "b"),
        AudioFile("/else/x.wav", None, "x"),
    ]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("empty", "no audio files"),
        ("in/*.aac", "no file matches this pattern"),
        ("none.jsonl", "manifest"),
        ("", "an empty name"),
    ],
)
def test_what_names_nothing(tree, argument, message):
    """An argument that names no recording is an error."""
    with pytest.raises(DataError, match=message):
        find_audio_files([argument])


def test_a_manifest_of_pieces(tree):
    line = {"audio_filepath": "in/b.wav", "offset": 1.5}
    (tree / "list.jsonl").write_text("\n".join(map(json.dumps, [line, line | {"duration": 2}])))
    found = find_audio_files(["list.jsonl"])
    assert [item.source for item in found] == [
        Piece(tree / "in/b.wav", 1.5), Piece(tree / "in/b.wav", 1.5, 2.0)
    ]  # fmt: skip
    assert [item.id for item in found] == ["b-0001500", "b-0001500-0003500"]


def test_linked_folders_are_read_once(tree):
    """A link to a folder elsewhere is followed; one to a folder that is read anyway is not."""
    (tree / "other/deep").mkdir(parents=True)
    (tree / "other/deep/f.wav").write_bytes(b"")
    for name, target in (("far", "other"), ("again", "other"), ("loop", "in"), ("x2", "in/sub")):
        (tree / "in" / name).symlink_to(tree / target)
    (tree / "other/deep/back").symlink_to(tree / "other")
    assert paths("in") == [
        f"in/{name}" for name in ("a.FLAC", "again/deep/f.wav", "b.wav", "sub/c.mp3", "sub/x/e.ogg")
    ]


def test_a_folder_says_what_it_passes_over(tree):
    notes = []
    find_audio_files(["in"], notes.append)
    assert notes == []
    for name in ("g.xyz", "sub/h.xyz", "utterance7"):
        (tree / "in" / name).write_bytes(b"")
    find_audio_files(["in"], notes.append)
    assert notes == [
        "in: 3 files passed over, whose names are not those of audio (.xyz: 2, no suffix: 1); to "
        "read them, name the files"
    ]


def test_a_folder_with_the_name_of_a_recording(tree):
    (tree / "in/sub/v.wav").mkdir()
    assert "in/sub/v.wav" not in paths("in")


@pytest.mark.parametrize(
    "suffix", "wave m2ts mts mpg mp2 wv flv asf weba tta voc m4v spx eac3 3g2 ogv nist".split()
)
def test_what_is_read_when_named_is_read_in_a_folder(tree, suffix):
    (tree / "empty" / f"a.{suffix}").write_bytes(b"")
    assert paths("empty") == [f"empty/a.{suffix}"]


def test_every_suffix_of_the_containers_that_are_read(tree):
    """FFmpeg names the suffixes of a container."""
    av = pytest.importorskip("av")
    missing = set()
    for name in DEMUXERS.split(","):
        for suffix in av.ContainerFormat(name, "r").extensions:
            if not is_audio(Path(f"a.{suffix}")):
                missing.add(suffix)
    assert missing <= {"avif", "heif", "heic"}  # pictures
