"""Workers recognise, and recordings that end them are set aside by themselves."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT

from asr.bulk.helpers import compute, try_once
from asr.bulk.options import Limits, Options
from asr.bulk.shipping import Shipped
from asr.bulk.worker import Recogniser, Worker
from asr.errors import ModelError

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


def request(index, path, **more):
    """Return a row as a worker gets it."""
    values = {"index": index, "audio": str(path), "place": str(path), "id": None, "offset": None}
    return {**values, "duration": None, "begin": None, "size": None, **more}


def make(options=None, seconds=60.0):
    """Return a recogniser whose workers have these options."""
    options = options or Options(limits=Limits(cpus=1))
    return Recogniser(lambda: Worker(options.of_worker(), seconds))


def test_a_worker_writes_what_the_command_writes(tmp_path):
    data = b"x" * 7 + SAMPLES[1].read_bytes() + b"x"
    (tmp_path / "archive").write_bytes(data)
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    rows = [
        request(0, SAMPLES[0], id="one"),
        request(1, tmp_path / "bad.wav"),
        request(2, "there/two.wav", place=str(tmp_path / "archive"), begin=7, size=len(data) - 8),
        request(3, SAMPLES[0], id="three", offset=0.5, duration=1.0),
        request(4, tmp_path / "none.wav"),
    ]
    recogniser = make(Options(formats=("srt",), limits=Limits(cpus=1)))
    results = recogniser.recognise(rows)
    again = recogniser.recognise(rows[:1])
    recogniser.close()
    assert [result.error for result in results] == [
        None,
        run("transcribe", tmp_path / "bad.wav").stderr.removeprefix("error: ").rstrip("\n"),
        None,
        None,
        f"{tmp_path}/none.wav: no such file",
    ]
    assert again[0] == results[0]
    (expected,) = run("transcribe", "-f", "json", SAMPLES[1]).stdout.splitlines()
    expected = expected.replace(str(SAMPLES[1]), "there/two.wav")
    assert results[2].texts["json"] == expected + "\n"
    assert results[2].texts["srt"] == run("transcribe", "-f", "srt", SAMPLES[1]).stdout
    piece = json.loads(results[3].texts["json"])
    assert (piece["id"], piece["offset"], piece["duration"]) == ("three", 0.5, 1.0)


def test_recordings_that_end_their_worker_are_set_aside_alone(tmp_path):
    names = ["one", "crash", "two", "hungry", "endless", "three"]
    paths = [tmp_path / f"{name}.wav" for name in names]
    for path, sample in zip(paths, SAMPLES, strict=False):
        shutil.copy(sample, path)
    limits = Limits(cpus=1, memory=1024)
    recogniser = make(Options(loader="poisoned:load", limits=limits), seconds=3)
    heard = []
    results = recogniser.recognise(
        [request(index, path) for index, path in enumerate(paths)], heard.append
    )
    recogniser.close()
    errors = {path.stem: result.error for path, result in zip(paths, results, strict=True)}
    assert errors == {
        "one": None,
        "two": None,
        "three": None,
        "crash": f"{paths[1]}: set aside, its worker was ended by SIGSEGV",
        "hungry": f"{paths[3]}: set aside, it takes more memory than a worker may have",
        "endless": f"{paths[4]}: set aside, nothing came of it for 3 s",
    }
    assert len(heard) == 6


def test_a_model_that_cannot_be_used_is_no_fault_of_recordings(tmp_path):
    with pytest.raises(ModelError, match=r"model\.json"):
        make(Options(model=tmp_path)).recognise([request(0, SAMPLES[0])])


def test_others_compute_windows_of_long_recordings(tmp_path):
    """The text and the times are those of one machine, whoever answers and when."""
    samples = np.concatenate([soundfile.read(sample)[0] for sample in SAMPLES])
    soundfile.write(tmp_path / "long.flac", np.tile(samples, 20)[: 16000 * 400], 16000)
    options = Options(limits=Limits(cpus=1))
    asked, taken_back = [], []

    def help(header, payload, answer):
        ticket = header["ticket"]
        asked.append(ticket)
        if ticket % 3 == 1:  # somebody has time
            answer(compute(Shipped(options, ""), header["frames"], payload))
        elif ticket % 3 == 2:  # somebody is lost
            answer(b"")
        return lambda: taken_back.append(ticket)

    rows = [request(0, tmp_path / "long.flac")]
    texts = []
    for one in (None, help):
        worker = Worker(options.of_worker(), 60.0, one)
        ((_, result),) = worker.recognise(rows)
        worker.close()
        texts.append(json.loads(result.texts["json"]))
    assert len(asked) >= 2 and sorted(taken_back) == sorted(asked)
    first, second = texts
    assert [word["word"] for word in first["words"]] == [word["word"] for word in second["words"]]
    assert first == second


def test_a_try_with_a_new_worker(tmp_path):
    shutil.copy(SAMPLES[0], tmp_path / "crash.wav")
    options = Options(loader="poisoned:load", limits=Limits(cpus=1))
    assert try_once(Shipped(options, ""), request(0, SAMPLES[0])).error is None
    lost = try_once(Shipped(options, ""), request(0, tmp_path / "crash.wav"))
    assert lost == "its worker was ended by SIGSEGV"
