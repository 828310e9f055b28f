"""``asr data stats`` against tables worked out by hand."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT, make_info, noise

from asr.data.leakage import find_leakage
from asr.data.manifest import Utterance, write_manifest
from asr.data.summary import (
    BINS,
    draw_sample,
    histogram,
    measure_recording,
    quantiles,
    round_edges,
    summarize_audio,
    summarize_manifests,
    summarize_utterances,
    to_json,
)
from asr.report.summary_tables import names

INFO = make_info()


@pytest.fixture
def corpus(tmp_path):
    """The manifests of a training and a test set.

    Their recordings are a sine at -9 dB, a clipped square wave, half a second of noise, a file that
    is no audio, and one that does not exist.
    """
    times = np.arange(16000) / 16000
    sine = 0.5 * np.sin(2 * np.pi * 1000 * times)
    soundfile.write(tmp_path / "sine.wav", sine, 16000)
    soundfile.write(tmp_path / "square.wav", np.sign(np.sin(2 * np.pi * 50 * times + 1)), 16000)
    soundfile.write(tmp_path / "noise.wav", noise(8000), 16000)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "sine.wav").read_bytes())
    (tmp_path / "bad.wav").write_text("no audio")
    train = [
        Utterance(tmp_path / "sine.wav", 1.0, "yes no yes", "a", "ann"),
        Utterance(tmp_path / "square.wav", 2.0, "no", "b", "bob"),
        Utterance(tmp_path / "noise.wav", 0.5, "", "c", "ann"),
        Utterance(tmp_path / "bad.wav", 4.0, "stop it", "d"),
    ]
    test = [
        Utterance(tmp_path / "copy.wav", 1.0, "no", "e", "bob"),
        Utterance(tmp_path / "none.wav", 0.0, "halt halt go", "f", "cid"),
    ]
    write_manifest(tmp_path / "train.jsonl", train)
    write_manifest(tmp_path / "test.jsonl", test)
    return tmp_path / "train.jsonl", tmp_path / "test.jsonl"


def test_a_comparison_by_hand(corpus):
    """The summary of two manifests is the one that was computed by hand."""
    reached = []
    train, test = corpus
    found = summarize_manifests(corpus, INFO, 300, 0, lambda *now: reached.append(now))
    one, other = found.manifests
    assert one.hours == pytest.approx(7.5 / 3600)
    assert one.durations.tolist() == [1.0, 2.0, 0.5, 4.0]
    assert list(one.speakers.items()) == [("bob", 2.0), ("ann", 1.5)]
    assert list(one.words.items()) == [("no", 2), ("yes", 2), ("it", 1), ("stop", 1)]
    assert (one.once, one.silent, one.anonymous) == (2, 1, 1)
    assert one.word_rates.tolist() == [3.0, 0.5, 0.5]
    assert one.character_rates.tolist() == [10.0, 1.0, 1.75]
    # The texts are "yes no yes", "no" and "stop it".
    assert dict(one.characters) == {
        "s": 3, " ": 3, "e": 2, "n": 2, "o": 3, "y": 2, "i": 1, "p": 1, "t": 2,
    }  # fmt: skip
    assert list(one.characters)[:3] == [" ", "o", "s"]
    assert other.word_rates.tolist() == [1.0]  # An utterance of 0 s has no rate.
    assert (one.audio.files, one.audio.unreadable) == (4, 1)
    assert (other.audio.files, other.audio.unreadable) == (2, 1)
    assert one.audio.level[:2].tolist() == [-9.0, 0.0]  # 20 log10(0.5 / sqrt 2) = -9.03
    assert one.audio.clipped.tolist() == pytest.approx([0, 1, 0])
    assert reached == [(count, 6) for count in range(1, 7)]
    ((later, earlier, leakage),) = found.shared
    assert (later, earlier) == (test, train)
    assert (leakage.speakers, leakage.texts, leakage.audio) == (("bob",), 1, 1)
    (news,) = found.new_words
    assert (news.path, news.words, news.running) == (test, {"halt": 2, "go": 1}, 4)
    assert news.share == 0.75


def test_json_by_hand(corpus):
    """The JSON of a summary holds the values that were computed by hand."""
    values = json.loads(json.dumps(to_json(summarize_manifests(corpus, INFO, 1, 0))))
    one = values["manifests"][0]
    assert one["utterances"] == 4 and one["speakers"] == {"bob": 2.0, "ann": 1.5}
    assert (one["words"], one["distinct_words"], one["words_once"]) == (6, 4, 2)
    assert one["frequent_words"] == {"no": 2, "yes": 2, "it": 1, "stop": 1}
    durations = one["distributions"]["seconds an utterance"]
    # The values 0.5, 1, 2, 4 are three steps; quantiles lie at 0, 5, 25, 50, 75, 95 and 100 %.
    assert durations["quantiles"] == pytest.approx([0.5, 0.575, 0.875, 1.5, 2.5, 3.7, 4.0])
    assert sum(durations["counts"]) == 4 and len(durations["edges"]) == len(durations["counts"]) + 1
    assert one["audio"]["files"] == 1
    assert values["shared"][0] == {
        "manifest": str(corpus[1]), "with": str(corpus[0]),
        "speakers": ["bob"], "texts": 1, "audio": 1, "utterances": 2,
    }  # fmt: skip
    assert values["new_words"][0] == {
        "manifest": str(corpus[1]), "distinct": 2, "running": 3, "share": 0.75,
        "words": {"halt": 2, "go": 1},
    }  # fmt: skip


def test_nothing_is_measured_on_request(corpus):
    found = summarize_manifests(corpus[:1], INFO, 0, 0)
    assert found.manifests[0].audio is None and found.shared == found.new_words == []
    assert to_json(found)["manifests"][0]["audio"] is None


def test_texts_and_speakers_may_be_missing(tmp_path):
    item = summarize_utterances(tmp_path, [Utterance(tmp_path / "a.wav", 1.0, "", "a")])
    assert (item.words, item.speakers, item.once) == ({}, {}, 0)
    assert quantiles(item.word_rates) is None
    edges = round_edges(item.word_rates)
    assert histogram(item.word_rates, edges) == [0]


def test_histogram_by_hand():
    """Edges and counts of histograms are those that were computed by hand."""
    values = np.array([0.5, 0.7, 1.0, 1.2, 2.9, 3.0])
    edges = round_edges(values)  # The bins begin at 0.4 and are 0.2 wide.
    assert edges.tolist() == pytest.approx([0.4 + 0.2 * i for i in range(len(edges))])
    assert edges[-1] == pytest.approx(3.0)
    assert histogram(values, np.array([0.0, 1.0, 2.0, 3.0])) == [2, 2, 2]
    assert histogram(np.array([0.5, 9.0]), np.array([0.0, 1.0, 2.0])) == [1, 1]


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 7.0, 5000.0])
@pytest.mark.parametrize("shift", [0.0, -60.0, 40.0])
def test_edges_are_few_and_hold_nearly_all(scale, shift):
    values = np.random.default_rng(0).gamma(2.0, scale, 1000) + shift
    edges = round_edges(values)
    steps = np.diff(edges)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-5)
    assert 1 <= len(steps) <= BINS
    assert edges[0] <= values.min() and (values < edges[-1]).mean() >= 0.99
    mantissa = steps[0] / 10.0 ** np.floor(np.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - known) for known in (1, 2, 5)) < 1e-4
    assert sum(histogram(values, edges)) == 1000


def test_samples_are_drawn_by_the_seed(tmp_path):
    items = [Utterance(tmp_path, 1.0, "", str(number)) for number in range(50)]
    first = [item.id for item in draw_sample(items, 10, 1)]
    assert first == [item.id for item in draw_sample(items, 10, 1)] == sorted(first, key=int)
    assert len(set(first)) == 10 and first != [item.id for item in draw_sample(items, 10, 2)]
    assert draw_sample(items, 99, 1) == items


def test_recordings_shorter_than_a_frame_have_no_level(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(100), 16000)
    audio = summarize_audio([measure_recording(tmp_path / "a.wav", INFO)])
    assert (audio.files, audio.unreadable, len(audio.level)) == (1, 0, 0)


def test_recordings_that_differ_in_a_few_bytes_are_not_shared(tmp_path):
    samples = noise(16000)
    items = []
    for name, place in (("a", None), ("b", 0), ("c", 8000), ("d", 15999), ("e", None)):
        changed = samples.copy()
        if place is not None:
            changed[place] += 0.1
        soundfile.write(tmp_path / f"{name}.wav", changed, 16000)
        items.append(Utterance(tmp_path / f"{name}.wav", 1.0, name, name))
    assert find_leakage(items[1:], items[:1]).audio == 1
    assert find_leakage(items, items[:1]).audio == 2
    missing = Utterance(tmp_path / "none.wav", 1.0, "e", "x")
    assert find_leakage([missing, *items], [items[4], missing], skip_missing=True).audio == 2


def test_command(corpus, tmp_path):
    """The command prints tables that fit in the window, and writes the JSON and the picture."""
    files = "--json", tmp_path / "s.json", "--plot", tmp_path / "s.png"
    done = run("data", "stats", *corpus, *files, env={"COLUMNS": "60"})
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 60
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[:3] == [
        ["utterances", "hours", "speakers", "words", "distinct", "once"],
        ["train", "4", "0.00", "2", "6", "4", "2"],
        ["test", "2", "0.00", "2", "4", "3", "2"],
    ]
    assert ["train", "4", "1", "1", "100.00", "%"] in lines
    assert ["test,", "train", "1", "1", "1"] in lines
    assert ["test", "2", "3", "75.00", "%"] in lines
    assert "test: halt 2, go 1" in done.stdout and "words of train: no 2, yes 2," in done.stdout
    assert json.loads((tmp_path / "s.json").read_text())["manifests"][1]["words"] == 4
    assert (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"


def test_pictures_of_what_is_there(corpus, tmp_path):
    """The picture shows no levels where no recording was measured."""
    from asr.report.summary_picture import draw_statistics

    found = summarize_manifests(corpus, INFO, 0, 0).manifests
    draw_statistics(found, ["train", "test"], tmp_path / "s.svg")
    text = (tmp_path / "s.svg").read_text()
    assert "utterances by duration" in text and "recordings by level" not in text


def test_matplotlib_is_missing(corpus, tmp_path):
    """A picture without matplotlib, or of an unknown format, is an error."""
    program = (
        "import sys, importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'matplotlib' else find(name, *rest)\n"
        "from asr.cli.main import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, "data", "stats", corpus[0]]
    done = subprocess.run(
        [*command, "--plot", tmp_path / "s.png"], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "a picture needs matplotlib, which is not installed" in done.stderr
    done = run("data", "stats", corpus[0], "--plot", "s.jpg")
    assert done.returncode == 2 and "needs to end in .png" in done.stderr


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["x/train.jsonl", "x/dev.jsonl"], ["train", "dev"]),
        (["x/a/dev.jsonl", "x/b/dev.jsonl", "test.jsonl"], ["a/dev", "b/dev", "test"]),
        (["dev.jsonl", "a/dev.jsonl"], ["dev", "a/dev"]),
        (["a/dev.jsonl", "a/dev.jsonl"], ["a/dev", "a/dev"]),
    ],
)
def test_short_names(paths, expected):
    """Names of manifests are as short as they can be while they differ."""
    assert names([Path(path) for path in paths]) == expected
