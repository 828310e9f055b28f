"""The model inside the package: what its card says, on the recordings it says it of."""

import subprocess

import make_conditions
import measure_conditions
import numpy as np
import pytest
import results_table
import soundfile
from conftest import ROOT

from asr.audio import read_audio
from asr.manifest import read_manifest
from asr.modeldir import default_model, read_model
from asr.transcriber import Transcriber, Transcript

SCORES = read_model(default_model()).scores
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
LIMITS = {
    ("AN4 test", "clean"): 0.07,
    ("FSDD test, digits", "clean"): 0.01,
    ("FSDD test, strings", "clean"): 0.02,
    ("FSDD test, strings", "10 dB"): 0.06,
    ("FSDD test, strings", "8 kHz"): 0.03,
}


@pytest.fixture(scope="module")
def conditions(an4, fsdd, tmp_path_factory):
    """A folder as measure_conditions.py reads it."""
    folder = tmp_path_factory.mktemp("conditions")
    (folder / "an4").symlink_to(an4)
    (folder / "fsdd").symlink_to(fsdd)
    talkers = make_conditions.read_talkers(an4 / "train.jsonl")
    for manifest in measure_conditions.SETS.values():
        for name in make_conditions.CONDITIONS:
            output = folder / "conditions" / manifest.parent
            make_conditions.make(folder / manifest, name, talkers, output)
    return folder


def test_the_card_on_its_own_test_sets(conditions):
    """Rounding may turn a frame on another processor: two errors more or less, no more."""
    measured = measure_conditions.measure(default_model(), conditions)["rows"]
    recorded = SCORES["conditions"]["rows"]
    assert measured.keys() == recorded.keys() == measure_conditions.SETS.keys()
    for name, row in recorded.items():
        assert row.keys() == measured[name].keys() == measure_conditions.CONDITIONS.keys()
        for condition, values in row.items():
            found, said = measured[name][condition]["wer"], values["wer"]
            assert found["reference"] == said["reference"]
            assert abs(found["errors"] - said["errors"]) <= 2, (name, condition)
    assert measured["AN4 test"]["clean"]["ece"] <= 0.05


def test_what_it_was_made_for():
    rows = SCORES["conditions"]["rows"]
    for (name, condition), limit in LIMITS.items():
        assert rows[name][condition]["wer"]["rate"] <= limit, (name, condition)


def test_the_card_has_the_tables():
    card = (default_model() / "README.md").read_text()
    assert results_table.conditions_table(SCORES["conditions"]) in card
    assert results_table.unseen_table(SCORES["unseen"]) in card
    assert "{" not in card
    assert SCORES["unseen"]["epochs"] == 5 and "five epochs" in card
    for row in SCORES["unseen"]["speakers"]:
        assert row["digits"]["wer"]["reference"] == 500


def texts(paths):
    results = list(Transcriber().transcribe_many(paths))
    assert all(isinstance(result, Transcript) for result in results)
    return [result.text for result in results]


EXPECTED = [path.with_suffix(".txt").read_text().strip() for path in SAMPLES]


def test_every_sample():
    assert len(SAMPLES) >= 8
    assert texts(SAMPLES) == EXPECTED


def test_every_sample_through_mp3(tmp_path):
    for path in SAMPLES:
        mp3 = tmp_path / f"{path.stem}.mp3"
        command = ["ffmpeg", "-v", "error", "-i", path, "-b:a", "32k", mp3]
        subprocess.run(command, check=True)
    assert texts(sorted(tmp_path.glob("*.mp3"))) == EXPECTED


def test_every_sample_through_a_telephone(tmp_path):
    for path in SAMPLES:
        narrow = read_audio(path, make_conditions.TELEPHONE_RATE).samples
        samples = make_conditions.through_telephone(narrow)
        target = tmp_path / f"{path.stem}.wav"
        soundfile.write(target, samples, make_conditions.TELEPHONE_RATE, "ULAW")
    assert texts(sorted(tmp_path.glob("*.wav"))) == EXPECTED


def share_with_warnings(manifest):
    results = list(Transcriber().transcribe_many([item.audio for item in read_manifest(manifest)]))
    assert all(isinstance(result, Transcript) for result in results)
    return np.mean([bool(result.warnings) for result in results])


@pytest.mark.parametrize("condition", ["clean", "20 dB", "10 dB", "8 kHz", "telephone"])
@pytest.mark.parametrize("name", ["AN4 test", "FSDD test, strings"])
def test_what_it_was_trained_for_gets_hardly_any_warning(conditions, name, condition):
    manifest = measure_conditions.manifest_of(conditions, name, condition)
    assert share_with_warnings(manifest) <= 0.05


def test_open_speech_gets_one(librispeech):
    results = Transcriber().transcribe_many(sorted(librispeech.rglob("*.flac")))
    assert np.mean([bool(result.warnings) for result in results]) >= 0.9
