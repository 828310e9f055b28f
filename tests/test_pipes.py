"""Recordings that are still arriving: each block comes out soon after its bytes have come in."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import noise
from fuzz_audio import encode, sphere

from asr.audio import open_audio, read_audio
from asr.errors import AudioError
from asr.pipes import MAX_KEPT, Pipe

RATE = 16000


def with_size(data, size, riff=None):
    """A WAV with these sizes in its header."""
    data = bytearray(data)
    data[4:8] = (size if riff is None else riff).to_bytes(4, "little")
    data[40:44] = size.to_bytes(4, "little")
    return bytes(data)


SAMPLES = noise(2 * RATE)
WAV = encode(SAMPLES, format="WAV", subtype="PCM_16")
RAW = WAV[44:]
FLAC = bytearray(encode(SAMPLES, format="FLAC"))
FLAC[21] &= 0xF0
FLAC[22:26] = bytes(4)  # a live encoder does not know the number of samples
SOURCES = {
    "wav": WAV,
    "wav from a recorder": with_size(WAV, 0, riff=36),
    "wav from ffmpeg": with_size(WAV, 0xFFFFFFFF),
    "wav from sox": with_size(WAV, 0x7FFFF000),
    "wav from arecord": with_size(WAV, 0x80000000),
    "wav of 24 bits": encode(SAMPLES, format="WAV", subtype="PCM_24"),
    "rf64": encode(SAMPLES, format="RF64", subtype="PCM_16"),
    "au": encode(SAMPLES, format="AU", subtype="PCM_16"),
    "aiff": encode(SAMPLES, format="AIFF", subtype="PCM_16"),
    "sphere": sphere(SAMPLES),
    "flac": bytes(FLAC),
    "samples": RAW,
}
TIMED = ["wav from ffmpeg", "au", "flac", "samples"]


def feed(pipe, data, pieces, seconds, sent):
    """Write ``data`` evenly in ``seconds``; ``sent``: the moment and the bytes until then."""
    with os.fdopen(pipe, "wb", buffering=0) as file:
        for k in range(pieces):
            begin, end = (len(data) * i // pieces for i in (k, k + 1))
            file.write(data[begin:end])
            sent.append((time.monotonic(), end))
            time.sleep(seconds / pieces)


def piped(data, pieces=1, seconds=0.0):
    """A stream that gives ``data``, what was sent when, and the thread that sends it."""
    reader, writer = os.pipe()
    sent = []
    thread = threading.Thread(target=feed, args=(writer, data, pieces, seconds, sent))
    thread.start()
    return os.fdopen(reader, "rb"), sent, thread


@pytest.mark.parametrize("name", SOURCES)
def test_blocks_come_soon_after_their_bytes(name):
    data = SOURCES[name]
    stream, sent, thread = piped(data, pieces=20, seconds=1.0 if name in TIMED else 0.0)
    came, blocks = [], []
    raw_rate = RATE if name == "samples" else None
    with stream, open_audio(stream, RATE, raw_rate=raw_rate) as audio:
        for block in audio:
            blocks.append(block)
            came.append((time.monotonic(), sum(map(len, blocks))))
    thread.join()
    assert audio.warnings == []
    np.testing.assert_allclose(np.concatenate(blocks), SAMPLES, atol=1e-4)
    # The encoder of FLAC gathers 4096 samples.
    whole = 4096 if name == "flac" else 1
    for moment, size in sent if name in TIMED else []:
        # Headers take few bytes; compressed, 0.05 s at most is between two borders of bytes.
        held = (size / len(data) - 0.02) * len(SAMPLES) - whole - (800 if name == "flac" else 0)
        until = [count for when, count in came if when < moment + 0.25]
        assert held <= (until[-1] if until else 0)


@pytest.mark.parametrize(
    "options",
    [
        {"format": "MP3"},
        {"format": "OGG", "subtype": "OPUS"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "WAV", "subtype": "IMA_ADPCM"},
    ],
)
@pytest.mark.parametrize("ffmpeg", [False, True])
def test_other_formats(monkeypatch, options, ffmpeg):
    if not ffmpeg:
        monkeypatch.setenv("PATH", "")
    data = encode(np.tile(SAMPLES, 5), format=options["format"], subtype=options.get("subtype"))
    stream, _, thread = piped(data)
    with stream:
        audio = read_audio(stream, RATE)
    thread.join()
    assert abs(audio.duration - 10) < 0.1 and audio.warnings == ()


def test_memory_is_bounded():
    program = """if True:
        import resource
        from asr.audio import open_audio
        with open_audio("-", 16000) as stream:
            count = len(next(stream))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            count += sum(map(len, stream))
        print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    hour = encode(np.zeros(16000 * 3600, np.int16), format="WAV", subtype="PCM_16")
    done = subprocess.run([sys.executable, "-c", program], input=hour, capture_output=True)
    assert done.returncode == 0, done.stderr
    count, kilobytes = map(int, done.stdout.split())
    assert count == 16000 * 3600 and kilobytes < 10_000


def test_half_a_sample_at_the_end():
    with open_audio(RAW + b"\1", RATE, raw_rate=RATE) as audio:
        assert sum(map(len, audio)) == len(SAMPLES)
    (warning,) = audio.warnings
    assert "behind the last whole sample" in warning


@pytest.mark.parametrize("raw_rate", [None, RATE])
def test_empty(raw_rate):
    stream, _, thread = piped(b"")
    with stream, pytest.raises(AudioError, match="got no bytes"):
        open_audio(stream, RATE, raw_rate=raw_rate)
    thread.join()


def test_cut_off():
    stream, _, thread = piped(WAV[:20_044])
    with stream:
        audio = read_audio(stream, RATE)
    thread.join()
    assert len(audio.samples) == 10_000
    assert audio.warnings == ("the header promises 2.0 s, the file holds 0.6 s: truncated?",)


def test_named_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(WAV,))
    thread.start()
    assert len(read_audio(path, RATE).samples) == len(SAMPLES)
    thread.join()


def test_an_interrupt_gets_through():
    calls = iter([bytes(FLAC[:10_000])])

    class Interrupted:
        def seekable(self):
            return False

        def read(self, count):
            for data in calls:
                return data
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_audio(Interrupted(), RATE) as stream:
        list(stream)


def test_going_back():
    pieces = iter([b"abc", b"de", b"fgh", b"ij", b""])
    pipe = Pipe(lambda count: next(pieces))
    assert pipe.read(4) == b"abcd" and pipe.ahead
    pipe.seek(0)
    assert pipe.some(100) == b"abcde" and not pipe.ahead
    pipe.seek(2)
    assert pipe.read(1) == b"c"
    pipe.commit()
    assert pipe.read(100) == b"defghij"
    pipe.seek(0)
    assert pipe.read(1) == b""


def test_a_header_without_end():
    pipe = Pipe(lambda count: bytes(1 << 20))
    with pytest.raises(AudioError, match="64 MiB"):
        pipe.read(MAX_KEPT + (1 << 21))
