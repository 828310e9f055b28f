"""Tests of the recipe of yesno, on a miniature in the layout of the corpus."""

import itertools

import miniatures
import pytest
from conftest import ROOT

from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.training.config import load_config

NAMES = sorted("_".join(digits) for digits in itertools.product("01", repeat=8))[:240:4]


@pytest.fixture
def yesno(monkeypatch):
    """Return the script, which takes the archives of :func:`make` for the official one."""
    module = miniatures.load("yesno")

    def make(folder, names=NAMES):
        wav = miniatures.sound(2, 8000, "WAV")
        files = {f"waves_yesno/{name}.wav": wav for name in names}
        archive = folder / "waves_yesno.tar.gz"
        texts = {
            f"waves_yesno/{name}": "This dataset was created" for name in ("README", "README~")
        }
        monkeypatch.setattr(module, "SHA256", miniatures.pack(archive, files | texts))
        return archive

    module.make = make
    return module


def test_prepare_train_evaluate(yesno, tmp_path):
    data = tmp_path / "data"
    yesno.main(["--archive", str(yesno.make(tmp_path)), "--output", str(data)])
    parts = {part: read_manifest(data / f"{part}.jsonl") for part in ("train", "dev", "test")}
    assert {part: len(items) for part, items in parts.items()} == {
        "train": 25,
        "dev": 5,
        "test": 30,
    }
    assert [item.id for item in parts["test"]] == NAMES[1::2]
    assert sorted(item.id for part in ("train", "dev") for item in parts[part]) == NAMES[::2]
    for items in parts.values():
        for item in items:
            said = [{"no": "0", "yes": "1"}[word] for word in item.text.split()]
            assert "_".join(said) == item.id and item.duration == 2
    characters = load_config(ROOT / "recipes/yesno/config.toml").data.characters
    assert set(characters) == {c for item in parts["train"] for c in item.text}
    manifests = [data / f"{part}.jsonl" for part in ("train", "dev", "test")]
    result = miniatures.one_epoch("yesno/config.toml", tmp_path, *manifests)
    assert result.score.words.reference == 240


def test_an_archive_that_is_not_the_official_one(yesno, tmp_path):
    with pytest.raises(DataError, match="has 59 recordings, but the corpus has 60"):
        yesno.prepare(yesno.make(tmp_path, NAMES[1:]), tmp_path / "a")
    with pytest.raises(DataError, match=r"extra\.wav needs a name made of 0 and 1"):
        yesno.prepare(yesno.make(tmp_path, [*NAMES[1:], "extra"]), tmp_path / "b")
    archive = yesno.make(tmp_path)
    archive.write_bytes(b"another")
    with pytest.raises(SystemExit, match=r"SHA-256 is .*, the official archive has"):
        yesno.main(["--archive", str(archive), "--output", str(tmp_path / "c")])
