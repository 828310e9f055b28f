"""``asr data validate`` on manifests and audio that are broken in each way."""

import json
import os
import pty
import subprocess

import numpy as np
import pytest
import soundfile
from commands import COMMAND, run
from conftest import ROOT, noise
from fuzz_audio import encode, sphere
from manifests import GOOD, write

from asr.audio.probe import Probe, decode, probe
from asr.data.manifest import Problem
from asr.data.validation import count_kinds, to_json_lines, validate
from asr.text import Vocabulary

LETTERS = Vocabulary.from_characters(" abcdefghijklmnopqrstuvwxyz")
HALF_HOUR = 1800.0


def frames(seconds):
    """Return the number of frames of so many seconds, 25 a second."""
    return int(seconds * 25)


@pytest.mark.parametrize("decoded", [False, True], ids=["headers", "decoded"])
def test_validate_finds_every_kind_of_problem(tmp_path, decoded):
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    (tmp_path / "bad.wav").write_text("no audio")
    (tmp_path / "cut.wav").write_bytes((tmp_path / "a.wav").read_bytes()[: 44 + 16000])
    path = write(
        tmp_path,
        GOOD,
        GOOD | {"id": "long", "duration": 2.0},
        GOOD | {"id": "bad", "audio_filepath": "bad.wav"},
        GOOD | {"id": "odd", "text": "caf\u00e9 7"},
        GOOD | {"id": "fast", "text": "yes " * 20},
        GOOD | {"id": "cut", "audio_filepath": "cut.wav"},
        GOOD | {"id": "none", "audio_filepath": "none.wav"},
        GOOD,
        [1],
        GOOD | {"id": "x", "duration": "1"},
        GOOD | {"id": "near", "duration": 1.049},
    )
    with open(path, "a") as file:
        file.write("{broken\n")
    found = validate(path, LETTERS, frames, decoded)
    assert [item.id for item in found.utterances] == [
        "a", "long", "bad", "odd", "fast", "cut", "none", "a", "near"
    ]  # fmt: skip
    assert [(problem.line, problem.kind, problem.id) for problem in found.problems] == [
        (2, "duration", "long"),
        (3, "audio", "bad"),
        (4, "characters", "odd"),
        (5, "length", "fast"),
        (6, "truncated", "cut"),
        (6, "duration", "cut"),
        (7, "audio", "none"),
        (8, "id", "a"),
        (9, "line", None),
        (10, "line", None),
        (12, "line", None),
    ]
    cut = tmp_path / "cut.wav"
    assert [str(problem).removeprefix(f"{path}:") for problem in found.problems] == [
        "2: long: duration is 2.000 s here, the audio has 1.000 s",
        f"3: bad: {tmp_path / 'bad.wav'}: not readable as audio (unknown format); FFmpeg cannot "
        "read it: Invalid data found when processing input",
        "4: odd: characters '7' '\u00e9' outside the vocabulary",
        "5: fast: 79 characters do not fit in 1.000 s of audio",
        f"6: cut: {cut}: the header promises 1.0 s, the file holds 0.5 s: truncated?",
        "6: cut: duration is 1.000 s here, the audio has 0.500 s",
        f"7: none: {tmp_path / 'none.wav'}: no such file",
        "8: a: its id is already in line 1; give each utterance an id of its own",
        "9: needs a JSON object, got list",
        "10: 'duration' needs float, got '1'",
        "12: not JSON (Expecting property name enclosed in double quotes at column 2)",
    ]
    assert found.formats == {(16000, 1): 7}
    assert found.summary == f"{path}: 9 utterances, 0.17 min, 7 at 16000 Hz, 11 problems"


def test_line_numbers_count_blank_lines(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text("\n\n" + json.dumps(GOOD))
    (problem,) = validate(path).problems
    assert problem.line == 3


def test_many_files_keep_their_order_and_are_counted(tmp_path):
    for number in range(100):
        soundfile.write(tmp_path / f"{number}.wav", noise(160 * (number + 1)), 16000)
    items = [
        GOOD | {"id": str(number), "audio_filepath": f"{number}.wav", "duration": number / 100}
        for number in range(100)
    ]
    reached = []
    found = validate(write(tmp_path, *items), progress=lambda *now: reached.append(now))
    assert found.problems == []  # The durations are 10 ms off, which is tolerated.
    assert reached == [(32, 100), (64, 100), (96, 100), (100, 100)]
    items[70]["duration"] = 9.0
    (problem,) = validate(write(tmp_path, *items)).problems
    assert (problem.line, problem.id) == (71, "70")


CONTAINERS = {
    "wav": lambda samples: encode(samples, format="WAV", subtype="PCM_16"),
    "rf64": lambda samples: encode(samples, format="RF64", subtype="PCM_24"),
    "aiff": lambda samples: encode(samples, format="AIFF", subtype="PCM_16"),
    "au": lambda samples: encode(samples, format="AU", subtype="FLOAT"),
    "sphere": sphere,
    "adpcm": lambda samples: encode(samples, format="WAV", subtype="IMA_ADPCM"),
    "flac": lambda samples: encode(samples, format="FLAC"),
    "mp3": lambda samples: encode(samples, format="MP3"),
    "vorbis": lambda samples: encode(samples, format="OGG", subtype="VORBIS"),
    "opus": lambda samples: encode(samples, format="OGG", subtype="OPUS"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_headers_tell_what_decoding_gives(tmp_path, name):
    path = tmp_path / "x"
    path.write_bytes(CONTAINERS[name](noise(40_000)))
    found, truth = probe(path, HALF_HOUR), decode(path, HALF_HOUR)
    assert (found.rate, found.channels, found.warnings) == (16000, 1, ())
    assert (truth.rate, truth.channels, truth.warnings) == (16000, 1, ())
    # A last compressed block is filled up.
    assert abs(found.duration - 2.5) < 0.05 and abs(truth.duration - found.duration) < 0.04


@pytest.mark.parametrize("name", ["wav", "rf64", "aiff", "au", "sphere"])
def test_plain_samples_that_are_cut_off(tmp_path, name):
    """Header and decoder agree on uncompressed files that are cut off."""
    path = tmp_path / "x"
    data = CONTAINERS[name](noise(40_000))
    path.write_bytes(data[: len(data) * 3 // 4])
    found, truth = probe(path, HALF_HOUR), decode(path, HALF_HOUR)
    assert found == truth and len(found.warnings) == 1
    assert 1.8 < found.duration < 1.9


def test_channels_and_rate(tmp_path):
    """Several channels are reported with the sample rate."""
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros((2000, 3)), 8000)
    assert probe(path, HALF_HOUR) == decode(path, HALF_HOUR) == Probe(0.25, 8000, 3)
    found = validate(write(tmp_path, GOOD | {"audio_filepath": "x.wav", "duration": 0.25}))
    assert found.summary.endswith("0.00 min, 1 at 8000 Hz with 3 channels, 0 problems")


def test_ogg_without_its_end(tmp_path):
    """An Ogg file without its last page is reported as truncated."""
    path = tmp_path / "x.ogg"
    data = CONTAINERS["vorbis"](noise(160_000))
    path.write_bytes(data[: len(data) // 2])
    assert probe(path, HALF_HOUR).warnings == ("the last page is missing: truncated?",)


def test_a_header_that_leaves_its_length_open(tmp_path):
    """A header that leaves its length open means all bytes of the file."""
    path = tmp_path / "x.wav"
    data = bytearray(CONTAINERS["wav"](noise(8000)))
    data[40:44] = b"\xff" * 4
    path.write_bytes(data)
    assert probe(path, HALF_HOUR) == Probe(0.5, 16000, 1)


@pytest.mark.parametrize("decoded", [False, True])
def test_the_end_of_flac_is_missed_in_both_ways(tmp_path, decoded):
    data = CONTAINERS["flac"](noise(16000))
    (tmp_path / "a.wav").write_bytes(data[: len(data) // 2])
    found = validate(write(tmp_path, GOOD), decoded=decoded)
    assert [problem.kind for problem in found.problems] == ["truncated", "duration"]


@pytest.mark.parametrize("decoded", [False, True])
def test_half_an_hour_at_most(tmp_path, decoded):
    """Recordings longer than 30 minutes are a problem."""
    soundfile.write(tmp_path / "a.wav", np.zeros(2000 * 1801, np.int16), 2000)
    (problem,) = validate(write(tmp_path, GOOD | {"duration": 1801}), decoded=decoded).problems
    assert problem.kind == "audio" and "longer than 30 minutes" in problem.message


def test_lists_for_machines_and_people(tmp_path):
    """Problems are written as lines of JSON, and counted by kind and manifest."""
    one, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    problems = [
        Problem(one, 3, "audio", "no such file", "caf\u00e9"),
        Problem(one, 4, "line", "not JSON"),
        Problem(other, 1, "line", "not JSON"),
    ]
    assert [json.loads(line) for line in to_json_lines(problems).splitlines()] == [
        {
            "path": str(one),
            "line": 3,
            "id": "caf\u00e9",
            "kind": "audio",
            "message": "no such file",
        },
        {"path": str(one), "line": 4, "id": None, "kind": "line", "message": "not JSON"},
        {"path": str(other), "line": 1, "id": None, "kind": "line", "message": "not JSON"},
    ]
    assert count_kinds(problems) == [
        f"line: 2 (1 in {one}, 1 in {other})",
        f"audio: 1 (1 in {one})",
    ]
    assert to_json_lines([]) == "" and count_kinds([]) == []


def test_command(tmp_path):
    """The command reports the problems, and what manifests share, as text and as JSON."""
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    soundfile.write(tmp_path / "b.wav", noise(16000), 16000)
    path = write(tmp_path, GOOD | {"speaker": "ann"})
    other = tmp_path / "other.jsonl"
    items = [
        GOOD | {"audio_filepath": "b.wav", "speaker": "ann", "text": "yes!"},
        GOOD | {"audio_filepath": "c.wav", "speaker": "bob", "id": "c"},
    ]
    other.write_text("".join(json.dumps(item) + "\n" for item in items))
    model = ("--model", ROOT / "asr/models/default")
    done = run("data", "validate", path, *model, "--decode", "--json", tmp_path / "found.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{path}: 1 utterance, 0.02 min, 1 at 16000 Hz, 0 problems\n"
    assert (tmp_path / "found.jsonl").read_text() == ""
    done = run("data", "validate", path, other, *model, "--json", tmp_path / "found.jsonl")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{other}:1: a: characters '!' outside the vocabulary",
        f"{other}:2: c: {tmp_path / 'c.wav'}: no such file",
    ]
    assert done.stderr.splitlines()[2:] == [
        f"{path} also holds 1 speaker, 1 of 2 texts, 1 of 2 recordings of {other}",
        f"characters: 1 (1 in {other})",
        f"audio: 1 (1 in {other})",
    ]
    found = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [(item["line"], item["id"], item["kind"]) for item in found] == [
        (1, "a", "characters"),
        (2, "c", "audio"),
    ]


def test_a_terminal_gets_the_first_problems(tmp_path):
    """A terminal gets the first 50 problems, and a file all of them."""
    path = tmp_path / "m.jsonl"
    path.write_text("[]\n" * 60)
    assert len(run("data", "validate", path).stdout.splitlines()) == 60
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "data", "validate", path], stdout=theirs, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 1 << 16):
            said += piece
    except OSError:  # The other end is closed.
        pass
    os.close(ours)
    assert process.wait() == 1
    lines = said.decode().splitlines()
    assert len(lines) == 51
    assert lines[-1] == "… and 10 more, which --json FILE would list"
