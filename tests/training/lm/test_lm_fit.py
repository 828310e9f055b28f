"""Recurrent language models learn, go on where they were stopped, and refuse what is wrong."""

import json
import re
from dataclasses import replace

import pytest
import torch
from commands import run
from runs import Stop, assert_equal_runs

from asr.errors import ConfigError, DataError, TrainingError
from asr.lm.perplexity import perplexity
from asr.lm.recurrent_lm import read_recurrent_lm
from asr.lm.sampling import sample_texts
from asr.training.config import OptimizerConfig
from asr.training.lm import fit as training
from asr.training.lm.config import LmConfig, LmTrainingConfig, NetworkConfig, TextConfig
from asr.training.lm.data import TextData, read
from asr.training.lm.module import LmModule
from asr.training.sampler import MicroBatch
from asr.training.tokens import PADDING

RHYME = """three blind mice
see how they run
they all ran after the farmer
who cut off their tails with a knife
did you ever see such a thing in your life
"""


@pytest.fixture
def config(tmp_path):
    """A small network for a rhyme, trained for 60 epochs."""
    path = tmp_path / "rhyme.txt"
    path.write_text(RHYME)
    return LmConfig(
        data=TextConfig(train=(str(path),), dev=(str(path),)),
        network=NetworkConfig(hidden_size=32, dropout=0.0),
        optimizer=OptimizerConfig(learning_rate=0.02),
        training=LmTrainingConfig(epochs=60, batch_tokens=20, accelerator="cpu"),
    )


@pytest.mark.parametrize(("cell", "unit"), [("gru", "word"), ("lstm", "word"), ("rnn", "word")])
def test_a_rhyme_is_learned_by_heart(config, tmp_path, cell, unit):
    network = replace(config.network, cell=cell)
    path = training.fit(replace(config, network=network), folder=tmp_path / "run")
    lm = read_recurrent_lm(path)
    lines = RHYME.splitlines()
    for line in lines:
        assert sample_texts(lm, " ".join(line.split()[:2]), temperature=0) == [line]
    result = perplexity(lm, lines)
    assert result.including_oovs < 1.5
    # The file gives the perplexity that the run measured with torch.
    assert lm.provenance["dev_perplexity"] == pytest.approx(result.including_oovs, rel=1e-4)
    assert lm.provenance["data"].keys() == {*config.data.train}
    assert lm.provenance["config"]["network"]["cell"] == cell
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    header, *rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert "dev_perplexity" in header and len(rows) == 60


def test_a_stopped_run_goes_on(config, tmp_path, monkeypatch):
    options = replace(
        config,
        network=replace(config.network, dropout=0.3),
        training=replace(config.training, epochs=4, checkpoint_steps=2, accumulate=2),
    )
    training.fit(options, folder=tmp_path / "whole")
    step, steps = LmModule.training_step, []

    def stop(self, batch, index):
        steps.append(index)
        if len(steps) == 5:
            raise Stop
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(LmModule, "training_step", stop)
        with pytest.raises(Stop):
            training.fit(options, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    first, second = (read_recurrent_lm(tmp_path / name / "lm.onnx") for name in ("whole", "parts"))
    assert perplexity(first, ["see a mice"]) == perplexity(second, ["see a mice"])
    with pytest.raises(ConfigError, match="holds a run already"):
        training.fit(options, folder=tmp_path / "whole")


def test_every_word_weighs_the_same_in_whichever_batch(config):
    texts = read(config.data)
    module = LmModule(config, len(texts.words))
    data = TextData(config, texts).train
    whole = data.__getitems__(MicroBatch([0, 1, 2, 3, 4], [], 0, 0, 5, []))
    parts = [data.__getitems__(MicroBatch([i], [], 0, 0, 5, [])) for i in range(5)]
    module.loss(whole).backward()
    expected = [weight.grad.clone() for weight in module.parameters()]
    module.zero_grad()
    for part in parts:
        module.loss(part).backward()
    for weight, gradient in zip(module.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, atol=1e-4, rtol=1e-3)
    empty = data.__getitems__(MicroBatch([], [], 0, 0, 5, []))
    assert float(module.loss(empty).detach()) == 0.0
    assert [int((part.targets != PADDING).sum()) for part in parts] == [4, 5, 7, 9, 11]


def test_no_finite_gradient_ends_the_run(config, tmp_path, monkeypatch):
    loss = LmModule.loss
    monkeypatch.setattr(LmModule, "loss", lambda self, batch: loss(self, batch) * float("nan"))
    options = replace(config, training=replace(config.training, epochs=9, max_skipped=3))
    with pytest.raises(TrainingError, match="3 steps in a row without a finite gradient"):
        training.fit(options, folder=tmp_path / "run")
    lines = (tmp_path / "run" / "skipped.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["ids"][0].startswith("sentence ")


def test_the_commands(tmp_path):
    (tmp_path / "rhyme.txt").write_text(RHYME)
    (tmp_path / "lm.toml").write_text('[data]\nunit = "character"\n[training]\nepochs = 2\n')
    train = ("lm", "train", "rhyme.txt", "--dev", "rhyme.txt", "--config", "lm.toml")
    done = run(*train, "--set", "network.hidden_size=16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/lm/lm.onnx\n"
    assert "5 training and 5 development sentences" in done.stderr
    assert "epoch 2: train loss" in done.stderr and "dev perplexity" in done.stderr
    done = run(*train, cwd=tmp_path)
    assert done.returncode == 1 and "runs/lm holds a run already" in done.stderr

    sample = ("lm", "sample", "runs/lm/lm.onnx", "--prompt", "See", "--count", "3")
    done = run(*sample, "--max-tokens", "9", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 3, done.stderr
    assert all(line.startswith("see") and len(line) <= 12 for line in lines)
    assert run(*sample, "--max-tokens", "9", cwd=tmp_path).stdout == done.stdout
    done = run("lm", "sample", "runs/lm/lm.onnx", "--prompt", "ß", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(
        "error: the prompt 'ß' begins with a word or"
    )

    build = ("lm", "build", "rhyme.txt", "--unit", "character", "--order", "2")
    assert run(*build, "-o", "two.ngram", cwd=tmp_path).returncode == 0
    evaluate = ("lm", "evaluate", "two.ngram", "runs/lm/lm.onnx", "--text", "rhyme.txt")
    done = run(*evaluate, "--dev", "rhyme.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = [line.partition(": perplexity ")[0] for line in done.stdout.splitlines()]
    assert names[:2] == ["two.ngram", "runs/lm/lm.onnx"] and " two.ngram + 0." in names[2]
    words = ("lm", "build", "rhyme.txt", "-o", "words.ngram")
    assert run(*words, cwd=tmp_path).returncode == 0
    done = run("lm", "evaluate", "words.ngram", *evaluate[2:], "--dev", "rhyme.txt", cwd=tmp_path)
    assert done.returncode == 1 and "the same units and know the same words" in done.stderr
    done = run("lm", "evaluate", "two.ngram", "--text", "rhyme.txt", "--dev", "x", cwd=tmp_path)
    assert done.returncode == 2 and "a mixture needs several models" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "needs texts to train on and others to choose the epoch by"),
        (("none.txt", "--dev", "none.txt"), "cannot read none.txt"),
        (("--set", "data.unit=syllable"), "data.unit is 'syllable', needs one of"),
        (("--set", "network.size=3"), "unknown key network.size; known here: cell, layers"),
        (("--set", "training.batch_tokens=0"), "training.batch_tokens is 0, needs > 0"),
        (("--config", "none.toml"), "cannot read none.toml"),
        (("--resume",), "nothing to resume"),
    ],
)
def test_what_cannot_be_trained(arguments, message, tmp_path):
    done = run("lm", "train", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: ")
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_run_goes_on_with_other_texts_only_when_told_to(config, tmp_path, capsys):
    config = replace(config, training=replace(config.training, epochs=1))
    training.fit(config, folder=tmp_path / "run")
    words = read(config.data).words
    text = tmp_path / "rhyme.txt"
    text.write_text(RHYME.replace("blind", "deaf"))
    changes = (
        "2 changes of the data since the run in .* began: "
        f"vocabulary: now without 'blind' and with the new 'deaf'; {text} has changed"
    )
    with pytest.raises(DataError, match=changes + r"\. Undo that, .* --resume-anyway$"):
        training.fit(config, resume=True, folder=tmp_path / "run")
    capsys.readouterr()
    path = training.fit(config, resume=True, folder=tmp_path / "run", anyway=True)
    assert re.search(changes + "\n", capsys.readouterr().err)
    assert read_recurrent_lm(path).words == words
