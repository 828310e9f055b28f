"""All text files are read alike: marks of byte order, line ends, and other encodings."""

import gzip
import json
import os

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT

from asr.config import from_mapping, read_values
from asr.data.formats.jsonl import read_json_lines
from asr.data.formats.kaldi import read_kaldi
from asr.data.formats.tables import read_table
from asr.data.manifest import read_manifest
from asr.data.texts import read_texts
from asr.decoding.lexicon import read_lexicon
from asr.errors import AsrError, ConfigError, DataError
from asr.files import read_lines, read_text
from asr.training.config import Config
from asr.training.preparation import prepare

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


def test_marks_of_files_that_were_joined(tmp_path):
    """The mark of each of them is taken off, not the first one alone."""
    path = tmp_path / "a.txt"
    path.write_bytes(MARK + MARK + b"yes\r\n" + MARK + b"no\n\n" + MARK + b"stop")
    assert read_lines(path, "text") == ["yes", "no", "", "stop"]


def test_a_mark_within_a_line_is_none(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(MARK + b"yes" + MARK + b"\n")
    assert read_text(path, "text") == "yes\ufeff\n"
    path.write_bytes(b"")
    assert (read_text(path, "text"), read_lines(path, "text")) == ("", [])


HALF = LINE.replace("yes no", "four \\ud83d")


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "validate", "m.jsonl"),
        ("data", "stats", "m.jsonl"),
        ("data", "import", "nemo", "m.jsonl", "-o", "out.jsonl"),
        ("data", "export", "csv", "m.jsonl", "-o", "out.csv"),
        ("lm", "build", "m.jsonl", "-o", "lm.arpa"),
        ("score", "m.jsonl", "m.jsonl"),
        ("evaluate", "--manifest", "m.jsonl"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_half_characters_are_refused_at_the_start(arguments, tmp_path):
    """A lone surrogate, which JSON can hold and no file can, is an error of one line."""
    (tmp_path / "m.jsonl").write_text(LINE + HALF)
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    done = run(*arguments, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    said = (done.stdout + done.stderr).splitlines()
    lines = [line for line in said if "\\ud83d, a lone surrogate" in line]
    assert done.returncode == 1 and len(lines) == 1 and "m.jsonl:2" in lines[0]
    assert "Traceback" not in done.stderr


def test_half_characters_are_refused_before_training(tmp_path):
    (tmp_path / "m.jsonl").write_text(LINE + HALF)
    files = [str(tmp_path / "m.jsonl")]
    config = from_mapping(Config, {"name": "x", "data": {"train": files, "dev": files}})
    with pytest.raises(DataError, match=r"m\.jsonl:2: .*a lone surrogate"):
        prepare(config, tmp_path / "skipped.jsonl")


def test_half_characters_of_other_texts(tmp_path):
    (tmp_path / "c.toml").write_text('name = "a\\ud83d"\n')
    with pytest.raises(ConfigError, match=r"c\.toml is not valid TOML"):
        read_values(tmp_path / "c.toml")
    (tmp_path / "t.txt").write_bytes(b"yes \xed\xa0\xbd\n")
    for read in (read_texts, read_lexicon):
        with pytest.raises(DataError, match="UTF-8 text, this is not"):
            read(tmp_path / "t.txt")


def test_a_name_that_is_no_text_is_kept(tmp_path):
    """In names of files, halves of characters stand for bytes that are not UTF-8."""
    (tmp_path / "m.jsonl").write_text(LINE.replace("a.wav", "caf\\udce9.wav"))
    (item,) = read_manifest(tmp_path / "m.jsonl")
    assert os.fsencode(item.audio.name) == b"caf\xe9.wav"
