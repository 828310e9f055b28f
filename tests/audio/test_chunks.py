"""The sizes of chunks tell that a file is truncated."""

import io

import pytest
from conftest import noise
from fuzz_audio import encode, encode_with_ffmpeg

from asr.audio.chunks import missing_bytes
from asr.audio.read import read_audio

RATE = 16000
FILES = {
    "voc": lambda: encode(noise(RATE), format="VOC", subtype="PCM_16"),
    "caf": lambda: encode(noise(RATE), format="CAF", subtype="PCM_16"),
    "w64": lambda: encode(noise(RATE), format="W64", subtype="PCM_16"),
    "mov": lambda: encode_with_ffmpeg(noise(RATE), "ipod", "aac"),
}


@pytest.mark.parametrize("container", FILES)
def test_missing_bytes(container):
    data = FILES[container]()
    assert missing_bytes(io.BytesIO(data), container) == 0
    assert missing_bytes(io.BytesIO(data + b"\0" * 3), container) == 0
    # Voc has one byte behind its block.
    assert missing_bytes(io.BytesIO(data[:-10]), container) == (9 if container == "voc" else 10)
    assert missing_bytes(io.BytesIO(data[: -len(data) // 3]), container) > 0


@pytest.mark.parametrize("container", ["voc", "caf", "w64"])
def test_a_truncated_file_is_said(container):
    data = FILES[container]()
    assert read_audio(data, RATE).warnings == ()
    audio = read_audio(data[:-RATE], RATE)
    assert abs(audio.duration - 0.5) < 0.01
    assert "its last part should be" in audio.warnings[0]


@pytest.mark.parametrize(
    ("container", "head"),
    [
        ("caf", b"caff\0\1\0\0" + b"data" + b"\xff" * 8),
        ("w64", bytes(40) + b"x" * 16 + bytes(8)),
        ("mov", bytes(4) + b"mdat"),
        ("mov", b"\xff\xff\xff\xffmdat"),
        ("voc", bytes(26) + b"\0"),
        ("ogg", b"OggS"),
    ],
)
def test_sizes_that_were_not_known(container, head):
    """A recorder that did not know the size promises nothing."""
    assert missing_bytes(io.BytesIO(head + bytes(1000)), container) == 0


def test_nothing_that_can_be_decoded_is_said():
    """The first block of WavPack is longer than what is left of the file."""
    data = encode_with_ffmpeg(noise(RATE), "wv", "wavpack")
    audio = read_audio(data[: len(data) // 2], RATE)
    assert (audio.duration, len(audio.warnings)) == (0.0, 1)
