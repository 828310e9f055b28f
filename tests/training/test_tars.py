"""Training on recordings in tar files is training on the recordings."""

import subprocess
import sys

import pytest
import soundfile
from conftest import ROOT
from runs import assert_equal_runs, stopping_at

from asr.data.leakage import find_leakage
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.data.validation import validate
from asr.errors import ConfigError
from asr.model.config import EncoderConfig
from asr.training import fit as training
from asr.training.config import Config, DataConfig, TrainingConfig
from asr.training.resumption import find_changes, record_of


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """A manifest of recordings, and one of the same in several tar files."""
    folder = tmp_path_factory.mktemp("tars")
    items = []
    for sample in sorted((ROOT / "samples").glob("*.wav"))[:8]:
        text = sample.with_suffix(".txt").read_text().strip()
        items.append(Utterance(sample, soundfile.info(sample).duration, text, sample.stem))
    write_manifest(folder / "m.jsonl", items)
    script = [sys.executable, ROOT / "scripts/pack_tars.py", folder / "m.jsonl"]
    command = [*script, "--output", folder / "tars", "--megabytes", "0.1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "8 recordings in " in done.stdout
    return folder / "m.jsonl", folder / "tars" / "m.jsonl"


def options(manifest, **data):
    """Return the configuration of two epochs."""
    return Config(
        data=DataConfig(
            train=(str(manifest),),
            dev=(str(manifest),),
            max_duration=6.0,
            cache=str(manifest.parent / "cache"),
            **data,
        ),
        encoder=EncoderConfig(layers=1, hidden_size=8, channels=2),
        training=TrainingConfig(epochs=2, batch_seconds=8.0, accelerator="cpu", checkpoint_steps=1),
    )


def test_recordings_may_lie_in_tar_files(manifests, tmp_path):
    files, tars = manifests
    assert len(list(tars.parent.glob("*.tar"))) > 2
    assert [item.id for item in read_manifest(tars)] == [item.id for item in read_manifest(files)]
    for name, manifest in (("files", files), ("tars", tars)):
        training.fit(options(manifest, cache_gigabytes=0.0), folder=tmp_path / name)
    assert_equal_runs(tmp_path / "files", tmp_path / "tars")
    leakage = find_leakage(read_manifest(tars), read_manifest(files))
    assert (leakage.audio, leakage.utterances) == (8, 8)
    assert not validate(tars).problems


def test_a_run_that_takes_few_tar_files_at_a_time_goes_on(manifests, tmp_path, monkeypatch):
    files, tars = manifests
    given = options(tars, tars_at_once=2)
    training.fit(given, folder=tmp_path / "whole")
    with stopping_at(3, monkeypatch):
        training.fit(given, folder=tmp_path / "parts")
    training.fit(given, folder=tmp_path / "parts", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    with pytest.raises(ConfigError, match="tars_at_once is 2, which needs recordings in tar files"):
        training.fit(options(files, tars_at_once=2), folder=tmp_path / "files")
    old = record_of([str(tars)], [])
    first = sorted(tars.parent.glob("*.tar"))[0]
    content = first.read_bytes()
    first.write_bytes(content + bytes(512))
    try:
        changes = find_changes(old, record_of([str(tars)], [], old=old))
    finally:
        first.write_bytes(content)
    assert changes == [f"{first} has changed"]
