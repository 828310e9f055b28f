"""Manifests: their fields, unknown characters, and texts that are too long for their audio."""

import json

import pytest
from manifests import GOOD, write

from asr.audio.inputs import Piece
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import DataError


def test_read_and_write(tmp_path):
    """A manifest that is written and read again holds the same utterances."""
    (item,) = read_manifest(write(tmp_path, GOOD | {"speaker": 7}))
    assert item.audio == tmp_path / "a.wav"
    assert (item.text, item.duration, item.id, item.speaker) == ("yes no", 1.0, "a", "7")
    assert item.extra == {"lang": "en"}
    (tmp_path / "sub").mkdir()
    write_manifest(tmp_path / "sub" / "n.jsonl", [item])
    assert json.loads((tmp_path / "sub" / "n.jsonl").read_text())["audio_filepath"] == "../a.wav"
    assert read_manifest(tmp_path / "sub" / "n.jsonl") == [item]


def test_id_defaults_to_the_stem(tmp_path):
    entry = {key: value for key, value in GOOD.items() if key != "id"}
    assert read_manifest(write(tmp_path, entry))[0].id == "a"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": None}, "'text' needs str"),
        ({"duration": "1"}, "'duration' needs float"),
        ({"duration": -1}, "needs seconds >= 0"),
        ({"duration": float("nan")}, "needs seconds >= 0"),
        ({"audio_filepath": 3}, "'audio_filepath' needs str"),
        ({"id": "x"}, "x: its id is already in line 1"),
    ],
)
def test_bad_fields_name_file_and_line(tmp_path, change, message):
    path = write(tmp_path, GOOD | {"id": "x"}, GOOD | change)
    with pytest.raises(DataError) as error:
        read_manifest(path)
    assert f"{path}:2: " in str(error.value) and message in str(error.value)


def test_null_is_as_good_as_nothing_where_recordings_are_not_transcribed(tmp_path):
    path = write(tmp_path, GOOD | {"offset": 0, "duration": None, "text": None, "label": None})
    (item,) = read_manifest(path, transcribed=False)
    assert (item.text, item.source) == ("", Piece(tmp_path / "a.wav", 0.0))
    assert item.extra["label"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no utterance"), ("{", "not JSON"), ("[1]", "needs a JSON object"), ("{}", "missing")],
)
def test_broken_manifests(tmp_path, text, message):
    """A manifest without utterances, or with a line that is none, is an error."""
    path = tmp_path / "m.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_manifest(path)


def test_missing_manifest(tmp_path):
    """A manifest that does not exist is an error."""
    with pytest.raises(DataError, match="cannot read the manifest"):
        read_manifest(tmp_path / "none.jsonl")


def unfit(tmp_path, items, **data):
    """Prepare a training on these items and return its corpus."""
    from asr.training.config import Config, DataConfig
    from asr.training.preparation import prepare

    train, dev = tmp_path / "train.jsonl", tmp_path / "dev.jsonl"
    write_manifest(train, items)
    write_manifest(dev, [Utterance(tmp_path / "a.wav", 1.0, "yes", "d")])
    config = Config(data=DataConfig(train=(str(train),), dev=(str(dev),), **data))
    return prepare(config, tmp_path / "skipped.jsonl")


def test_training_drops_counts_and_lists_what_does_not_fit(tmp_path):
    items = [Utterance(tmp_path / "a.wav", 1.0, "yes", f"u{i}") for i in range(30)]
    items.append(Utterance(tmp_path / "a.wav", 0.3, "yes " * 9, "fast"))
    items.append(Utterance(tmp_path / "a.wav", 31.0, "yes", "long"))
    items.append(Utterance(tmp_path / "a.wav", 1.0, "", "mute"))
    corpus = unfit(tmp_path, items)
    assert [item.id for item in corpus.train] == [f"u{i}" for i in range(30)]
    assert [line["id"] for line in corpus.skipped] == ["fast", "long", "mute"]
    assert corpus.skipped[0]["reason"] == "35 characters do not fit in 0.30 s"
    assert corpus.skipped[1]["reason"] == "31.00 s is over 30.0 s"
    assert corpus.skipped[2]["reason"] == "no text"
    kept = unfit(tmp_path, items, keep_empty=True)
    assert kept.train[-1].id == "mute" and len(kept.skipped) == 2


def test_unknown_characters_are_left_out_on_request(tmp_path):
    items = [Utterance(tmp_path / "a.wav", 1.0, "yes", f"u{i}") for i in range(30)]
    items.append(Utterance(tmp_path / "a.wav", 1.0, "7 up", "odd"))
    corpus = unfit(tmp_path, items, characters="esy", drop_unknown=True)
    reason = "characters ' ' '7' 'p' 'u' outside the vocabulary"
    (line,) = corpus.skipped
    assert (line["id"], line["reason"]) == ("odd", reason)


def test_an_id_in_two_manifests_is_made_distinct(tmp_path):
    from asr.training.preparation import distinct

    items = [Utterance(tmp_path / f"{i}.wav", 1.0, "yes", "same") for i in range(3)]
    assert [item.id for item in distinct(items)] == ["same", "same#2", "same#3"]


def test_training_stops_when_too_much_does_not_fit(tmp_path):
    items = [Utterance(tmp_path / "a.wav", 0.1, "yes " * 9, f"u{i}") for i in range(3)]
    with pytest.raises(DataError, match="3 of 3 training utterances are unfit"):
        unfit(tmp_path, items)
    assert len((tmp_path / "skipped.jsonl").read_text().splitlines()) == 3


def test_training_refuses_unknown_characters_with_file_line_and_characters(tmp_path):
    items = [Utterance(tmp_path / "a.wav", 1.0, text, text) for text in ("yes", "room 7b")]
    with pytest.raises(DataError) as error:
        unfit(tmp_path, items, characters="abcdefghijklmnopqrstuvwxyz ")
    assert f"{tmp_path / 'train.jsonl'}:2: room 7b: characters '7'" in str(error.value)


def test_default_ids_differ(tmp_path):
    """Recordings of one name, pieces and ids of null get ids that differ; others keep theirs."""

    def line(name, **more):
        return {"audio_filepath": name, "duration": 1.0, "text": "yes", **more}

    lines = [
        line("x/a.wav"), line("y/a.wav", id=None), line("b.wav", id=None), line("c.wav", id="d"),
        line("d.wav"), line("x/e.wav", offset=0.5), line("x/e.wav", offset=0.5), line("b.flac"),
    ]  # fmt: skip
    assert [item.id for item in read_manifest(write(tmp_path, *lines))] == [
        "x/a", "y/a", "b", "d", "d#2", "e-0000500-0001500", "e-0000500-0001500#2", "b#2"
    ]  # fmt: skip


def test_pieces_are_written_and_read(tmp_path):
    (item,) = read_manifest(write(tmp_path, GOOD | {"offset": 2}))
    assert (item.offset, item.source) == (2.0, Piece(tmp_path / "a.wav", 2.0, 1.0))
    write_manifest(tmp_path / "n.jsonl", [item])
    assert json.loads((tmp_path / "n.jsonl").read_text())["offset"] == 2.0
    assert read_manifest(tmp_path / "n.jsonl") == [item]
    (whole,) = read_manifest(write(tmp_path, GOOD | {"offset": None}))
    assert (whole.source, whole.extra) == (tmp_path / "a.wav", {"lang": "en"})
    endless = write(tmp_path, {"audio_filepath": "a.wav", "offset": 2})
    assert read_manifest(endless, transcribed=False)[0].source == Piece(tmp_path / "a.wav", 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": "1"}, "'offset' needs float, got '1'"),
        ({"offset": True}, "'offset' needs float, got True"),
        ({"offset": -1}, "'offset' is -1, needs seconds >= 0"),
        ({"offset": float("inf")}, "'offset' is inf, needs seconds >= 0"),
        ({"offset": 1, "duration": 0}, "'duration' is 0, but a piece with an 'offset'"),
    ],
)
def test_bad_pieces(tmp_path, change, message):
    """A piece that lies nowhere is an error."""
    with pytest.raises(DataError, match=r"m\.jsonl:1: .*") as error:
        read_manifest(write(tmp_path, GOOD | change))
    assert message in str(error.value)
