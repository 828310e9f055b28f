"""Tests of the recipe of AN4, on a miniature in the layout of the corpus."""

import subprocess
import sys

import miniatures
import pytest
from conftest import ROOT

from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.training.config import load_config

TEXTS = ("YES", "RUBOUT G M E F THREE NINE")
SPEAKERS = {"train": ("fash", "fbbh", "fclc", "mblb", "mcel", "mdcs"), "test": ("fcaw", "mmap")}
FOLDERS = {"train": "an4_clstk", "test": "an4test_clstk"}


@pytest.fixture
def official(monkeypatch):
    """Return the script, which takes the archives of :func:`make` for the official one."""
    module = miniatures.load("an4")
    counts = {part: len(TEXTS) * len(names) for part, names in SPEAKERS.items()}
    monkeypatch.setattr(module, "COUNTS", counts)

    def make(folder, change=lambda lists: lists):
        files, lists = {"an4/LICENSE": "Free."}, {}
        for part, speakers in SPEAKERS.items():
            for speaker in speakers:
                for number, text in enumerate(TEXTS):
                    name = f"an{number}-{speaker}-b"
                    fileid = f"{FOLDERS[part]}/{speaker}/{name}"
                    sphere = miniatures.sound(1 + len(text) / 16, 16000, "NIST")
                    files[f"an4/wav/{fileid}.sph"] = sphere
                    lists[f"an4/etc/an4_{part}.fileids"] = (
                        lists.get(f"an4/etc/an4_{part}.fileids", "") + f"{fileid}\n"
                    )
                    # Only the training transcripts have the marks of beginning and end.
                    line = f"<s> {text} </s> ({name})" if part == "train" else f"{text} ({name})"
                    lists[f"an4/etc/an4_{part}.transcription"] = (
                        lists.get(f"an4/etc/an4_{part}.transcription", "") + f"{line}\n"
                    )
        archive = folder / "an4_sphere.tar.gz"
        monkeypatch.setattr(module, "SHA256", miniatures.pack(archive, files | change(lists)))
        return archive

    module.make = make
    return module


def test_prepare_train_evaluate(official, tmp_path):
    data = tmp_path / "data"
    official.main(["--archive", str(official.make(tmp_path)), "--output", str(data)])
    parts = {part: read_manifest(data / f"{part}.jsonl") for part in ("train", "dev", "test")}
    speakers = {part: {item.speaker for item in items} for part, items in parts.items()}
    assert speakers == {
        "train": {"fash", "fbbh", "fclc", "mblb", "mcel"},
        "dev": {"mdcs"},
        "test": {"fcaw", "mmap"},
    }
    for items in parts.values():
        assert {item.text for item in items} == {text.lower() for text in TEXTS}
        for item in items:
            assert item.duration == pytest.approx(1 + len(item.text) / 16, abs=1e-4)
    manifests = [data / f"{part}.jsonl" for part in parts]
    result = miniatures.one_epoch("an4/config.toml", tmp_path, *manifests)
    assert result.score.words.reference == 2 * sum(len(text.split()) for text in TEXTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[1:] + lines[:1], "an0-fash-b stands beside the text of an1-fash-b$"),
        (lambda lines: lines[1:], "has 12 ids and 11 texts, but needs 12 of each"),
    ],
)
def test_lists_that_do_not_fit_each_other(change, message, official, tmp_path):
    name = "an4/etc/an4_train.transcription"

    def changed(lists):
        return lists | {name: "".join(change(lists[name].splitlines(keepends=True)))}

    with pytest.raises(DataError, match=message):
        official.prepare(official.make(tmp_path, changed), tmp_path / "data")


# The following tests need the corpus itself.


def test_an4_parts(an4):
    parts = {part: read_manifest(an4 / f"{part}.jsonl") for part in ("train", "dev", "test")}
    speakers = {part: {item.speaker for item in items} for part, items in parts.items()}
    assert [len(items) for items in parts.values()] == [857, 91, 130]
    assert [len(names) for names in speakers.values()] == [67, 7, 10]
    assert not speakers["train"] & speakers["dev"]
    assert not (speakers["train"] | speakers["dev"]) & speakers["test"]
    assert sum(len(item.text.split()) for item in parts["test"]) == 773
    assert abs(sum(item.duration for item in parts["test"]) / 60 - 5.95) < 0.01
    assert all(item.audio.is_file() for items in parts.values() for item in items)
    characters = set(load_config(ROOT / "recipes/an4/config.toml").data.characters)
    assert {c for items in parts.values() for item in items for c in item.text} <= characters


def test_an4_refuses_another_archive(tmp_path):
    script = miniatures.load("an4")
    with pytest.raises(DataError, match="no such archive"):
        script.prepare(tmp_path / "none.tar.gz", tmp_path)
    (tmp_path / "other.tar.gz").write_bytes(b"other")
    with pytest.raises(DataError, match="SHA-256"):
        script.prepare(tmp_path / "other.tar.gz", tmp_path)
    command = [sys.executable, ROOT / "recipes/an4/prepare.py"]
    done = subprocess.run(
        [*command, "--archive", tmp_path / "other.tar.gz"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("error: ")
