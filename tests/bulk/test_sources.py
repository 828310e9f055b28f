"""Sources give rows: names, places, pieces, and columns of their own."""

import io
import json
import os
import shutil
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

from asr.bulk.rows import AUDIO, BEGIN, DURATION, ID, OFFSET, PLACE, SIZE, STEM, digests, key_of
from asr.bulk.sources import read_source, to_recordings
from asr.bulk.units import units_of
from asr.errors import ConfigError, DataError

SAMPLE = ROOT / "samples/flite-rms-short-answer.wav"


def rows_of(source, column=None):
    """Return all rows of a source."""
    portions, _ = read_source(str(source), column)
    return [row for portion in portions for table in portion.tables() for row in table.to_pylist()]


def test_a_folder_with_odd_names(tmp_path):
    for name in ("a.wav", "a.mp3", "x/b.WAV", ".hidden.wav", "notes.txt", "caf\udce9.ogg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sound")
    rows = rows_of(tmp_path)
    names = [os.fsdecode(row[AUDIO]) for row in rows]
    expected = ("a.mp3", "a.wav", "caf\udce9.ogg", "x/b.WAV")
    assert names == [f"{tmp_path}/{name}" for name in expected]
    assert [row[PLACE] for row in rows] == [row[AUDIO] for row in rows]
    stems = [os.fsdecode(row[STEM]) for row in rows]
    assert stems == ["a.mp3", "a.wav", "caf\udce9", "x/b"]


def test_lines_with_a_column_of_paths(tmp_path):
    path = tmp_path / "list.jsonl"
    lines = [
        {"wav": "a.wav", "id": 7, "speaker": "ann", "duration": 2},
        {"wav": "s3://there/b.wav", "offset": 1, "duration": 2.5, "score": 0.5},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second = rows_of(path)
    assert (first[PLACE], first[ID], first["duration"]) == (os.fsencode(tmp_path / "a.wav"), "7", 2)
    assert (first["speaker"], first["score"], first[DURATION]) == ("ann", None, None)
    assert (second[PLACE], second[OFFSET], second[DURATION]) == (b"s3://there/b.wav", 1.0, 2.5)
    assert second[ID] == "s3://there/b-0001000-0003500"
    path.write_text('{"wav": "a.wav"}\n{"sound": "b.wav"}\n')
    with pytest.raises(DataError, match=r"list\.jsonl:2: the table has the columns sound, none of"):
        rows_of(path)
    path.write_text("[1]\n")
    with pytest.raises(DataError, match=r"list\.jsonl:1: needs a JSON object, got list"):
        rows_of(path)


def test_tables(tmp_path):
    table = pa.table({"sound": ["a.wav", None], "n": [1, 2]})
    with pytest.raises(DataError, match="a row has nothing in its column 'sound'"):
        to_recordings(table, "sound", "/data")
    content = pa.table({"bytes": [b"RIFF"], "id": ["one"]})
    (row,) = to_recordings(content, None, "/data").to_pylist()
    assert (row["asr:bytes"], row[ID]) == (b"RIFF", "one")
    with pytest.raises(DataError, match="no 'id' to be known by"):
        to_recordings(content.drop_columns(["id"]), None, "/data")
    (tmp_path / "no.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"no\.parquet: not a table of Parquet"):
        read_source(str(tmp_path / "no.parquet"))
    pq.write_table(pa.table({"path": ["a.wav"] * 3}), tmp_path / "no.parquet")
    assert read_source(str(tmp_path / "no.parquet"))[1] == 3
    assert {row[PLACE] for row in rows_of(tmp_path)} == {os.fsencode(tmp_path / "a.wav")}


def test_archives(tmp_path):
    data = SAMPLE.read_bytes()
    with tarfile.open(tmp_path / "one.tar", "w") as archive:
        for name, content in {
            "x/a.txt": b"yes",
            "x/a.wav": data,
            "x/a.json": b'{"speaker": "ann", "asr:place": "/etc/passwd"}',
            "x/a.left.wav": data,
            "b.wav": data,
            "../c.wav": b"",
            "only.txt": b"no sound",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    first, left, second, third = rows_of(tmp_path / "one.tar")
    assert (first["txt"], first["speaker"], second["txt"]) == ("yes", "ann", None)
    assert left["speaker"] == "ann"
    assert left[AUDIO] == os.fsencode(f"{tmp_path}/one.tar/x/a.left.wav")
    assert {row[PLACE] for row in (first, left, second)} == {os.fsencode(tmp_path / "one.tar")}
    archive = (tmp_path / "one.tar").read_bytes()
    for row in (first, left, second):
        assert archive[row[BEGIN] : row[BEGIN] + row[SIZE]] == data
    assert first[AUDIO] == os.fsencode(f"{tmp_path}/one.tar/x/a.wav")
    assert (first[STEM], left[STEM]) == (b"one/x%2Fa", b"one/x%2Fa.left.wav")
    assert third[STEM] == b"one/..%2Fc"
    shutil.make_archive(str(tmp_path / "two"), "gztar", ROOT / "samples")
    os.rename(tmp_path / "two.tar.gz", tmp_path / "two.tar")
    with pytest.raises(DataError, match="a compressed one has to be decompressed first"):
        rows_of(tmp_path / "two.tar")


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match="no recordings, tables or archives in this folder"):
        read_source(str(tmp_path))
    with pytest.raises(DataError, match="none: no such file or folder"):
        read_source("none")
    with pytest.raises(ConfigError, match=r"nosuch://a: .*nosuch"):
        read_source("nosuch://a")


def test_units_hold_each_recording_that_is_not_done_once():
    names = [f"{number}.wav" for number in range(200)] + ["7.wav"]
    table = to_recordings(pa.table({"path": names, "duration": [30.0] * 201}), None, "/data")
    done = digests([key_of(None, "3.wav")])
    units = [*units_of(table, done)]
    assert sum(unit["count"][0] for unit in units) == 199
    assert max(unit["count"][0] for unit in units) == 60  # half an hour
    again = [*units_of(table.take(list(reversed(range(200)))), done)]
    assert len({unit["unit"][0] for unit in units}) == len(units) == len(again)
    few = [*units_of(table, done, most_rows=10)]
    assert {unit["count"][0] for unit in few} == {9, 10}
