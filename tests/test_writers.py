import json
from pathlib import Path

import pytest

from asr.errors import OutputError
from asr.transcriber import Transcript
from asr.words import Word
from asr.writers import WRITERS, output_paths

TRANSCRIPT = Transcript(
    "go on", (Word("go", 0.04, 0.2, 0.91239), Word("on", 0.24, 1 / 3, 1.0)), 0.5, "abc", ("quiet",)
)


def test_txt():
    assert WRITERS["txt"]("a.wav", TRANSCRIPT) == "go on\n"


def test_json():
    text = WRITERS["json"]("d/a.wav", TRANSCRIPT)
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "audio": "d/a.wav",
        "text": "go on",
        "words": [
            {"word": "go", "start": 0.04, "end": 0.2, "confidence": 0.9124},
            {"word": "on", "start": 0.24, "end": 0.333, "confidence": 1.0},
        ],
        "duration": 0.5,
        "model": "abc",
        "warnings": ["quiet"],
    }


def test_output_paths():
    assert output_paths(["x/a.wav", "-"], "out", ["txt", "json"]) == [
        [Path("out/a.txt"), Path("out/a.json")],
        [Path("out/stdin.txt"), Path("out/stdin.json")],
    ]


def test_two_inputs_claim_one_output():
    with pytest.raises(OutputError, match=r"x/a\.wav and y/a\.flac would both be written to"):
        output_paths(["x/a.wav", "y/a.flac"], "out", ["txt"])


def test_an_output_never_replaces_an_input():
    with pytest.raises(OutputError, match="is an input"):
        output_paths(["a.txt"], ".", ["txt"])
