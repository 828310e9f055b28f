"""FLAC that ends elsewhere than its header says."""

import numpy as np
import pytest
from conftest import noise
from fuzz_audio import Unseekable, encode

from asr.audio.extent import read_extent
from asr.audio.flac import HEAD, read_end, read_info
from asr.audio.probe import decode, probe
from asr.audio.read import read_audio

RATE = 16000
SAMPLES = noise(3 * RATE)
TAG = b"ID3\4\0\0" + bytes([0, 0, 8, 0]) + b"\7" * 1024
ID3V1 = b"TAG" + bytes(125)


def counting(samples):
    """Return three seconds of FLAC whose header counts ``samples``."""
    data = bytearray(encode(SAMPLES, format="FLAC"))
    data[22:26] = samples.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("counted", [1, RATE, 3 * RATE - 1, 3 * RATE])
@pytest.mark.parametrize(("before", "behind"), [(b"", b""), (TAG, b""), (b"", ID3V1)])
def test_headers_that_count_too_few_samples(tmp_path, counted, before, behind):
    """All samples are read, from a file and from a pipe, and the duration is theirs."""
    path = tmp_path / "a.flac"
    path.write_bytes(before + counting(counted) + behind)
    file = read_audio(path, RATE)
    pipe = read_audio(Unseekable(path.read_bytes()), RATE)
    assert file.warnings == pipe.warnings == ()
    assert np.array_equal(file.samples, read_audio(encode(SAMPLES, format="FLAC"), RATE).samples)
    assert np.array_equal(file.samples, pipe.samples)
    assert read_extent(path).frames == 3 * RATE
    assert probe(path, 60) == decode(path, 60) and probe(path, 60).duration == 3


def test_a_header_that_counts_too_many_samples():
    """It is a promise that is not kept, from a file as from a pipe."""
    data = counting(4 * RATE)
    for given in (data, Unseekable(data)):
        audio = read_audio(given, RATE)
        assert audio.duration == 3
        assert audio.warnings == ("the header promises 4.0 s, the file holds 3.0 s: truncated?",)


def test_what_the_header_and_the_last_frame_tell(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(counting(1000))
    with open(path, "rb") as file:
        info = read_info(file.read(HEAD))
        assert (info.rate, info.channels, info.frames) == (RATE, 1, 1000)
        assert read_info(info.uncounted).frames == 0
        assert read_end(file, info) == 3 * RATE
        assert file.tell() == HEAD
    path.write_bytes(counting(1000)[:-1])
    with open(path, "rb") as file:
        assert read_end(file, info) is None
    assert read_info(b"fLaC" + bytes(10)) is None
