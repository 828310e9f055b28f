"""A run that goes on notices what has changed since it began, and names it."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from conftest import ROOT

from asr.cli.main import app
from asr.errors import ConfigError, DataError, ModelError
from asr.training import fit as training
from asr.training import resumption
from asr.training.config import load_config
from asr.training.resumption import find_changes, read_record, record_of, write_record

SAMPLES = [
    ROOT / f"samples/{name}.wav"
    for name in ("flite-rms-short-answer", "espeak-en-us-control-letters", "flite-awb-date")
]
MANIFEST = "data/train.jsonl"


def make_data(folder):
    """Copy three recordings into ``folder``, and write a manifest of them."""
    lines = []
    for sample in SAMPLES:
        target = folder / "wav" / sample.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample, target)
        values = {
            "audio_filepath": f"wav/{sample.name}",
            "duration": soundfile.info(sample).duration,
            "text": sample.with_suffix(".txt").read_text().strip(),
            "id": sample.stem[-6:],
        }
        lines.append(json.dumps(values) + "\n")
    (folder / "train.jsonl").write_text("".join(lines))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The folder ``data`` of the current one, with a manifest."""
    make_data(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def edit(folder, line, **changes):
    """Change a line (from 1) of the manifest."""
    path = folder / "train.jsonl"
    lines = path.read_text().splitlines()
    lines[line - 1] = json.dumps(json.loads(lines[line - 1]) | changes)
    path.write_text("\n".join(lines) + "\n")


def reorder(folder, *order):
    """Keep these lines (from 1) of the manifest, in this order; 0 is a blank line."""
    path = folder / "train.jsonl"
    lines = ["", *path.read_text().splitlines()]
    path.write_text("".join(lines[number] + "\n" for number in order))


def flip(folder, sample):
    """Change one bit of a recording, and nothing else."""
    path = folder / "wav" / sample.name
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


CHANGES = {
    "nothing": (lambda data: None, []),
    "a blank line": (lambda data: reorder(data, 1, 0, 2, 3), []),
    "a field that is not used": (lambda data: edit(data, 1, room="kitchen"), []),
    "the time of a recording": (lambda data: os.utime(data / "wav" / SAMPLES[0].name, (1, 1)), []),
    "a text": (
        lambda data: edit(data, 2, text="a b"),
        [f"{MANIFEST}:2: etters: the text was 'rubout q x j v k', is 'a b'"],
    ),
    "a duration": (
        lambda data: edit(data, 1, duration=1.0),
        [f"{MANIFEST}:1: answer: the duration was 1.615, is 1.0"],
    ),
    "a piece": (
        lambda data: edit(data, 1, offset=0.5),
        [f"{MANIFEST}:1: answer: the offset was None, is 0.5"],
    ),
    "another recording": (
        lambda data: edit(data, 1, audio_filepath=f"wav/{SAMPLES[1].name}"),
        [f"{MANIFEST}:1: answer: the recording was 'data/wav/{SAMPLES[0].name}', is "
         f"'data/wav/{SAMPLES[1].name}'"],
    ),
    "a line more": (
        lambda data: edit(data, 1, id="new"),
        [f"{MANIFEST}:1: answer: the line is gone", f"{MANIFEST}:1: new: the line is new"],
    ),
    "a line less": (
        lambda data: reorder(data, 1, 3),
        [f"{MANIFEST}:2: etters: the line is gone"],
    ),
    "the order": (
        lambda data: reorder(data, 1, 3, 2),
        [f"{MANIFEST}:2: b-date: etters stood here, the lines have another order"],
    ),
    "one bit of a recording": (
        lambda data: flip(data, SAMPLES[2]),
        [f"{MANIFEST}:3: b-date: data/wav/{SAMPLES[2].name} has changed"],
    ),
    "no recording": (
        lambda data: (data / "wav" / SAMPLES[2].name).unlink(),
        [f"{MANIFEST}:3: b-date: data/wav/{SAMPLES[2].name} is gone"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_named(data, tmp_path, name):
    change, expected = CHANGES[name]
    write_record(tmp_path, record_of([MANIFEST], ["a"]))
    change(data)
    old = read_record(tmp_path)
    assert find_changes(old, record_of([MANIFEST], ["a"], old=old)) == expected


@pytest.mark.parametrize(
    ("symbols", "scores", "message"),
    [
        (["-", "a", "c"], [], "vocabulary: now without 'b' and with the new 'c'"),
        (["-", "b", "a"], [], "vocabulary: its symbols have another order"),
        (["-", "a", "b"], [0, -1, -2], "vocabulary: its pieces have other scores"),
    ],
)
def test_changes_of_the_vocabulary_are_named(data, symbols, scores, message):
    old = record_of([MANIFEST], ["-", "a", "b"])
    assert find_changes(old, record_of([MANIFEST], symbols, scores)) == [message]


def test_data_and_manifest_may_be_moved_together(data, tmp_path, monkeypatch):
    old = record_of([MANIFEST], ["a"])
    shutil.move(tmp_path, tmp_path.with_name(f"{tmp_path.name}-moved"))
    monkeypatch.chdir(tmp_path.with_name(f"{tmp_path.name}-moved"))
    assert find_changes(old, record_of([MANIFEST], ["a"], old=old)) == []


def test_what_has_the_same_size_and_times_is_not_read_again(data, monkeypatch):
    read = []
    whole = resumption.sha256
    monkeypatch.setattr(resumption, "sha256", lambda path: read.append(path) or whole(path))
    old = record_of([MANIFEST], ["a"])
    assert len(read) == 3
    os.utime(data / "wav" / SAMPLES[1].name, (1, 1))
    assert find_changes(old, record_of([MANIFEST], ["a"], old=old)) == []
    assert read[3:] == [f"data/wav/{SAMPLES[1].name}"]


def test_large_data_are_known_by_size_and_time(data, monkeypatch):
    monkeypatch.setattr(resumption, "HASHED", 1000)
    monkeypatch.setattr(resumption, "sha256", None)  # nothing is read
    old = record_of([MANIFEST], ["a"])
    path = data / "wav" / SAMPLES[1].name
    path.chmod(0o600)
    assert find_changes(old, record_of([MANIFEST], ["a"], old=old)) == []
    os.utime(path, (1, 1))
    message = f"{MANIFEST}:2: etters: data/wav/{SAMPLES[1].name} has another size or time"
    assert find_changes(old, record_of([MANIFEST], ["a"], old=old)) == [message]


TOML = f"""
data = {{ train = ["{MANIFEST}"], dev = ["{MANIFEST}"], max_duration = 6.0 }}
encoder = {{ layers = 1, hidden_size = 8, channels = 2 }}
augment = {{ speeds = [1.0] }}
training = {{ epochs = 1, batch_seconds = 12.0, accelerator = "cpu" }}
"""


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A configuration of one epoch."""
    path = tmp_path_factory.mktemp("options") / "c.toml"
    path.write_text(TOML)
    return load_config(path)


@pytest.fixture(scope="module")
def trained(options, tmp_path_factory):
    """A folder with data, and the run ``run`` of them."""
    folder = tmp_path_factory.mktemp("trained")
    make_data(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        training.fit(options, folder=Path("runs/run"))
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """The folder of a run of its own, in the current folder."""
    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Path("runs/run")


def test_a_run_goes_on_with_changed_data_only_when_told_to(run, options, capsys):
    vocabulary = read_record(run).symbols
    assert "q" in vocabulary
    edit(Path("data"), 2, text="rubout x j v k")
    changes = (
        "2 changes of the data since the run in runs/run began: vocabulary: now without 'q'; "
        f"{MANIFEST}:2: etters: the text was 'rubout q x j v k', is 'rubout x j v k'"
    )
    with pytest.raises(DataError) as refused:
        training.fit(options, resume=True)
    assert str(refused.value) == (
        f"{changes}. Undo that, train anew with --set name=NAME, or accept it with --resume-anyway"
    )
    capsys.readouterr()
    Path("c.toml").write_text(TOML)
    app(["train", "--config", "c.toml", "--resume-anyway"], standalone_mode=False)
    assert f"going on with {changes}\n" in capsys.readouterr().err
    assert read_record(run).symbols == vocabulary
    # What was accepted once is no change any more, and the vocabulary is the one of the run.
    with pytest.raises(DataError, match=r"^1 change of the data .* vocabulary: now without 'q'\. "):
        training.fit(options, resume=True)


def test_a_run_without_a_record_goes_on(run, options, capsys):
    (run / "data.json").unlink()
    training.fit(options, resume=True, folder=run)
    assert "runs/run has no data.json: changes of the data are unknown" in capsys.readouterr().err
    assert read_record(run) is not None


BAD_LINES = '{"symbols": ["a"], "scores": [], "manifests": {"a": [{"id": 1}]}, "files": {}}'


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"symbols": [], "files"', "\udc80", BAD_LINES]
)
def test_a_damaged_record_is_named(run, options, content):
    (run / "data.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"data\.json: cannot be read .*; remove it to go on"):
        training.fit(options, resume=True, folder=run)


def test_a_best_epoch_that_is_missing_is_noticed_at_the_start(run, options, monkeypatch):
    monkeypatch.setattr(training, "run", None)  # no training begins
    (run / "best-0001.ckpt").unlink()
    with pytest.raises(ModelError, match=r"best-0001\.ckpt is missing, one of the best epochs"):
        training.fit(options, resume=True, folder=run)


@pytest.mark.parametrize("name", ["last.ckpt", "best-0001.ckpt"])
def test_a_checkpoint_of_another_network_is_refused_in_one_line(run, options, name):
    checkpoint = torch.load(run / name, weights_only=True)
    del checkpoint["state_dict"]["model.encoder.output.bias"]
    torch.save(checkpoint, run / name)
    with pytest.raises(ModelError) as refused:
        training.fit(options, resume=True, folder=run)
    size = len(read_record(run).symbols)
    assert str(refused.value) == (
        f"runs/run/{name} is of another network: model.encoder.output.bias is missing, needs {size}"
    )


def test_keys_that_differ_are_named_with_both_values(run, options):
    other = replace(options, seed=7, encoder=replace(options.encoder, hidden_size=9))
    with pytest.raises(ConfigError) as refused:
        training.fit(other, resume=True, folder=run)
    assert str(refused.value) == (
        "runs/run/config.json differs from the configuration given: seed was 1, is 7; "
        "encoder.hidden_size was 8, is 9. A run goes on as it began; train another one with "
        "--set name=NAME"
    )
