"""Tests of the comparison of language models: its text, and its records against its model."""

import json
import shutil

import miniatures
import pytest
from commands import run
from conftest import ROOT

from asr.data.texts import read_texts
from asr.errors import DataError
from asr.files import sha256
from asr.lm.kneser_ney import estimate
from asr.lm.perplexity import count, mix, token_scores
from asr.lm.recurrent_lm import read_recurrent_lm

FOLDER = ROOT / "recipes" / "kjv"


@pytest.fixture(scope="module")
def kjv(tmp_path_factory):
    if not shutil.which("bible"):
        pytest.skip("bible not found; install it, e.g. apt install bible-kjv")
    folder = tmp_path_factory.mktemp("kjv")
    prepare = miniatures.load("kjv")
    prepare.prepare(prepare.read(None), folder)
    return folder


def test_parts(kjv):
    parts = {name: read_texts(kjv / f"{name}.txt") for name in ("train", "dev", "test", "words")}
    assert [len(lines) for lines in parts.values()] == [28045, 1484, 1573, 8328]
    assert parts["train"][0] == "in the beginning god created the heaven and the earth"
    assert parts["dev"][0].startswith("now these are the generations of the sons of noah")
    letters = {letter for lines in parts.values() for line in lines for letter in line}
    assert letters == set("abcdefghijklmnopqrstuvwxyz '")


def test_another_text_is_refused(tmp_path):
    prepare = miniatures.load("kjv")
    with pytest.raises(DataError, match="the SHA-256 of the text is"):
        prepare.prepare(b"Ge1:1 In the beginning", tmp_path)
    with pytest.raises(DataError, match="install Debian's bible-kjv, or give its output"):
        prepare.read(tmp_path / "none.txt")
    assert prepare.words_of("The LORD's, (my) rock;") == "the lord's my rock"


def test_recorded_perplexities(kjv):
    results = json.loads((FOLDER / "results.json").read_text())
    for name, digest in results["texts"].items():
        assert sha256(kjv / f"{name}.txt") == digest
    train, words, test = (read_texts(kjv / f"{name}.txt") for name in ("train", "words", "test"))
    order = min(results["order_by_dev"], key=results["order_by_dev"].get)
    lm = read_recurrent_lm(FOLDER / "lm.onnx")
    scores = [
        token_scores(model, test)
        for model in (estimate(train, int(order), vocabulary=words).model, lm)
    ]
    recorded = [row["test"]["perplexity"] for row in results["rows"]]
    weights = results["weights"]
    for item, value in zip((*scores, mix(scores, weights)), recorded, strict=True):
        assert count(test, item).including_oovs == pytest.approx(value, rel=1e-3)
    assert recorded[2] < min(recorded[:2])  # the mixture beats either


def test_the_samples_are_what_the_command_prints():
    results = json.loads((FOLDER / "results.json").read_text())
    command = ("lm", "sample", FOLDER / "lm.onnx", "--prompt", results["prompt"], "--count", "4")
    for temperature, texts in results["samples"].items():
        done = run(*command, "--temperature", temperature)
        assert done.stdout.splitlines() == texts
