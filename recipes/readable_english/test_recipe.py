"""Tests of the recipe of the tagger: parts are whole books, and a small one trains."""

import json
import lzma

import miniatures
import pytest
from conftest import ROOT
from taggers import make_tagger

from asr.config import from_mapping, read_values
from asr.display.tagger import read_tagger
from asr.errors import DataError
from asr.training.tagger.config import TaggerConfig
from asr.training.tagger.fit import fit

FOLDER = ROOT / "recipes" / "readable_english"


@pytest.fixture
def books(tmp_path):
    """A file of books of two lines each, those of the parts among them."""
    parts = miniatures.load("readable_english").PARTS
    names = ["Some-Book_1", *parts["dev"], "Another-Book_2", *parts["test"]]
    text = "".join(
        f"# {name}\nThis is book {number}, I think.\n\nIs it? Yes!\n"
        for number, name in enumerate(names)
    )
    path = tmp_path / "books.txt.xz"
    path.write_bytes(lzma.compress(text.encode()))
    return path


def test_from_books_to_a_tagger(books, tmp_path):
    prepare = miniatures.load("readable_english")
    prepare.main([str(books), "--output", str(tmp_path)])
    lines = {part: (tmp_path / f"{part}.txt").read_text().splitlines() for part in ("train", "dev")}
    assert lines["train"][::2] == ["This is book 0, I think.", "This is book 4, I think."]
    assert lines["dev"][::2] == [f"This is book {number}, I think." for number in (1, 2, 3)]
    data = [f'data.{part}=["{tmp_path / f"{part}.txt"}"]' for part in ("train", "dev")]
    small = ["network.hidden_size=8", "network.embedding=8", "training.epochs=1"]
    values = read_values(FOLDER / "tagger.toml", [*data, *small, "data.min_count=1"])
    path = fit(from_mapping(TaggerConfig, values), folder=tmp_path / "run")
    tagger = read_tagger(path)
    assert len(tagger.tag("this is a book".split()).marks) == 4
    study = miniatures.load("readable_english", "study")
    values = study.study(tmp_path, tagger)
    assert values.keys() == {"dev", "test", "minutes"}
    rows = values["dev"]
    assert len(rows) == 5 * len(study.SHARES) + 1 and {row["system"] for row in rows} == {
        "nothing", "full stop at pauses", "4-gram", "tagger", "tagger with pauses", "tagger, live",
    }  # fmt: skip
    by_name = {row["system"]: row for row in rows if row["wrong"] == 0}
    assert by_name["nothing"]["."][:3] == [0, 0, 0] and by_name["nothing"]["."][3] == 3
    tables = miniatures.load("readable_english", "tables")
    assert tables.marks(values).count("\n") == 10
    assert tables.wrong_words(values).count("\n") == 7
    # The books are alike: the n-gram model knows their marks by heart.
    assert by_name["4-gram"]["?"][2] == 1 and by_name["4-gram"]["case"] > 0.9


def test_books_that_are_missing(tmp_path):
    prepare = miniatures.load("readable_english")
    (tmp_path / "books.txt").write_text("# A-Book_1\nYes.\n")
    with pytest.raises(DataError, match="no book Anne-of-Green-Gables_45, Hard-Times_786"):
        prepare.prepare(tmp_path / "books.txt", tmp_path)
    with pytest.raises(DataError, match="cannot read"):
        prepare.prepare(tmp_path / "none.txt", tmp_path)


def test_subtitles_are_counted(tmp_path):
    """Ends are those of the printed text, whatever the tagger says."""
    written = ["He went on. It was late, and cold.",
               "On the thirty-first of October nobody said a word."]  # fmt: skip
    spoken = [["he went on", "it was late", "and cold"],
              ["on the thirty first of october nobody said a word"]]  # fmt: skip
    lines = []
    for text, parts in zip(written, spoken, strict=True):
        words, time = [], 0.0
        for part in parts:
            for word in part.split():
                words.append({"word": word, "start": round(time, 2), "end": round(time + 0.3, 2)})
                time += 0.4
            time += 1.0
        lines.append({"words": words, "duration": time, "written": text})
    path = tmp_path / "words.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    tagger = tmp_path / "tagger.onnx"
    tagger.write_bytes(make_tagger(tmp_path, mark=""))
    subtitles = miniatures.load("readable_english", "subtitles")
    output = tmp_path / "subtitles.json"
    subtitles.main([str(path), "--tagger", str(tagger), "--output", str(output),
                    "--folder", str(tmp_path / "all")])  # fmt: skip
    values = json.loads(output.read_text())
    assert values["words"] == 18
    counts = [(row["cues"], row["sentence"], row["clause"]) for row in values["rows"]]
    # Every segment ends with a clause here.
    assert counts[:2] == [(4, 3, 4), (4, 3, 4)]
    assert "31st of october" in (tmp_path / "all" / "readable.srt").read_text()
    assert "thirty first" in (tmp_path / "all" / "recognised.vtt").read_text()
    lines[0]["written"] = "He went off. It was late, and cold."
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(SystemExit, match=r":1: 'written' needs the words that are said"):
        subtitles.main([str(path), "--tagger", str(tagger), "--output", str(output)])
    table = miniatures.load("readable_english", "tables").subtitles(values)
    assert "| a cue a segment, readable | 4 | 75 % [3 / 4] | 100 % [4 / 4] |" in table
