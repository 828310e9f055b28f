"""Model directories are read whole, and refused if damaged, incomplete, foreign or hostile."""

import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_info, make_network, noise

from asr.errors import ModelError, OutputError
from asr.files import sha256
from asr.model.directory import read_model, update_model, write_model
from asr.model.session import AcousticSession
from asr.recognition.golden import check_golden, golden_files
from asr.recognition.transcriber import Transcriber


class Bomb:
    """An object that would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def model(small_model, tmp_path):
    """A copy of the small model, which a test may damage."""
    folder = tmp_path / "model"
    shutil.copytree(small_model, folder)
    return folder


def edit(model, **changes):
    """Change fields of the description; the value "drop" removes one."""
    path = model / "model.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in values.items() if value != "drop"}))


def test_read(model):
    info = read_model(model)
    assert (info.sample_rate, info.frame_stride) == (16000, 640)
    assert info == read_model(model)
    assert info.hash == sha256(model / "model.onnx")


def test_missing_directory(tmp_path):
    with pytest.raises(ModelError, match="no such model directory"):
        read_model(tmp_path / "none")


@pytest.mark.parametrize("name", ["model.json", "model.onnx"])
def test_missing_file(model, name):
    (model / name).unlink()
    with pytest.raises(ModelError, match=name):
        read_model(model)


def test_surplus_file(model):
    (model / "extra.bin").touch()
    with pytest.raises(ModelError, match=r"extra\.bin: not listed"):
        read_model(model)


def test_altered_file(model):
    data = bytearray((model / "model.onnx").read_bytes())
    data[-1] ^= 1
    (model / "model.onnx").write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"model\.onnx: contents differ"):
        read_model(model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema_version is 99"),
        ({"schema_version": "drop"}, "schema_version is None"),
        ({"sample_rate": 8000}, "sample_rate is 8000, the rest gives 16000"),
        ({"frame_stride": 1}, "frame_stride is 1, the rest gives 640"),
        ({"encoder": "drop"}, r"missing: \['encoder'\]"),
        ({"surprise": 1}, r"unknown: \['surprise'\]"),
        ({"encoder": {"cells": 3}}, "unknown key encoder.cells"),
        ({"vocabulary": ["a", "b"]}, "vocabulary"),
        ({"files": {}}, "SHA-256 of model.onnx"),
    ],
)
def test_wrong_fields(model, changes, message):
    edit(model, **changes)
    with pytest.raises(ModelError, match=message) as error:
        read_model(model)
    assert "model.json" in str(error.value)


def test_wrong_vocabulary_size(model):
    edit(model, vocabulary=["<blank>", "a", "b"])
    with pytest.raises(ModelError, match="gives 29 symbols a frame, the field 'vocabulary'"):
        AcousticSession(model)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_description_that_is_no_description(model, text):
    (model / "model.json").write_text(text)
    with pytest.raises(ModelError, match=r"model\.json"):
        read_model(model)


def test_pickle_in_place_of_the_graph(model, tmp_path):
    (model / "model.onnx").write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(ModelError, match="contents differ"):
        Transcriber(model)
    edit(model, files=read_files_of(model))
    with pytest.raises(ModelError, match="not a graph"):
        Transcriber(model)
    assert not (tmp_path / "boom").exists()


def test_pickle_in_place_of_a_checkpoint(tmp_path):
    import torch

    from asr.training.checkpoints import load_state

    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": Bomb(tmp_path / "boom")}, path)
    with pytest.raises(ModelError, match="not a usable checkpoint"):
        load_state(path)
    assert not (tmp_path / "boom").exists()


def test_write_replaces_the_files_of_the_old_model(model):
    info = read_model(model)
    graph = (model / "model.onnx").read_bytes()
    write_model(model, info, {"model.onnx": graph, "README.md": b"card"})
    write_model(model, info, {"model.onnx": graph})
    assert sorted(path.name for path in model.iterdir()) == ["model.json", "model.onnx"]


def test_update_adds_removes_and_keeps_the_rest(model, tmp_path):
    before = read_model(model)
    info = update_model(model, {"README.md": b"card", "golden/a.wav": b"clip"}, scores={"dev": 1})
    assert info == read_model(model)
    assert (model / "README.md").read_bytes() == b"card"
    assert info == replace(
        before,
        scores={"dev": 1},
        files={**before.files, "README.md": info.files["README.md"],
               "golden/a.wav": info.files["golden/a.wav"]},
    )  # fmt: skip
    other = update_model(
        model, {"golden/b.wav": b"new"}, remove=["golden/", "README.md", "none"],
        output=tmp_path / "other",
    )  # fmt: skip
    assert read_model(model) == info
    assert other.files.keys() == {*before.files, "golden/b.wav"}
    assert other.scores == {"dev": 1} and other.hash == before.hash


def test_update_leaves_a_damaged_directory_alone(model, tmp_path):
    (model / "surplus").touch()
    with pytest.raises(ModelError, match="surplus: not listed"):
        update_model(model, {"README.md": b"card"}, output=tmp_path / "other")
    assert not (tmp_path / "other").exists() and not (model / "README.md").exists()


def test_an_update_that_cannot_be_written_changes_nothing(model, monkeypatch):
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        update_model(model, {"README.md": b"card"})
    assert before == {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    assert [path.name for path in model.parent.iterdir()] == ["model"]


def test_golden(model, speech):
    import io

    import soundfile

    data = io.BytesIO()
    soundfile.write(data, speech, 16000, format="FLAC")
    with pytest.raises(ModelError, match="no golden clips"):
        check_golden(model)
    update_model(model, golden_files(Transcriber(model), {"a.flac": data.getvalue()}))
    (check,) = check_golden(model)
    assert check.passed and check.file == "a.flac"
    path = model / "golden" / "golden.json"
    path.write_text(path.read_text().replace('"score": -', '"score": -1'))
    edit(model, files=read_files_of(model))
    assert not check_golden(model)[0].passed
    path.write_text('[{"file": "a.flac"}]')
    edit(model, files=read_files_of(model))
    with pytest.raises(ModelError, match=r"golden\.json: is not a list of golden clips"):
        check_golden(model)


def read_files_of(model):
    """Return the SHA-256 of every file of a model directory but the description."""
    return {
        path.relative_to(model).as_posix(): sha256(path)
        for path in model.rglob("*")
        if path.is_file() and path.name != "model.json"
    }


def test_weights_come_back_from_the_graph(model):
    import torch

    from asr.training.export import load_weights, read_weights

    info = make_info()
    network = make_network(info)
    weights = read_weights(model)
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(weights[f"encoder.{name}"], value)
    other = make_network(info, seed=1)
    load_weights(model, other, info.vocabulary)
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


def test_weights_of_another_architecture_are_refused(model):
    from asr.training.export import load_weights

    info = make_info(hidden_size=8)
    with pytest.raises(ModelError, match=r"encoder\.layers\.0"):
        load_weights(model, make_network(info), info.vocabulary)


def test_a_model_takes_the_place_of_a_model_only(model, tmp_path):
    info = read_model(model)
    graph = (model / "model.onnx").read_bytes()
    (model / "model.onnx").write_bytes(b"damaged")
    write_model(model, info, {"model.onnx": graph})
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("words")
    with pytest.raises(OutputError, match="holds other files than a model's"):
        write_model(other, info, {"model.onnx": graph})
    assert (other / "chapter.tex").exists()


def test_an_old_model_that_joins_frames_is_recognised_with_but_not_trained(tmp_path):
    """An old model that joins frames recognises, but its weights are not trained further.

    ``stack_model`` was written when encoders could join frames instead of convolving them.
    """
    from asr.training.export import load_weights, start_from

    folder = Path(__file__).parent / "stack_model"
    assert json.loads((folder / "model.json").read_text())["encoder"]["front"] == "stack"
    transcriber = Transcriber(folder)
    samples = noise(8000)
    log_probs = transcriber.log_probs(samples)
    assert log_probs.shape == (transcriber.model.num_frames(8000), 5) == (38, 5)
    assert isinstance(transcriber.transcribe(samples).text, str)
    info = make_info()
    for take in (start_from, load_weights):
        with pytest.raises(ModelError, match="its network joins frames where others have convol"):
            take(folder, make_network(info), info.vocabulary)
    update_model(shutil.copytree(folder, tmp_path / "copy"), {"lm.words": b"a\n"})
    np.testing.assert_array_equal(Transcriber(tmp_path / "copy").log_probs(samples), log_probs)
