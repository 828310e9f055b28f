"""Evaluations become the data of a page, with the sounds that a browser can play."""

import json

import numpy as np
import pytest
import soundfile
from conftest import tone

from asr.evaluation.comparison import compare
from asr.evaluation.results import common_values, write_results
from asr.evaluation.scoring import score
from asr.report import page as report
from asr.report.page import write_report
from asr.report.payload import build_payload, playable, shortened

TEXTS = [("yes no", "yes no"), ("enter six two", "enter six"), ("stop", "to p")]


def system(hypotheses=None, **more):
    """Return the contents of a results.json."""
    items = [
        {"id": f"u{i}", "speaker": None, "reference": reference, "hypothesis": hypothesis}
        for i, (reference, hypothesis) in enumerate(TEXTS)
    ]
    for item, hypothesis in zip(items, hypotheses or [], strict=bool(hypotheses)):
        item["hypothesis"] = hypothesis
    texts = [(item["reference"], item["hypothesis"]) for item in items]
    return common_values(items, score(*zip(*texts, strict=True)), None) | more


def test_one_system(tmp_path):
    data = build_payload({"mine": system()}, tmp_path)
    assert json.loads(json.dumps(data)) == data
    (values,) = data["systems"]
    assert values["name"] == "mine" and "utterances" not in values
    assert values["score"]["wer"]["errors"] == 3
    assert values["attribution"] is None and values["calibration"] is None
    first, second, third = data["utterances"]
    assert first["outputs"][0]["steps"] == [["yes", "yes"], ["no", "no"]]
    assert second["outputs"][0]["steps"] == [["enter", "enter"], ["six", "six"], ["two", None]]
    assert third["outputs"][0] == {
        "hypothesis": "to p",
        "errors": 2,
        "steps": [[None, "to"], ["stop", "p"]],
        "words": None,
        "kinds": None,
        "label_score": None,
    }
    assert third["audio"] is None and third["picture"] is None


def test_two_systems(tmp_path):
    other = ["yes now", "enter six two", "stop"]
    references, hypotheses = zip(*TEXTS, strict=True)
    difference = compare(references, hypotheses, other)
    data = build_payload({"a": system(), "b": system(other)}, tmp_path, difference=difference)
    assert data["title"] == "a and b" and [x["name"] for x in data["systems"]] == ["a", "b"]
    assert [[x["errors"] for x in item["outputs"]] for item in data["utterances"]] == [
        [0, 1],
        [1, 0],
        [2, 0],
    ]
    shown = data["comparison"]
    assert shown["rate"] == pytest.approx(-2 / 6)
    assert shown["verdict"] == difference.verdict("a", "b")
    assert (shown["segments"], shown["p"]) == (3, difference.matched_pairs.p)


def test_audio_is_found_from_the_manifest(tmp_path):
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "data" / "one.wav", tone(500), 16000)
    values = system(manifest={"path": str(tmp_path / "data" / "test.jsonl"), "sha256": ""})
    for item, name in zip(values["utterances"], ("one", "two", "three"), strict=True):
        item["audio"] = f"{name}.wav"
    data = build_payload({"mine": values}, tmp_path / "out")
    assert [item["audio"] for item in data["utterances"]] == ["../data/one.wav", None, None]


def test_shortened(tmp_path):
    data = build_payload({"mine": system()}, tmp_path)
    short = shortened(data, 2)
    assert [item["id"] for item in short["utterances"]] == ["u1", "u2"]
    assert short["left_out"] == 1 and len(data["utterances"]) == 3


def test_a_page_that_would_be_too_large(tmp_path):
    results = [write_results(tmp_path / "mine", system())]
    page = write_report(tmp_path, results)
    assert page == tmp_path / report.FILE
    whole = page.stat().st_size
    assert whole < report.LARGEST
    assert write_report(tmp_path, results, largest=whole - 1).stat().st_size < whole


def test_what_a_browser_plays_is_linked(tmp_path):
    (tmp_path / "a b").mkdir()
    for name in ("one.wav", "two.flac", "three.ogg"):
        path = tmp_path / "a b" / name
        soundfile.write(path, tone(500), 16000)
        assert playable(path, tmp_path / "out", 1) == f"../a%20b/{name}"
    assert not (tmp_path / "out").exists()


def test_what_it_does_not_play_is_converted(tmp_path):
    path = tmp_path / "sphere.wav"  # its content says the format, not its name
    soundfile.write(path, tone(500), 16000, format="NIST", subtype="PCM_16")
    assert playable(path, tmp_path / "out", 7) == "audio/7.wav"
    samples, rate = soundfile.read(tmp_path / "out" / "audio" / "7.wav")
    assert rate == 16000
    np.testing.assert_allclose(samples, tone(500), atol=1e-4)


def test_what_is_not_there_has_no_url(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    assert playable(tmp_path / "none.wav", tmp_path, 1) is None
    assert playable(tmp_path / "text.wav", tmp_path, 1) is None
