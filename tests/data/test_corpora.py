"""Command lines, durations and manifests that recipes share."""

import miniatures
import pytest

from asr.data.corpora import source_parser, with_durations, write_parts
from asr.data.manifest import Utterance, read_manifest


def test_sources_exclude_each_other_and_one_is_needed(capsys):
    parser = source_parser("A corpus.", "data/a", "its archive", "http://x", "its folder")
    for arguments in ([], ["--download", "--archive", "a"], ["--folder", "a", "--download"]):
        with pytest.raises(SystemExit):
            parser.parse_args(arguments)
    assert str(parser.parse_args(["--folder", "a"]).output) == "data/a"
    with pytest.raises(SystemExit):
        source_parser("A corpus.", "data/a", "its archive").parse_args(["--download"])


def test_durations_come_from_the_audio_and_what_is_none_is_left_out(tmp_path):
    seconds = {"a.wav": 0.5, "b.flac": 1.25, "c.mp3": 2.0}
    for name, length in seconds.items():
        kind = name[2:].upper()
        (tmp_path / name).write_bytes(miniatures.sound(length, 16000, kind))
    (tmp_path / "d.wav").write_bytes(b"no audio")
    names = ["d.wav", *seconds, "e.wav"]
    items = [Utterance(tmp_path / name, 0.0, "yes", name, "s") for name in names]
    found, errors = with_durations(items)
    assert [item.id for item in found] == list(seconds)
    for item in found:
        assert item.duration == pytest.approx(seconds[item.id], abs=0.1 * (item.id == "c.mp3"))
    assert [str(error).split(": ")[0] for error in errors] == [
        str(tmp_path / "d.wav"),
        str(tmp_path / "e.wav"),
    ]


def test_parts(tmp_path, capsys):
    """Each part is written to a manifest, and a line tells its size."""
    items = [
        Utterance(tmp_path / f"{name}.wav", 30.0, "yes no", name, speaker)
        for name, speaker in (("a", "x"), ("b", "y"), ("c", "x"))
    ]
    write_parts(tmp_path, {"train": items[:2], "dev": items[2:]})
    assert [item.id for item in read_manifest(tmp_path / "train.jsonl")] == ["a", "b"]
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'train'}.jsonl: 2 utterances, 1.00 min, 2 speakers, 4 words",
        f"{tmp_path / 'dev'}.jsonl: 1 utterance, 0.50 min, 1 speaker, 2 words",
    ]
