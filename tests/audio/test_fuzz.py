"""Ten thousand damaged recordings give transcripts or errors, but no crash and no hang."""

import os
import time

import fuzz_audio
import pytest
from conftest import ROOT
from fuzz_audio import attempt, fuzz, mutant, seeds

import asr

CLIPS = int(os.environ.get("ASR_FUZZ_CLIPS", 10_000))


def test_undamaged_recordings_are_transcribed():
    transcriber = asr.Transcriber(threads=1)
    for data in seeds():
        for pipe in (False, True):
            assert attempt(data, transcriber, pipe) == "transcript"


def test_clips_are_determined_by_seed_and_number():
    assert mutant(1, 20) == mutant(1, 20)
    assert len({mutant(seed, clip) for seed in (1, 2) for clip in range(50)}) > 95


def faulty_work(connection, clips, seed, model):
    """Work like the fuzzer's workers, but die of one clip, hang on another and fail on a third."""
    connection.send(None)
    for clip in clips:
        if clip == 3:
            os._exit(7)
        if clip == 5:
            time.sleep(100)
        connection.send("crash: ValueError()" if clip == 6 else "transcript")


def test_what_the_fuzzer_finds(tmp_path, monkeypatch):
    """The fuzzer reports crashes, deaths and hangs of its workers, and keeps their clips."""
    monkeypatch.setattr(fuzz_audio, "HANG_SECONDS", 1.0)
    totals = fuzz(12, 0, 2, tmp_path, tmp_path, faulty_work)
    assert totals.outcomes == {"transcript": 9}
    assert sorted(totals.crashes) == [
        f"crash: ValueError(), {tmp_path}/0-6.bin",
        f"the process died (7), {tmp_path}/0-3.bin",
    ]
    assert totals.hangs == [f"hang, {tmp_path}/0-5.bin"]
    assert (tmp_path / "0-5.bin").read_bytes() == mutant(0, 5)
    assert str(totals).startswith("12 clips\n")


@pytest.mark.slow
def test_damaged_recordings(tmp_path, capsys):
    """Damaged recordings give transcripts or errors, and more than a quarter are transcribed."""
    start = time.monotonic()
    jobs = os.cpu_count() or 1
    totals = fuzz(CLIPS, 0, jobs, ROOT / "asr/models/default", tmp_path)
    with capsys.disabled():
        print(f"\n{totals}\n{time.monotonic() - start:.0f} s with {jobs} workers")
    assert totals.findings == []
    assert totals.outcomes.total() == CLIPS
    transcripts = sum(count for kind, count in totals.outcomes.items() if "transcript" in kind)
    assert transcripts > CLIPS // 4
