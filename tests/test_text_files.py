"""All text files are read alike: marks of byte order, line ends, and other encodings."""

import gzip
import json

import pytest
from commands import run

from asr.config import read_values
from asr.data.formats.jsonl import read_json_lines
from asr.data.formats.kaldi import read_kaldi
from asr.data.formats.tables import read_table
from asr.data.manifest import read_manifest
from asr.data.texts import read_texts
from asr.decoding.lexicon import read_lexicon
from asr.errors import AsrError, DataError
from asr.files import read_lines, read_text

MARK = b"\xef\xbb\xbf"
LINE = '{"audio_filepath": "a.wav", "duration": 1, "text": "yes no"}\n'


def kaldi(path):
    folder = path.parent
    (folder / "wav.scp").write_text("yes a.wav\n")
    (folder / "a.wav").touch()
    return [(item.id, item.text) for item in read_kaldi(folder)]


def table(path):
    (path.parent / "a.wav").touch()
    return [(item.text, item.audio.name) for item in read_table(path)]


READERS = [
    ("a.toml", "[train]\nseed = 3\n", read_values),
    ("words.txt", "yes\nno y eh s\n# a\n", read_lexicon),
    ("m.jsonl", LINE, lambda path: [(item.text, item.id) for item in read_manifest(path)]),
    ("nemo.json", LINE, lambda path: [values for _, values in read_json_lines(path, "manifest")]),
    ("text", "yes one two\n", kaldi),
    ("t.csv", "audio,text\na.wav,yes\n", table),
    ("t.tsv", "audio\ttext\na.wav\tyes\n", table),
    ("lm.txt", "yes no\nstop\n", read_texts),
    ("text.txt", "yes\nno\n", lambda path: read_lines(path, "text")),
]


@pytest.mark.parametrize(("name", "text", "read"), READERS)
def test_marks_and_line_ends(name, text, read, tmp_path):
    """A byte-order mark and CRLF change nothing; UTF-16 and UTF-32 are named."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    right = read(path)
    for mark in (b"", MARK):
        for end in ("\n", "\r\n"):
            path.write_bytes(mark + text.replace("\n", end).encode())
            assert read(path) == right
    for encoding, message in [
        ("utf-16", "this is UTF-16; convert it: iconv -f UTF-16 -t UTF-8"),
        ("utf-32", "this is UTF-32; convert it: iconv -f UTF-32 -t UTF-8"),
        ("utf-16-le", "this is UTF-16 without a byte-order mark; convert it"),
        ("utf-16-be", "this is UTF-16 without a byte-order mark; convert it"),
        ("latin-1", "UTF-8 text, this is not"),
    ]:
        path.write_bytes(text.replace("yes", "é").replace("seed", "sé").encode(encoding))
        with pytest.raises(AsrError, match=message) as error:
            read(path)
        assert name in str(error.value)


@pytest.mark.parametrize("character", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029", "\r"])
def test_nothing_else_ends_a_line(character, tmp_path):
    """A character that some programs take for a line end stays inside its line."""
    path = tmp_path / "a.txt"
    path.write_bytes(f"yes{character}no\nstop\n".encode())
    assert read_lines(path, "text") == [f"yes{character}no", "stop"]
    assert read_texts(path) == ["yes no", "stop"]
    assert read_lexicon(path) == ["yes", "stop"]
    line = json.dumps({"text": f"yes{character}no", "audio_filepath": "a", "duration": 1})
    path.write_text(line.replace("\\u2028", "\u2028").replace("\\u2029", "\u2029"))
    assert read_manifest(path)[0].text == "yes no"


def test_compressed_texts(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(MARK + b"yes\r\nno\r\n"))
    assert read_texts(path) == ["yes", "no"]
    path.write_bytes(gzip.compress("yes\n".encode("utf-16")))
    with pytest.raises(DataError, match="this is UTF-16"):
        read_texts(path)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(MARK + LINE.encode()))
    assert [values["text"] for _, values in read_json_lines(path, "manifest")] == ["yes no"]


def test_a_mark_is_in_no_model(tmp_path):
    """Neither a language model nor an alignment sees the mark."""
    text = tmp_path / "a.txt"
    text.write_bytes(MARK + b"yes no\n")
    done = run("lm", "build", text, "-o", tmp_path / "lm.arpa")
    assert done.returncode == 0, done.stderr
    assert "\ufeff" not in (tmp_path / "lm.arpa").read_text("utf-8")


def test_only_the_first_mark_is_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(MARK + b"yes" + MARK + b"\n")
    assert read_text(path, "text") == "yes\ufeff\n"
    path.write_bytes(b"")
    assert (read_text(path, "text"), read_lines(path, "text")) == ("", [])
