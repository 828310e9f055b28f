"""Jobs of transcription have outputs, are divided into shares, and are skipped if done already."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.inputs import Piece
from asr.errors import DataError, OutputError
from asr.recognition.jobs import Job, output_paths, plan_jobs, share_of


def test_jobs_without_a_folder_have_no_outputs():
    assert plan_jobs(["a.wav", "-"], ["in", None]) == [Job("a.wav", {}), Job("-", {})]
    assert plan_jobs([]) == []


def test_jobs_name_an_output_for_each_format():
    jobs = plan_jobs(["in/b/a.wav", "-"], ["in", None], folder="out", formats=["txt", "srt"])
    assert jobs == [
        Job("in/b/a.wav", {"txt": Path("out/b/a.txt"), "srt": Path("out/b/a.srt")}),
        Job("-", {"txt": Path("out/stdin.txt"), "srt": Path("out/stdin.srt")}),
    ]


def test_jobs_whose_outputs_all_exist_are_skipped(tmp_path):
    for name in ("a.txt", "a.srt", "b.txt"):
        (tmp_path / name).touch()

    def sources(**options):
        jobs = plan_jobs(
            ["a.wav", "b.wav", "c.wav"], folder=tmp_path, formats=["txt", "srt"], **options
        )
        return [job.source for job in jobs]

    assert sources() == ["a.wav", "b.wav", "c.wav"]
    assert sources(skip_existing=True) == ["b.wav", "c.wav"]
    # A share is taken of all jobs, so that it stays the same while others are done.
    assert sources(skip_existing=True, share="1/2") == ["c.wav"]


def test_sources_of_two_shares_may_not_claim_one_output():
    with pytest.raises(OutputError, match=r"x/a\.wav and y/a\.wav would both be written to"):
        plan_jobs(["x/a.wav", "y/a.wav"], folder="out", formats=["txt"], share="1/2")


@given(st.integers(0, 20), st.integers(1, 9))
def test_shares_are_all_together(count, shares):
    """Shares hold every job once, and their sizes differ by one at most."""
    sources = [str(n) for n in range(count)]
    parts = [share_of(sources, f"{i}/{shares}") for i in range(1, shares + 1)]
    assert sorted(int(s) for part in parts for s in part) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("share", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_no_share(share):
    """A share that is not i/n with 1 <= i <= n is refused."""
    with pytest.raises(DataError, match=r"--shard .*: a shard is I/N with 1 <= I <= N"):
        share_of([], share)


def test_output_paths():
    assert output_paths(["x/a.wav", "-"], "out", ["txt", "json"]) == [
        [Path("out/a.txt"), Path("out/a.json")],
        [Path("out/stdin.txt"), Path("out/stdin.json")],
    ]


def test_folders_are_mirrored():
    sources = ["in/a.wav", "in/b/a.v2.wav", Path("/far/in/c/d/a.wav"), "b/b.wav"]
    assert output_paths(sources, "out", ["srt"], ["in", "in", Path("/far/in"), None]) == [
        [Path("out/a.srt")],
        [Path("out/b/a.v2.srt")],
        [Path("out/c/d/a.srt")],
        [Path("out/b.srt")],
    ]
    with pytest.raises(OutputError, match=r"in/b/a\.wav and a/b/a\.wav would both be written"):
        output_paths(["in/b/a.wav", "a/b/a.wav"], "out", ["srt"], ["in", "a"])


def test_two_inputs_claim_one_output():
    with pytest.raises(OutputError, match=r"x/a\.wav and y/a\.flac would both be written to"):
        output_paths(["x/a.wav", "y/a.flac"], "out", ["txt"])


def test_an_output_never_replaces_an_input():
    with pytest.raises(OutputError, match="is an input"):
        output_paths(["a.txt"], ".", ["txt"])


def test_recordings_of_one_name_are_told_apart():
    """Outputs that hold several recordings give each a name of its own, whatever the share."""
    sources = ["x/a.wav", "y/a.flac", "b.wav", "a b.wav", "a_b.wav", "-", "stdin.wav", "b.wav"]
    names = ["x/a", "y/a", None, None, "a_b#2", None, "stdin#2", "b#2"]
    assert [job.name for job in plan_jobs(sources)] == names
    assert [job.name for job in plan_jobs(sources, share="2/2")] == names[1::2]


def test_ids_of_manifests_are_names(tmp_path):
    pieces = [Piece(tmp_path / "a.wav", start, 1.0) for start in (0.0, 1.0)]
    jobs = plan_jobs(
        [*pieces, "c.wav", "x.wav"], None, ["u1", "u/2", "u3", None], folder="o", formats=["ctm"]
    )
    assert [job.id for job in jobs] == ["u1", "u/2", "u3", None]
    assert [job.name for job in jobs] == ["u1", "u/2", "u3", None]
    assert [job.outputs["ctm"].as_posix() for job in jobs] == [
        "o/u1.ctm", "o/u%2F2.ctm", "o/c.ctm", "o/x.ctm"
    ]  # fmt: skip
    assert [job.name for job in plan_jobs(["a.wav"] * 2, None, ["u"] * 2)] == ["u", "u#2"]
