"""The study of attention, on some tones and a network of a few units."""

import json
from xml.etree import ElementTree

import miniatures
import pytest
from decoders import write_decoder

from asr.data.manifest import Utterance, write_manifest
from asr.recognition.transcriber import Transcriber

TEXTS = ("yes no", "stop", "no help", "enter one two", "yes", "help stop")


@pytest.fixture
def data(tmp_path):
    """A tiny corpus of three parts."""
    for part, pitch in (("train", 300), ("dev", 350), ("test", 400)):
        items = []
        for number, text in enumerate(TEXTS):
            path = tmp_path / f"{part}{number}.wav"
            path.write_bytes(miniatures.sound(1.0, 16000, "WAV", pitch + 20 * number))
            items.append(Utterance(path, 1.0, text, path.stem, speaker=f"s{number % 3}"))
        write_manifest(tmp_path / f"{part}.jsonl", items)
    return tmp_path


def test_every_system_is_trained_and_measured(data, monkeypatch):
    study, tables = (miniatures.load("attention", name) for name in ("study", "tables"))
    monkeypatch.chdir(data)
    small = {
        "KINDS": ("dot", "location"),
        "SHARES": (0.2, 0.4),
        "SEEDS": (1, 2),
        "LENGTH_BONUSES": (0.0, 1.0),
        "COVERAGE_WEIGHTS": (0.1,),
        "BEAM": 2,
        "SECONDS": 3.0,
    }
    for name, value in small.items():
        monkeypatch.setattr(study, name, value)
    settings = [
        *miniatures.SMALL, "encoder.dropout=0.1", "attention.hidden_size=6", "attention.size=4",
        f"data.cache={data / 'cache'}",
    ]  # fmt: skip
    arguments = ["--data", ".", "--output", "study.json"]
    study.main([*arguments, *(part for item in settings for part in ("--set", item))])
    values = json.loads((data / "study.json").read_text())
    assert [*values["systems"]] == ["CTC", "dot", "location"]
    assert [len(runs) for runs in values["systems"].values()] == [2, 2, 2]
    assert [item["share"] for item in values["shares"]] == [0.2, 0.4]
    assert values["share"] in (0.2, 0.4)
    ctc, joint = values["systems"]["CTC"][0], values["systems"]["dot"][0]
    assert [*ctc["decoders"]] == ["greedy", "words"]
    assert [*joint["decoders"]] == ["greedy", "words", "attention"]
    assert joint["parameters"] > ctc["parameters"]
    words = sum(len(text.split()) for text in TEXTS)
    for kind in ("dot", "location"):
        found = values["alone"][kind]
        assert found["test"]["reference"] == found["joined"]["spelled"]["reference"] == words
        assert found["joined"]["recordings"] == 2
    for name in ("systems", "costs", "verdicts", "shares", "alone"):
        assert getattr(tables, name)(values).startswith("| ")
    assert tables.systems(values).count("\n") == 2 + 2 + 2 * 3
    assert tables.verdicts(values).count("\n") == 2 + 2 * 3
    result, cost = tables.outcome(data)
    assert "CTC" in result and cost.endswith("CPU cores")
    # What is finished is not trained again.
    monkeypatch.setattr(study, "fit_once", lambda config: pytest.fail("trained again")
                        if not (data / "runs" / config.name / "model").exists()
                        else data / "runs" / config.name / "model")  # fmt: skip
    assert study.study(data.relative_to(data), settings)["share"] == values["share"]


def test_a_picture_of_where_a_decoder_looks(tmp_path):
    write_decoder(tmp_path / "model")
    path = tmp_path / "said.wav"
    path.write_bytes(miniatures.sound(1.0, 16000, "WAV"))
    module = miniatures.load("attention", "picture")
    module.main(["--model", str(tmp_path / "model"), "--audio", str(path), "--output",
                 str(tmp_path / "picture.svg")])  # fmt: skip
    text = Transcriber(tmp_path / "model", attention=True).transcribe(path).text
    drawn = ElementTree.parse(tmp_path / "picture.svg").getroot()
    names = [item.text for item in drawn.iter() if item.get("class") == "symbol"]
    assert names == [*text.replace(" ", "␣"), "end"]
    assert len([item for item in drawn.iter() if item.get("class") == "spike"]) == len(text)


def test_what_is_missing_is_named(tmp_path, capsys):
    study = miniatures.load("attention", "study")
    with pytest.raises(SystemExit) as stopped:
        study.main(["--data", str(tmp_path), "--output", str(tmp_path / "study.json")])
    assert str(tmp_path) in str(stopped.value)
