"""Tests of the recipe of the tagger: parts are whole books, and a small one trains."""

import lzma

import miniatures
import pytest
from conftest import ROOT

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
    assert len(rows) == 5 * len(study.SHARES) and {row["system"] for row in rows} == {
        "nothing", "full stop at pauses", "4-gram", "tagger", "tagger with pauses",
    }  # fmt: skip
    by_name = {row["system"]: row for row in rows if row["wrong"] == 0}
    assert by_name["nothing"]["."][:3] == [0, 0, 0] and by_name["nothing"]["."][3] == 3
    # The books are alike: the n-gram model knows their marks by heart.
    assert by_name["4-gram"]["?"][2] == 1 and by_name["4-gram"]["case"] > 0.9


def test_books_that_are_missing(tmp_path):
    prepare = miniatures.load("readable_english")
    (tmp_path / "books.txt").write_text("# A-Book_1\nYes.\n")
    with pytest.raises(DataError, match="no book Anne-of-Green-Gables_45, Hard-Times_786"):
        prepare.prepare(tmp_path / "books.txt", tmp_path)
    with pytest.raises(DataError, match="cannot read"):
        prepare.prepare(tmp_path / "none.txt", tmp_path)
