"""Each block of a recording that is still arriving comes out soon after its bytes came in."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import noise
from fuzz_audio import encode, sphere

from asr.audio.inputs import MAX_KEPT, Pipe
from asr.audio.read import open_audio, read_audio
from asr.errors import AudioError

RATE = 16000


def with_size(data, size, riff=None):
    """Return the WAV with these sizes in its header."""
    data = bytearray(data)
    data[4:8] = (size if riff is None else riff).to_bytes(4, "little")
    data[40:44] = size.to_bytes(4, "little")
    return bytes(data)


SAMPLES = noise(2 * RATE)
WAV = encode(SAMPLES, format="WAV", subtype="PCM_16")
RAW = WAV[44:]
FLAC = bytearray(encode(SAMPLES, format="FLAC"))
FLAC[21] &= 0xF0
FLAC[22:26] = bytes(4)  # A live encoder does not know the number of samples.
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


class Feeder(threading.Thread):
    """A thread that writes ``data`` into a pipe in ``pieces``.

    It writes a piece once the samples of those before it have come out, all but ``held_back``.
    ``heard`` counts these samples; ``late`` is how many are missing if they never come.
    """

    def __init__(self, data, pieces=1, held_back=0):
        super().__init__()
        reader, self.writer = os.pipe()
        self.stream = os.fdopen(reader, "rb")
        self.data, self.pieces, self.held_back = data, pieces, held_back
        self.heard, self.late = 0, 0
        self.condition = threading.Condition()
        self.start()

    def run(self):
        with os.fdopen(self.writer, "wb", buffering=0) as file:
            for k in range(self.pieces):
                begin, end = (len(self.data) * i // self.pieces for i in (k, k + 1))
                file.write(self.data[begin:end])
                # The header's share of the bytes is small.
                wanted = (end / max(1, len(self.data)) - 0.02) * len(SAMPLES) - self.held_back
                with self.condition:
                    if k + 1 < self.pieces and not self.condition.wait_for(
                        lambda wanted=wanted: self.heard >= wanted, timeout=20
                    ):
                        self.late = wanted - self.heard
                        return

    def hear(self, count):
        """Count samples that have come out."""
        with self.condition:
            self.heard += count
            self.condition.notify()


@pytest.mark.parametrize("name", SOURCES)
def test_samples_come_before_the_bytes_of_those_that_follow(name):
    # The encoder of FLAC gathers 4096 samples, and its bytes are not spread evenly.
    feeder = Feeder(SOURCES[name], 20, held_back=4096 + 800 if name == "flac" else 1)
    blocks = []
    raw_rate = RATE if name == "samples" else None
    with feeder.stream, open_audio(feeder.stream, RATE, raw_rate=raw_rate) as audio:
        for block in audio:
            blocks.append(block)
            feeder.hear(len(block))
    feeder.join()
    assert (feeder.late, audio.warnings) == (0, [])
    np.testing.assert_allclose(np.concatenate(blocks), SAMPLES, atol=1e-4)


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
    """Formats that come out of a decoder are read from a pipe, with and without ffmpeg."""
    if not ffmpeg:
        monkeypatch.setenv("PATH", "")
    data = encode(np.tile(SAMPLES, 5), format=options["format"], subtype=options.get("subtype"))
    feeder = Feeder(data)
    with feeder.stream as stream:
        audio = read_audio(stream, RATE)
    feeder.join()
    assert abs(audio.duration - 10) < 0.1 and audio.warnings == ()


def test_memory_is_bounded():
    """An hour that is streamed from a pipe takes less than 10 MB."""
    program = """if True:
        import resource
        from asr.audio.read import open_audio
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
    """Bytes behind the last whole sample are left out with a warning."""
    with open_audio(RAW + b"\1", RATE, raw_rate=RATE) as audio:
        assert sum(map(len, audio)) == len(SAMPLES)
    (warning,) = audio.warnings
    assert "behind the last whole sample" in warning


@pytest.mark.parametrize("raw_rate", [None, RATE])
def test_empty(raw_rate):
    """A pipe that gives no bytes is refused."""
    feeder = Feeder(b"")
    with feeder.stream as stream, pytest.raises(AudioError, match="there are no bytes in it"):
        open_audio(stream, RATE, raw_rate=raw_rate)
    feeder.join()


def test_cut_off():
    """A pipe that ends early gives the samples that came and a warning."""
    feeder = Feeder(WAV[:20_044])
    with feeder.stream as stream:
        audio = read_audio(stream, RATE)
    feeder.join()
    assert len(audio.samples) == 10_000
    assert audio.warnings == ("the header promises 2.0 s, the file holds 0.6 s: truncated?",)


def test_named_pipe(tmp_path):
    """A named pipe is read like a file."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(WAV,))
    thread.start()
    assert len(read_audio(path, RATE).samples) == len(SAMPLES)
    thread.join()


def test_an_interrupt_gets_through():
    """Ctrl-C while the input is read ends the reading."""
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
    """A pipe can be rewound until it is told to keep no more of what it has read."""
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
    """A header that needs more than 64 MiB is refused."""
    pipe = Pipe(lambda count: bytes(1 << 20))
    with pytest.raises(AudioError, match="64 MiB"):
        pipe.read(MAX_KEPT + (1 << 21))
