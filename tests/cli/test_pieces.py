"""Manifests that list pieces of recordings, through all commands that read manifests."""

import json

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT
from fuzz_audio import encode, encode_with_ffmpeg
from miniatures import SMALL

from asr.audio.read import read_audio
from asr.training.config import load_config
from asr.training.fit import fit

RATE = 16000
NAMES = ["flite-slt-control-digits", "flite-rms-short-answer", "flite-slt-spelled-name"]
TEXTS = [(ROOT / f"samples/{name}.txt").read_text().strip() for name in NAMES]
SILENCE = np.zeros(RATE // 2, np.float32)


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A folder with one recording of three utterances in four formats, and a manifest of each that
    lists the utterances, the last one first."""
    folder = tmp_path_factory.mktemp("talk")
    parts, places, begin = [SILENCE], [], len(SILENCE)
    for name in NAMES:
        samples, _ = soundfile.read(ROOT / f"samples/{name}.wav", dtype="float32")
        parts += [samples, SILENCE]
        places.append((begin / RATE, len(samples) / RATE))
        begin += len(samples) + len(SILENCE)
    sound = np.concatenate(parts)
    files = {
        "talk.wav": encode(sound, format="WAV"),
        "talk.flac": encode(sound, format="FLAC"),
        "talk.mp3": encode(sound, format="MP3"),
        "talk.m4a": encode_with_ffmpeg(sound, "ipod", "aac"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
        lines = [
            {"audio_filepath": name, "offset": offset, "duration": duration, "text": text}
            for (offset, duration), text in reversed(list(zip(places, TEXTS, strict=True)))
        ]
        lines[0]["id"] = "spelled"
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)
    return folder


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a"])
def test_transcribe_score_and_evaluate(talk, tmp_path, suffix):
    """The words of each piece come out under its id, and are scored by it."""
    manifest = talk / f"talk.{suffix}.jsonl"
    done = run("transcribe", manifest, "--verbatim")
    assert done.stderr == ""
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    ids = [line[0] for line in lines]
    assert ids[0] == "spelled" and len(set(ids)) == 3
    assert all(id.startswith("talk-") for id in ids[1:])
    assert [line[1] for line in lines] == TEXTS[::-1]
    (tmp_path / "out.json").write_text(run("transcribe", "-f", "json", manifest).stdout)
    scored = run("score", manifest, tmp_path / "out.json")
    assert scored.stdout.startswith("WER  0.00 % [0 / 14"), scored.stdout + scored.stderr
    values = [json.loads(line) for line in (tmp_path / "out.json").read_text().splitlines()]
    given = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [value["id"] for value in values] == ids
    assert [value["offset"] for value in values] == [line["offset"] for line in given]
    evaluated = run("evaluate", "--manifest", manifest, "-o", tmp_path / "report")
    assert evaluated.stdout.startswith("WER  0.00 % [0 / 14"), evaluated.stdout + evaluated.stderr
    results = json.loads((tmp_path / "report/results.json").read_text())
    assert [item["offset"] for item in results["utterances"]] == [line["offset"] for line in given]
    for number, line in enumerate(given, start=1):
        played = read_audio(tmp_path / f"report/audio/{number}.wav", RATE)
        assert abs(played.duration - line["duration"]) < 1e-3


def test_ctm(talk, tmp_path):
    """The pieces of a recording are recordings of their own in a ctm file."""
    manifest = talk / "talk.flac.jsonl"
    (tmp_path / "out.ctm").write_text(run("transcribe", "-f", "ctm", manifest).stdout)
    scored = run("score", manifest, tmp_path / "out.ctm")
    assert scored.stdout.startswith("WER  0.00 % [0 / 14"), scored.stdout + scored.stderr


def test_each_piece_has_a_file_in_a_folder(talk, tmp_path):
    manifest = talk / "talk.mp3.jsonl"
    assert (
        run("transcribe", manifest, "-o", tmp_path / "out", "-f", "all", "--verbatim").returncode
        == 0
    )
    texts = {path.stem: path.read_text().strip() for path in (tmp_path / "out").glob("*.txt")}
    assert list(texts.values()).count("") == 0 and sorted(texts.values()) == sorted(TEXTS)
    assert texts["spelled"] == TEXTS[2]
    again = run("transcribe", manifest, "-o", tmp_path / "out", "-f", "all", "--skip-existing")
    assert again.returncode == 0 and again.stdout == ""


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a"])
def test_validate_and_stats(talk, tmp_path, suffix):
    """A piece that does not lie in its recording is found; measures are those of the pieces."""
    manifest = talk / f"talk.{suffix}.jsonl"
    for options in ((), ("--decode",)):
        done = run("data", "validate", manifest, *options)
        assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    lines[1]["duration"] += 60
    lines[2]["offset"] += 60
    for line in lines:
        line["audio_filepath"] = str(talk / line["audio_filepath"])
    bad = tmp_path / "bad.jsonl"
    bad.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("data", "validate", bad)
    assert done.returncode == 1
    assert "bad.jsonl:2: talk-" in done.stdout and "bad.jsonl:3: talk-" in done.stdout
    assert done.stdout.count("of this piece") == 2 and "bad.jsonl:1:" not in done.stdout
    stats = run("data", "stats", manifest)
    assert stats.returncode == 0
    levels = next(line for line in stats.stdout.splitlines() if "-14.0" in line)
    assert levels.split() == [
        f"talk.{suffix}",
        *"-14.0 -14.0 -14.0 -14.0 -13.5 -13.1 -13.0".split(),
    ]


def test_import_cuts_pieces(talk, tmp_path):
    """Clips of a piece are cut where asked, out of FFmpeg's formats too."""
    for suffix in ("mp3", "m4a"):
        manifest = talk / f"talk.{suffix}.jsonl"
        done = run("data", "import", "nemo", manifest, "-o", tmp_path / f"{suffix}.jsonl")
        assert done.returncode == 0, done.stderr
        evaluated = run("evaluate", "--manifest", tmp_path / f"{suffix}.jsonl")
        assert evaluated.stdout.startswith("WER  0.00 %"), evaluated.stdout + evaluated.stderr


def test_train_on_pieces(talk, tmp_path):
    """A training keeps the samples of each piece in its cache, and skips none."""
    manifest = json.dumps([str(talk / "talk.mp3.jsonl")])
    settings = [f"data.train={manifest}", f"data.dev={manifest}", *SMALL]
    settings += [f"data.cache={tmp_path / 'cache'}"]
    (tmp_path / "config.toml").write_text("")
    fit(load_config(tmp_path / "config.toml", settings), folder=tmp_path / "run")
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 3
    assert (tmp_path / "run/skipped.jsonl").read_text() == ""
