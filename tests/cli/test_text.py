"""``asr text`` and the readable form in ``asr transcribe``."""

import json

import pytest
import torch
from commands import run
from conftest import ROOT

from asr.display.features import WordFeatures
from asr.model.directory import TAGGER, read_model
from asr.training.tagger.config import TaggerConfig, TaggerNetworkConfig, WrittenConfig
from asr.training.tagger.data import read
from asr.training.tagger.export import to_onnx
from asr.training.tagger.model import TaggerModel

CLIP = str(ROOT / "samples" / "flite-slt-spelled-name.wav")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The default model with a small tagger, untrained but for a full stop after every word."""
    folder = tmp_path_factory.mktemp("readable")
    (folder / "text.txt").write_text("Yes. No.\n")
    text = str(folder / "text.txt")
    config = TaggerConfig(
        data=WrittenConfig(train=(text,), dev=(text,), min_count=1),
        network=TaggerNetworkConfig(hidden_size=4, embedding=4, buckets=10),
    )
    texts = read(config.data)
    network = TaggerModel(config.network, WordFeatures(texts.known, 10).rows).eval()
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.copy_(torch.tensor([0.0, 0, 5, 0, 0, 0, 0, 0, 5, 0, 0, 0]))
    (folder / "tagger.onnx").write_bytes(to_onnx(network, config, texts, {}))
    default = ROOT / "asr" / "models" / "default"
    done = run("text", "add", folder / "tagger.onnx", default, "-o", folder / "model")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder / 'model'}\n"
    return folder / "model"


def test_a_tagger_is_added(model):
    assert TAGGER in read_model(model).files
    done = run("verify", model)
    assert done.returncode == 0, done.stderr


def test_what_is_no_tagger_is_not_added(model, tmp_path):
    done = run("text", "add", model / "model.onnx", model, "-o", tmp_path / "model")
    assert done.returncode == 1 and "not a tagger of asr text train" in done.stderr
    done = run("text", "add", tmp_path / "none.onnx", model, "-o", tmp_path / "model")
    assert done.returncode == 1 and done.stderr.startswith("error: cannot read ")
    assert not (tmp_path / "model").exists()


def test_transcripts_are_readable_unless_verbatim(model):
    done = run("transcribe", CLIP, "--model", model)
    assert (done.stdout, done.returncode) == ("P. E. T. E. R. S. O. N.\n", 0)
    done = run("transcribe", CLIP, "--model", model, "--verbatim")
    assert (done.stdout, done.returncode) == ("p e t e r s o n\n", 0)
    values = json.loads(run("transcribe", CLIP, "--model", model, "-f", "json").stdout)
    assert values["text"] == "p e t e r s o n" and values["display"] == "P. E. T. E. R. S. O. N."
    assert [token["first"] for token in values["tokens"]] == [*range(8)]
    plain = json.loads(run("transcribe", CLIP, "--model", model, "-f", "json", "--verbatim").stdout)
    assert {
        key: value for key, value in values.items() if key not in ("display", "tokens")
    } == plain
