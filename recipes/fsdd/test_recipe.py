"""Tests of the recipe of the spoken digits, on a miniature in the layout of the dataset."""

import io

import miniatures
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.training.config import load_config

STRINGS = {"test": 12, "dev": 12, "train": 24}


def recording(digit, take):
    """Return a WAV file whose pitch tells the digit and whose level tells the take."""
    time = np.arange(800) / 8000
    tone = (take + 1) / 64 * np.sin(2 * np.pi * 300 * (digit + 1) * time)
    wav = io.BytesIO()
    soundfile.write(wav, tone, 8000, format="WAV")
    return wav.getvalue()


@pytest.fixture(scope="module")
def files():
    """Return all 3,000 recordings, of which those of one digit and take are the same."""
    recordings = {
        (digit, take): recording(digit, take) for digit in range(10) for take in range(50)
    }
    return {
        f"free-spoken-digit-dataset/recordings/{digit}_{speaker}_{take}.wav": recordings[
            digit, take
        ]
        for speaker in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
        for digit in range(10)
        for take in range(50)
    }


@pytest.fixture
def fsdd(monkeypatch):
    """Return the script, which makes fewer strings here."""
    module = miniatures.load("fsdd")
    monkeypatch.setattr(module, "STRINGS", STRINGS)
    return module


def test_prepare_train_evaluate(fsdd, files, tmp_path):
    archive, data = tmp_path / "fsdd.tar.gz", tmp_path / "data"
    miniatures.pack(archive, files | {"free-spoken-digit-dataset/README.md": "The digits."})
    fsdd.main(["--archive", str(archive), "--output", str(data)])
    parts = {
        name: read_manifest(data / f"{name}.jsonl")
        for name in ("train", "dev", "test", "test_strings")
    }
    assert [len(items) for items in parts.values()] == [2424, 312, 300, 12]
    takes = {
        name: {int(item.id.split("_")[2]) for item in items if "_" in item.id}
        for name, items in parts.items()
    }
    assert takes["test"] == {*range(5)} and takes["dev"] == {*range(5, 10)}
    assert takes["train"] == {*range(10, 50)} and takes["test_strings"] == set()
    characters = set(load_config(ROOT / "recipes/fsdd/config.toml").data.characters)
    assert {c for items in parts.values() for item in items for c in item.text} == characters
    for item in parts["test_strings"]:
        check_string(item, fsdd)

    # A few of them are enough to train on.
    for name in ("train", "dev"):
        lines = (data / f"{name}.jsonl").read_text().splitlines(keepends=True)
        (data / f"few_{name}.jsonl").write_text("".join(lines[-20:]))
    manifests = [data / f"{name}.jsonl" for name in ("few_train", "few_dev", "test_strings")]
    result = miniatures.one_epoch("fsdd/config.toml", tmp_path, *manifests)
    words = sum(len(item.text.split()) for item in parts["test_strings"])
    assert result.score.words.reference == words

    # The archive may be removed, and nothing changes when the corpus is prepared again.
    before = {path: path.read_bytes() for path in sorted(data.rglob("*.flac"))}
    assert len(before) == sum(STRINGS.values())
    archive.unlink()
    fsdd.main(["--archive", str(archive), "--output", str(data)])
    assert before == {path: path.read_bytes() for path in sorted(data.rglob("*.flac"))}


def check_string(item, fsdd):
    """Check that the audio of a string says its text, in recordings of the test part alone."""
    words = item.text.split()
    assert len(words) in fsdd.LENGTHS
    samples, rate = soundfile.read(item.audio)
    said = digits(samples)
    assert len(said) == len(words) and len(samples) / rate == pytest.approx(item.duration)
    for piece, word in zip(said, words, strict=True):
        spectrum = np.abs(np.fft.rfft(piece[:800]))
        assert fsdd.DIGITS[round(spectrum.argmax() * 10 / 300) - 1] == word
        assert np.abs(piece).max() < 5.5 / 64


def digits(samples):
    """Return the tones of 800 samples, between which there may be pauses."""
    loud = np.convolve(np.abs(samples) > 0, np.ones(8), "same") > 0
    stretches = np.split(samples, np.flatnonzero(np.diff(loud.astype(int))) + 1)
    counts = [round(len(piece) / 800) if np.abs(piece).max() > 0 else 0 for piece in stretches]
    return [
        piece[800 * place : 800 * (place + 1)]
        for piece, count in zip(stretches, counts, strict=True)
        for place in range(count)
    ]


def test_a_dataset_that_is_not_whole(fsdd, files, tmp_path):
    archive = tmp_path / "fsdd.tar.gz"
    kept = {name: wav for name, wav in files.items() if not name.endswith("/3_theo_7.wav")}
    miniatures.pack(archive, kept)
    with pytest.raises(DataError, match=r"3_theo_7\.wav is missing; needs the whole dataset"):
        fsdd.prepare(archive, tmp_path / "data")
