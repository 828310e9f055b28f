"""The recipe of the spoken digits, on a miniature in the layout of the dataset."""

import io
import tarfile

import numpy as np
import pytest
import soundfile
from conftest import ROOT, recipe

from asr.config import load_config
from asr.errors import DataError
from asr.manifest import read_manifest

fsdd = recipe("fsdd")


def archive_of(path, takes, left_out=()):
    """Recordings whose pitch tells the digit, whose level tells the take."""
    with tarfile.open(path, "w:gz") as tar:
        for speaker in fsdd.SPEAKERS:
            for digit in range(10):
                for take in range(takes):
                    name = f"{digit}_{speaker}_{take}.wav"
                    if name in left_out:
                        continue
                    wav = io.BytesIO()
                    time = np.arange(800) / fsdd.RATE
                    tone = (take + 1) / 64 * np.sin(2 * np.pi * 300 * (digit + 1) * time)
                    soundfile.write(wav, tone, fsdd.RATE, format="WAV")
                    member = tarfile.TarInfo(f"free-spoken-digit-dataset/recordings/{name}")
                    member.size = wav.tell()
                    wav.seek(0)
                    tar.addfile(member, wav)
    return path


def test_the_official_split(tmp_path):
    archive = archive_of(tmp_path / "fsdd.tar.gz", 50)
    fsdd.main(["--archive", str(archive), "--output", str(tmp_path / "data")])
    parts = {
        name: read_manifest(tmp_path / "data" / f"{name}.jsonl")
        for name in ("train", "dev", "test", "test_strings")
    }
    assert [len(items) for items in parts.values()] == [2900, 400, 300, 200]
    takes = {
        name: {int(item.id.split("_")[2]) for item in items if "_" in item.id}
        for name, items in parts.items()
    }
    assert takes["test"] == {*range(5)} and takes["dev"] == {*range(5, 10)}
    assert takes["train"] == {*range(10, 50)} and takes["test_strings"] == set()
    characters = set(load_config(ROOT / "recipes/fsdd/config.toml").data.characters)
    assert {c for items in parts.values() for item in items for c in item.text} == characters
    for item in parts["test_strings"]:
        words = item.text.split()
        assert len(words) in fsdd.LENGTHS
        samples, rate = soundfile.read(item.audio)
        said = digits(samples)
        assert len(said) == len(words) and len(samples) / rate == pytest.approx(item.duration)
        for piece, word in zip(said, words, strict=True):
            spectrum = np.abs(np.fft.rfft(piece[:800]))
            assert fsdd.DIGITS[round(spectrum.argmax() * 10 / 300) - 1] == word
            assert np.abs(piece).max() < 5.5 / 64  # recordings of the test part alone


def digits(samples):
    """The tones of 800 samples between pauses, which may be none."""
    loud = np.convolve(np.abs(samples) > 0, np.ones(8), "same") > 0
    stretches = np.split(samples, np.flatnonzero(np.diff(loud.astype(int))) + 1)
    counts = [round(len(piece) / 800) if np.abs(piece).max() > 0 else 0 for piece in stretches]
    return [
        piece[800 * place : 800 * (place + 1)]
        for piece, count in zip(stretches, counts, strict=True)
        for place in range(count)
    ]


def test_strings_are_the_same_in_every_run(tmp_path, monkeypatch):
    monkeypatch.setattr(fsdd, "STRINGS", {"test": 20, "dev": 10, "train": 30})
    archive = archive_of(tmp_path / "fsdd.tar.gz", 50)
    for name in ("a", "b"):
        fsdd.prepare(archive, tmp_path / name)
    first, second = (sorted((tmp_path / name / "strings").rglob("*.flac")) for name in ("a", "b"))
    assert len(first) == 60
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_dataset_that_is_not_whole(tmp_path):
    archive = archive_of(tmp_path / "fsdd.tar.gz", 50, left_out=("3_theo_7.wav",))
    with pytest.raises(DataError, match=r"3_theo_7\.wav is missing; needs the whole dataset"):
        fsdd.prepare(archive, tmp_path / "data")
