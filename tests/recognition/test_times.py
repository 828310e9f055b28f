"""The default model gives word times close to known borders in strings of digits."""

import miniatures
import numpy as np
import pytest
from conftest import FSDD

from asr.evaluation.word_times import Clip, border_errors
from asr.model.directory import default_model
from asr.model.session import AcousticSession

times = miniatures.load("../scripts/benchmarks", "times")


def test_borders_of_a_string():
    recording = times.Recording(
        Clip(("one",), np.ones(1000, np.float32), 100 / times.RATE, 900 / times.RATE), "s", 0
    )
    string = times.make_string([recording], np.random.default_rng(0))
    heard = np.flatnonzero(np.diff(string.samples, prepend=0, append=0)) / times.RATE
    assert 3 <= len(string.words) == len(string.borders) <= 8
    begins = [start - 100 / times.RATE for start, _ in string.borders]
    ends = [end + 100 / times.RATE for _, end in string.borders]
    assert set(np.round(heard, 6)) <= set(np.round(begins + ends, 6))
    again = times.make_string([recording], np.random.default_rng(0))
    assert string.borders == again.borders


def test_recordings_of_a_folder(tmp_path):
    for name in ("7_a_12", "0_b_3"):
        (tmp_path / f"{name}.wav").write_bytes(miniatures.sound(0.5, times.RATE, "WAV", 300))
    (tmp_path / "test-001-a.wav").write_bytes(b"a string of digits")
    found = [
        (item.clip.words[0], item.speaker, item.index) for item in times.read_recordings(tmp_path)
    ]
    assert found == [("zero", "b", 3), ("seven", "a", 12)]


@pytest.mark.skipif(not FSDD.exists(), reason=f"{FSDD} is missing; see ASR_FSDD_ARCHIVE")
def test_times_of_the_default_model():
    """Half of the times are within 60 ms and 95 % within 200 ms, with a bias below half a frame."""
    recordings = [item for item in times.read_recordings(FSDD) if item.index < times.TEST_INDICES]
    assert len(recordings) == 6 * 10 * times.TEST_INDICES
    session = AcousticSession(default_model())
    decoded = times.decode(session, times.make_strings(recordings, 200, seed=2))
    for decoder in times.DECODERS:
        errors = border_errors(decoded, decoder, session.info)
        assert len(errors) > 400
        assert (np.median(np.abs(errors), axis=0) <= 0.06).all()
        assert (np.mean(np.abs(errors) <= 0.2, axis=0) >= 0.95).all()
        assert (np.abs(np.median(errors, axis=0)) <= 0.03).all()
