"""The tagger learns marks and cases, goes on where it was stopped, and refuses what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import run
from runs import Stop, assert_equal_runs

from asr.display.features import WIDTH, WordFeatures
from asr.display.pauses import CLASSES
from asr.display.tagger import Tagger, Tags
from asr.display.written import CASES, MARKS
from asr.errors import ConfigError, DataError
from asr.model.described_graph import load_graph
from asr.training.config import OptimizerConfig
from asr.training.seeding import rng
from asr.training.tagger import fit as training
from asr.training.tagger.config import (
    NoiseConfig,
    TaggerConfig,
    TaggerNetworkConfig,
    TaggerTrainingConfig,
    WrittenConfig,
)
from asr.training.tagger.confusions import COUNT, confusions
from asr.training.tagger.data import cut, read
from asr.training.tagger.export import to_onnx
from asr.training.tagger.model import TaggerModel
from asr.training.tagger.module import TaggerModule
from asr.training.tagger.noise import PAUSES, Passage, pauses_of, with_errors

STORY = """CHAPTER ONE
"Where is Mr. McFry?" said Ann.
He is at home, Bob; he is well!
Is he? Yes, he is: he sleeps -- I think.
Mr. McFry, wake up! It is May.
"No," said McFry.
"""


@pytest.fixture
def config(tmp_path):
    """A small network for a story, trained without errors."""
    path = tmp_path / "story.txt"
    path.write_text(STORY)
    return TaggerConfig(
        data=WrittenConfig(train=(str(path),), dev=(str(path),), min_count=1, passage=(5, 30)),
        noise=NoiseConfig(probability=0.0, pauses=0.0),
        network=TaggerNetworkConfig(hidden_size=24, embedding=24, buckets=50, dropout=0.0),
        optimizer=OptimizerConfig(learning_rate=0.02),
        training=TaggerTrainingConfig(epochs=40, batch_words=100, accelerator="cpu"),
    )


def test_what_is_read(config):
    texts = read(config.data)
    assert texts.mixed == ("McFry",)
    said = [texts.words[index] for index in texts.train.words]
    assert said[:5] == ["where", "is", "mister", "mcfry", "said"]
    marks = [MARKS[index] for index in texts.train.marks]
    assert marks[:6] == ["", "", "", "?", "", "."]
    cases = [CASES[index] for index in texts.train.cases]
    assert cases[:6] == ["capital", "lower", "capital", "mixed", "lower", "capital"]
    assert "chapter" not in texts.words


def test_a_story_is_learned_by_heart(config, tmp_path):
    whole = replace(config, data=replace(config.data, passage=(40, 60)))
    path = training.fit(whole, folder=tmp_path / "run")
    tagger = Tagger(path.read_bytes(), str(path))
    texts = read(config.data)
    words = [texts.words[index] for index in texts.train.words]
    tags = tagger.tag(words)
    # The best epoch is the first one that has these marks right.
    right = [MARKS[index] for index in texts.train.marks]
    pairs = zip(right, tags.marks, strict=True)
    assert all(said == mark for mark, said in pairs if {mark, said} & set(",.?"))
    assert tagger.language == "en" and tagger.mixed == {"mcfry": "McFry"}
    # The file gives what the run measured with torch.
    provenance = tagger.description["provenance"]
    assert provenance["dev"]["f1 ,"] == provenance["dev"]["f1 ."] == 1.0
    cases = [CASES[index] for index in texts.train.cases]
    hits = np.mean([said == case for said, case in zip(tags.cases, cases, strict=True)])
    assert provenance["dev"]["case"] == pytest.approx(hits, abs=0.05)
    assert len(path.read_bytes()) < 200_000
    assert tagger.tag([]) == Tags((), ())
    longer = tagger.tag(words * 40, [None, 0.2] * (20 * len(words)))
    assert len(longer.marks) == len(longer.cases) == 40 * len(words)


def test_the_file_computes_what_the_network_computes(config):
    texts = read(config.data)
    torch.manual_seed(2)
    features = WordFeatures(texts.known, config.network.buckets)
    model = TaggerModel(config.network, features.rows).eval()
    torch.nn.init.uniform_(model.pauses)
    words = [texts.words[index] for index in texts.train.words]
    rows = np.array([[features.padded(word) for word in part] for part in (words, words[::-1])])
    pauses = np.arange(2 * len(words)).reshape(2, -1) % CLASSES
    lengths = np.array([len(words), 7])
    with torch.no_grad():
        expected = model(*map(torch.from_numpy, (rows, pauses, lengths)))
    session = load_graph(to_onnx(model, config, texts, {}))
    feed = {
        "features": rows.reshape(-1, WIDTH),
        "words": np.arange(2 * len(words)).reshape(2, -1),
        "pauses": pauses,
        "lengths": lengths,
    }
    found = session.run(None, feed)
    for ours, theirs in zip(found, expected, strict=True):
        theirs = theirs.log_softmax(-1).numpy()
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(ours[row, :length], theirs[row, :length], atol=0.02)


def test_what_is_not_a_tagger_is_refused():
    with pytest.raises(DataError, match=r"story.onnx: not a tagger of asr text train"):
        Tagger(b"story", "story.onnx").tag(["a"])


def test_a_stopped_run_goes_on(config, tmp_path, monkeypatch):
    options = replace(
        config,
        noise=NoiseConfig(),
        network=replace(config.network, dropout=0.3),
        training=replace(config.training, epochs=3, checkpoint_steps=1, batch_words=30),
    )
    training.fit(options, folder=tmp_path / "whole")
    step, steps = TaggerModule.training_step, []

    def stop(self, batch, index):
        steps.append(index)
        if len(steps) == 4:
            raise Stop
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(TaggerModule, "training_step", stop)
        with pytest.raises(Stop):
            training.fit(options, folder=tmp_path / "parts")
    training.fit(options, resume=True, folder=tmp_path / "parts")
    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    with pytest.raises(ConfigError, match="holds a run already"):
        training.fit(options, folder=tmp_path / "whole")


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_errors_keep_marks_and_words_together(share):
    draw = rng(3, "errors")
    count = 60
    marks = draw.integers(len(MARKS), size=count)
    passage = Passage(np.arange(5, 5 + count), marks, draw.integers(len(CASES), size=count))
    table = np.tile(np.arange(100)[:, None] + 1000, (1, COUNT))
    noisy = with_errors(passage, share, table, np.array([0, 1]), draw)
    assert 0 < len(noisy) == len(noisy.marks) == len(noisy.cases)
    if share == 0:
        assert all((getattr(noisy, name) == value).all() for name, value in vars(passage).items())
    fillers = np.isin(noisy.words, [0, 1])
    assert not noisy.marks[fillers].any() and not noisy.cases[fillers].any()
    # Words keep their order.
    kept = noisy.words[~fillers]
    assert (np.diff(np.where(kept >= 1000, kept - 1000, kept)) > 0).all()


def test_pauses_are_drawn_as_the_table_says():
    marks = np.repeat(np.arange(len(MARKS)), 4000)
    classes = pauses_of(marks, rng(1, "pauses")).reshape(len(MARKS), -1)
    shares = np.stack([np.bincount(row - 1, minlength=7) / 4000 for row in classes])
    np.testing.assert_allclose(shares, PAUSES / PAUSES.sum(1, keepdims=True), atol=0.03)


def test_passages_hold_nearly_all_words_and_half_begin_with_a_sentence():
    draw = rng(1, "marks")
    marks = np.where(draw.random(20000) < 0.07, MARKS.index("."), 0)
    spans = cut(marks, 8, 160, seed=1)
    lengths = np.array([last - first for first, last in spans])
    assert lengths.min() >= 1 and lengths.max() <= 200
    assert abs(lengths.sum() - 20000) < 2000
    begins = np.mean([first == 0 or marks[first - 1] > 0 for first, _ in spans])
    assert 0.45 < begins < 0.75


def test_confusions_are_similar_words():
    words = ["night", "knight", "nite", "day", "a"]
    rows = confusions(words, [9, 3, 1, 5, 9], seed=1)
    assert rows[0][:2] == ["knight", "nite"] and all(len(row) == COUNT for row in rows)
    assert rows == confusions(words, [9, 3, 1, 5, 9], seed=1)
    assert all(word for row in rows for word in row)


def test_the_command(tmp_path):
    (tmp_path / "story.txt").write_text(STORY)
    train = ("text", "train", "story.txt", "--dev", "story.txt")
    sizes = ("--set", "network.hidden_size=16", "--set", "training.epochs=2")
    done = run(*train, *sizes, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/tagger/tagger.onnx\n"
    assert "words to train on" in done.stderr and "dev mark error" in done.stderr
    (tmp_path / "bare.txt").write_text("no mark here\n")
    done = run("text", "train", "bare.txt", "--dev", "story.txt", "--set", "name=b", cwd=tmp_path)
    assert done.returncode == 1 and "needs text with its punctuation" in done.stderr


def test_texts_are_needed():
    with pytest.raises(DataError, match="asr text train TEXT --dev TEXT"):
        read(WrittenConfig())
