"""Tables of manifests hold what the manifests say, are built once, and follow their changes."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import GOOD, write

from asr.data.manifest import read_manifest, write_manifest
from asr.errors import DataError
from asr.files import sha256
from asr.text import normalize
from asr.training import table as tables
from asr.training.config import Config, DataConfig
from asr.training.preparation import distinct, open_tables, prepare, unfit
from asr.training.table import manifest_digest, open_table
from asr.training.utterances import Utterances

LINES = [
    GOOD,
    {"audio_filepath": "/x/b\udce9.wav", "duration": 2, "text": "", "id": "b", "offset": 0.5},
    {"audio_filepath": "../c.wav", "duration": 3.25, "text": "ＡＢ ﬁ", "id": "c", "speaker": "s"},
    {"audio_filepath": "d/./d.wav", "duration": 0.1, "text": "hello", "id": "d", "set": "books",
     "nested": {"a": [1.5, None, "é"]}},
]  # fmt: skip


@pytest.fixture
def manifest(tmp_path):
    """A manifest of all kinds of lines."""
    return write(tmp_path, *LINES)


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@pytest.mark.parametrize("rows", [2, 1 << 14])
def test_a_table_holds_what_the_manifest_says(manifest, tmp_path, monkeypatch, form, rows):
    monkeypatch.setattr(tables, "ROWS", rows)
    table = open_table(manifest, tmp_path / "cache", form)
    items = [replace(item, text=normalize(item.text, form)) for item in read_manifest(manifest)]
    assert [table[row] for row in range(len(table))] == list(table) == items
    assert list(table.texts()) == [item.text for item in items]
    assert table.durations.tolist() == [item.duration for item in items]
    assert table.frames.tolist() == [6, 0, 5 if form == "NFKC" else 4, 6]
    assert table.characters == set("".join(item.text for item in items))
    assert [table.set_names[number] for number in table.sets] == ["", "", "", "books"]
    assert table.rows_with("ho").tolist() == [0, 3]


def test_a_table_is_built_once_for_each_content(manifest, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = list(open_table(manifest, cache))
    moved = tmp_path / "elsewhere" / "m.jsonl"
    moved.parent.mkdir()
    shutil.copy(manifest, moved)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "_build", None)
        os.utime(manifest, (1, 1))
        assert list(open_table(manifest, cache)) == first  # known by its content
        assert list(open_table(moved, cache)) == read_manifest(moved)
        patch.setattr(tables, "sha256", None)
        assert list(open_table(manifest, cache)) == first  # known by its size and times
        known = manifest_digest(manifest, cache)
    assert known == sha256(manifest)
    for path in (manifest, moved):  # the table of a content that nobody has is removed
        path.write_text(path.read_text().replace("hello", "other"))
        assert [item.text for item in open_table(path, cache)][-1] == "other"
    assert len([path for path in (cache / "manifests").iterdir() if path.is_dir()]) == 1


def test_a_damaged_table_is_built_anew(manifest, tmp_path):
    cache = tmp_path / "cache"
    first = list(open_table(manifest, cache))
    for name in (tables.LINES, tables.NUMBERS):
        (path,) = cache.rglob(name)
        path.write_bytes(path.read_bytes()[:100])
        assert list(open_table(manifest, cache)) == first


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(manifest, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert list(open_table(manifest, tmp_path / "cache")) == read_manifest(manifest)


def test_ids_that_are_missing_are_those_of_the_manifest(tmp_path):
    lines = [{**GOOD, "id": None, "audio_filepath": name} for name in ("a.wav", "x/a.wav", "b.wav")]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = write(tmp_path / folder, *lines)
        assert list(open_table(path, tmp_path / "cache")) == read_manifest(path)


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD, {**GOOD, "id": "b", "duration": -1}],
        [GOOD, {**GOOD, "text": "again"}],
        [GOOD, {**GOOD, "text": "again"}, "no JSON"],
        [],
    ],
)
def test_faults_are_told_as_everywhere(tmp_path, lines):
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError) as everywhere:
        read_manifest(path)
    with pytest.raises(DataError) as here:
        open_table(path, tmp_path / "cache")
    assert str(here.value) == str(everywhere.value)
    with pytest.raises(DataError, match="cannot read the manifest"):
        open_table(tmp_path / "none.jsonl", tmp_path / "cache")


IDS = st.lists(st.sampled_from(["a", "b", "a#2", "a#3", "a#2#2", "b#2"]), min_size=1, unique=True)


@settings(deadline=None, max_examples=50)
@given(st.lists(IDS, min_size=1, max_size=4))
def test_ids_of_several_manifests_are_made_distinct(tmp_path_factory, manifests):
    folder = tmp_path_factory.mktemp("several")
    paths = []
    for number, ids in enumerate(manifests):
        (folder / str(number)).mkdir()
        paths.append(write(folder / str(number), *({**GOOD, "id": id} for id in ids)))
    found = Utterances.of([open_table(path, folder / "cache") for path in paths])
    expected = distinct([item for path in paths for item in read_manifest(path)])
    assert list(found) == [found[place] for place in range(len(found))] == expected


def test_what_is_left_of_utterances_keeps_its_columns(tmp_path):
    (tmp_path / "two").mkdir()
    paths = [write(tmp_path, *LINES), write(tmp_path / "two", *LINES)]
    whole = Utterances.of([open_table(path, tmp_path / "cache") for path in paths])
    left = whole.without([0, 5])
    items = [item for place, item in enumerate(whole) if place not in (0, 5)]
    assert list(left) == [left[place] for place in range(6)] == left[:] == items
    assert left[-1] == items[-1] and left[1:3] == items[1:3]
    assert left.durations.tolist() == [item.duration for item in items]
    assert left.spoken.tolist() == [bool(item.text) for item in items]
    assert list(left.texts()) == [item.text for item in items]
    places = {name: found.tolist() for name, found in left.in_sets().items()}
    assert places == {"": [0, 1, 3, 4], "books": [2, 5]}


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.text("aab b", max_size=40)), min_size=1, max_size=30),
    st.sampled_from(["character", "piece"]),
    st.booleans(),
)
def test_what_is_unfit_is_found_among_suspects(tmp_path_factory, lines, unit, keep_empty):
    """Every utterance is judged as if each had been looked at."""
    folder = tmp_path_factory.mktemp("unfit")
    path = write(
        folder,
        *({**GOOD, "id": str(n), "duration": d, "text": t} for n, (d, t) in enumerate(lines)),
    )
    from asr.text import WORD_MARK, Vocabulary

    pieces = ("<blank>", WORD_MARK, "a", "b", f"{WORD_MARK}a", "ab")
    vocabulary = (
        Vocabulary(pieces, (0.0, -3.0, -2.0, -2.0, -1.0, -1.0))
        if unit == "piece"
        else Vocabulary.from_characters("a ")
    )
    config = Config(data=DataConfig(max_duration=2.5, keep_empty=keep_empty))
    items = Utterances.of([open_table(path, folder / "cache")])
    every = pytest.MonkeyPatch()
    found = unfit(items, vocabulary, config)
    with every.context() as patch:
        patch.setattr("asr.training.preparation._suspects", lambda *a: np.arange(len(items)))
        assert found == unfit(items, vocabulary, config)


def test_sub_words_and_characters_are_those_of_all_training_texts(tmp_path):
    path = write(tmp_path, *LINES)
    data = DataConfig(
        train=(str(path),), dev=(str(path),), cache=str(tmp_path / "cache"), max_dropped=1.0
    )
    corpus = prepare(Config(data=data), tmp_path / "skipped.jsonl")
    assert "".join(sorted(corpus.vocabulary.tokens[1:])) == "".join(
        sorted(set("".join(item.text for item in read_manifest(path))))
    )
    assert [table.manifest for table in open_tables(data)] == [path]


def test_lines_may_be_moved_with_the_manifest(tmp_path):
    items = read_manifest(write(tmp_path, GOOD))
    write_manifest(tmp_path / "n.jsonl", items)
    (item,) = open_table(tmp_path / "n.jsonl", tmp_path / "cache")
    assert item.audio == tmp_path / "a.wav"
