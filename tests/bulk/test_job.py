"""Jobs on a cluster of Ray give what ``asr transcribe`` gives, each recording once."""

import io
import json
import os
import shutil
import sys
import tarfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from commands import run
from conftest import ROOT
from object_store import SETTINGS, s3_server

import asr.bulk
from asr.bulk.job import Job, connect
from asr.bulk.options import Limits, Options
from asr.bulk.parts import Destination
from asr.bulk.shipping import ship
from asr.errors import AsrError, DataError

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
OPTIONS = Options()


@pytest.fixture(scope="module")
def store():
    """An S3 server that refuses every tenth request, and its application."""
    with s3_server(every=10) as (url, application):
        yield url, application


@pytest.fixture(scope="module", autouse=True)
def cluster(store):
    """A cluster of one machine, which all jobs of these tests use."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": store[0]}.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tests"), *filter(None, sys.path)]))
        connect(None)
        yield
        ray.shutdown()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A folder with short recordings, a long one, one that is not usable, and a file beside."""
    folder = tmp_path_factory.mktemp("archive")
    for number, sample in enumerate(SAMPLES):
        place = folder / ("a" if number % 2 else "b")
        place.mkdir(exist_ok=True)
        shutil.copy(sample, place)
    samples = np.concatenate([soundfile.read(sample)[0] for sample in SAMPLES])
    soundfile.write(folder / "long.flac", np.tile(samples, 5)[: 16000 * 95], 16000)
    (folder / "bad.wav").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("beside")
    return folder


def lines(folder, below="."):
    """Return the rows of all parts of a destination by their keys, each of which stands there
    once."""
    rows = {}
    for path in sorted((folder / below).glob("part-*")):
        for line in path.read_text().splitlines():
            values = json.loads(line)
            key = values.get("id") or values["audio"]
            assert key not in rows
            rows[key] = line
    return rows


def do(source, destination, options=OPTIONS, **more):
    """Run a job, and return what it says."""
    return Job(str(source), str(destination), options, **more).run(lambda progress: None)


def test_the_same_as_the_command_and_once(archive, tmp_path):
    options = Options(formats=("srt", "txt"))
    progress, before = do(archive, tmp_path / "out", options, format="jsonl")
    assert (progress.done, progress.failed, before) == (10, 1, 0)
    assert progress.hours == pytest.approx((95 + 22.96) / 3600, abs=1 / 3600)
    done = run("transcribe", "-f", "json", archive)
    expected = {json.loads(line)["audio"]: line for line in done.stdout.splitlines()}
    assert lines(tmp_path / "out") == expected and len(expected) == 9
    (failed,) = [json.loads(line) for line in lines(tmp_path / "out", "errors").values()]
    assert failed["audio"] == str(archive / "bad.wav")
    assert f"error: {failed['error']}" in done.stderr.splitlines()
    run("transcribe", "-f", "srt", archive, "-o", tmp_path / "srt")
    for path in (tmp_path / "srt").rglob("*.srt"):
        name = path.relative_to(tmp_path / "srt")
        assert (tmp_path / "out" / "srt" / name).read_bytes() == path.read_bytes()
    # A second call does what is new alone; with another option it refuses.
    shutil.copy(SAMPLES[0], archive / "new.wav")
    with suppress_removed(archive / "new.wav"):
        progress, before = do(archive, tmp_path / "out", options, format="jsonl")
        assert (progress.done, before) == (1, 10)
        assert set(lines(tmp_path / "out")) == {*expected, str(archive / "new.wav")}
    with pytest.raises(DataError, match="holds transcripts with display True, this"):
        do(
            archive,
            tmp_path / "out",
            Options(display=False, formats=("srt", "txt")),
            format="jsonl",
        )
    progress, _ = do(archive, tmp_path / "out", options, format="jsonl", retry_failed=True)
    assert (progress.done, progress.failed) == (1, 1)


class suppress_removed:
    """A context at whose end a file is removed."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        with suppress(FileNotFoundError):
            self.path.unlink()


def test_poison_alone_is_set_aside(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, sample in zip(("one", "crash", "two", "three"), SAMPLES, strict=False):
        shutil.copy(sample, folder / f"{name}.wav")
    options = Options(loader="poisoned:load", limits=Limits(memory=1024))
    progress, _ = do(folder, tmp_path / "out", options, format="jsonl")
    assert (progress.done, progress.failed) == (4, 1)
    assert set(lines(tmp_path / "out", "errors")) == {str(folder / "crash.wav")}
    with pytest.raises(DataError, match=r"1 recording could not be .* more than --max-failed 0"):
        do(folder, tmp_path / "out", options, format="jsonl", retry_failed=True, max_failed=0)


def test_tables_and_archives_keep_their_columns(tmp_path):
    table = pa.table(
        {
            "path": [os.path.relpath(sample, tmp_path) for sample in SAMPLES[:4]],
            "text": ["a", "b", None, "d"],
            "when": pa.array([1, 2, 3, 4], pa.timestamp("s")),
        }
    )
    pq.write_table(table, tmp_path / "list.parquet")
    progress, _ = do(tmp_path / "list.parquet", tmp_path / "one")
    assert (progress.done, progress.rows, progress.failed) == (4, 4, 0)
    found = pq.read_table(tmp_path / "one", filters=None).to_pylist()
    by_text = {row["input_text"]: row for row in found}
    expected = json.loads(run("transcribe", "-f", "json", SAMPLES[1]).stdout)
    assert by_text["b"]["words"] == expected["words"]
    assert by_text["b"]["text"] == expected["text"] and by_text["b"]["when"].second == 2
    assert by_text["b"]["id"] is None and by_text["b"]["audio"] == table["path"][1].as_py()

    with tarfile.open(tmp_path / "shard-0.tar", "w") as shard:
        for sample in SAMPLES[:3]:
            shard.add(sample, f"x/{sample.name}")
            about = json.dumps({"speaker": sample.stem}).encode()
            entry = tarfile.TarInfo(f"x/{sample.stem}.json")
            entry.size = len(about)
            shard.addfile(entry, io.BytesIO(about))
    do(tmp_path / "shard-0.tar", tmp_path / "two", Options(formats=("vtt",)), format="jsonl")
    rows = [json.loads(line) for line in lines(tmp_path / "two").values()]
    assert {row["speaker"] for row in rows} == {sample.stem for sample in SAMPLES[:3]}
    assert {row["audio"] for row in rows} == {
        f"{tmp_path}/shard-0.tar/x/{sample.name}" for sample in SAMPLES[:3]
    }
    assert len(list((tmp_path / "two" / "vtt" / "shard-0").iterdir())) == 3


def test_manifests_with_pieces(tmp_path):
    manifest = tmp_path / "m.jsonl"
    shutil.copy(SAMPLES[0], tmp_path / "talk.wav")
    pieces = [{"audio_filepath": "talk.wav", "offset": x, "duration": 1.0} for x in (0.0, 1.25)]
    whole = {"audio_filepath": "talk.wav", "id": "whole", "speaker": "ann", "text": "said"}
    manifest.write_text("".join(json.dumps(item) + "\n" for item in [*pieces, whole]))
    do(manifest, tmp_path / "out", format="jsonl")
    done = run("transcribe", "-f", "json", manifest)
    expected = {json.loads(line)["id"]: json.loads(line) for line in done.stdout.splitlines()}
    found = {key: json.loads(line) for key, line in lines(tmp_path / "out").items()}
    own = {"input_text": "said", "speaker": "ann"}
    assert {key: found["whole"].pop(key) for key in own} == own
    extra = {"input_text", "speaker"}
    assert {
        id: {key: value for key, value in row.items() if key not in extra}
        for id, row in found.items()
    } == expected


def test_a_dataset_in_and_out():
    import ray

    dataset = ray.data.from_items(
        [
            {"path": str(SAMPLES[0]), "speaker": "ann"},
            {"path": "none.wav", "speaker": "bob"},
        ]
    )
    rows = asr.bulk.transcribe(dataset).map(lambda row: row | {"heard": row["duration"]}).take_all()
    by_speaker = {row["speaker"]: row for row in rows}
    expected = json.loads(run("transcribe", "-f", "json", SAMPLES[0]).stdout)
    assert by_speaker["ann"]["text"] == expected["text"] and by_speaker["ann"]["error"] is None
    assert by_speaker["ann"]["heard"] == expected["duration"]
    assert by_speaker["bob"]["text"] is None and by_speaker["bob"]["error"].endswith("no such file")
    with pytest.raises(AsrError, match="unknown option beam; known here: model, device, display"):
        asr.bulk.transcribe(dataset, beam=4)
    with pytest.raises(Exception, match="none of which is speech"):
        asr.bulk.transcribe(dataset, path_column="speech").take_all()


def test_files_of_a_model_are_sent_to_other_machines(tmp_path):
    (tmp_path / "words.txt").write_text("yes\nno\n")
    search = {"decoder": "beam", "lexicon": str(tmp_path / "words.txt"), "lm": "none"}
    shipped = ship(Options(model=ROOT / "recipes/an4/model", search=search))
    assert shipped.here() is shipped.options
    there = replace(shipped, node="another").here()
    assert there.model.name == "model" and there.model != shipped.options.model
    for path in (ROOT / "recipes/an4/model").rglob("*.*"):
        copy = there.model / path.relative_to(ROOT / "recipes/an4/model")
        assert copy.read_bytes() == path.read_bytes()
    assert there.search["lexicon"] != search["lexicon"] and there.search["lm"] == "none"
    assert Path(there.search["lexicon"]).read_text() == "yes\nno\n"
    assert there.settings == search
    shutil.rmtree(there.model.parent)


def test_what_a_dead_run_leaves_behind(archive, tmp_path):
    """A part that another run writes at the last moment is taken out, and its worker stopped."""
    out = tmp_path / "out"
    do(archive / "a", out, format="jsonl")
    (part,) = out.glob("part-*")
    first = part.read_text().splitlines(keepends=True)
    (out / "part-0.jsonl").write_text("".join(first[:2]))
    progress, before = do(archive / "a", out, format="jsonl")
    assert (progress.done, before) == (0, len(first))
    assert len(lines(out)) == len(first)
    old = Destination(str(out), "jsonl", "another")
    with pytest.raises(AsrError, match="another run has begun"):
        old.write("0", None, [])


def test_a_store_that_fails_now_and_then(store, tmp_path):
    """Source and destination lie in S3, whose server refuses every tenth request."""
    import fsspec

    system = fsspec.filesystem("s3")
    system.mkdir("archive")
    system.mkdir("texts")
    for sample in SAMPLES:
        system.put_file(str(sample), f"archive/talks/{sample.name}")
    system.pipe_file("archive/talks/bad.wav", b"nothing")
    progress, before = do("s3://archive/talks", "s3://texts/one", format="jsonl")
    assert (progress.done, progress.failed, before) == (9, 1, 0)
    system.get("texts/one", str(tmp_path / "one"), recursive=True)
    found = lines(tmp_path / "one")
    for sample in SAMPLES[:2]:
        (line,) = run("transcribe", "-f", "json", sample).stdout.splitlines()
        name = f"s3://archive/talks/{sample.name}"
        assert found[name] == line.replace(str(sample), name)
    ((name, line),) = lines(tmp_path / "one", "errors").items()
    assert name == "s3://archive/talks/bad.wav" and json.loads(line)["error"].startswith(f"{name}:")
    progress, before = do("s3://archive/talks/", "s3://texts/one", format="jsonl")
    assert (progress.done, before) == (0, 9)
    assert store[1].refused >= 3
    with pytest.raises(DataError, match="s3://archive/none: no such file or folder"):
        do("s3://archive/none", "s3://texts/two")
