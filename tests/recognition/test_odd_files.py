"""Files of odd or faulty containers give the words that were spoken in them."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from fuzz_audio import Unseekable, encode, encode_with_ffmpeg, sphere

import asr

RATE = 16000
PHONE, CONTROL = "flite-rms-phone-number", "flite-slt-control-digits"
A, B = ((ROOT / f"samples/{name}.txt").read_text().strip() for name in (PHONE, CONTROL))
HALF = "four one two five five"


def sound(name):
    samples, rate = soundfile.read(ROOT / f"samples/{name}.wav", dtype="float32")
    assert rate == RATE
    return samples


def wav(name=PHONE):
    return encode(sound(name), format="WAV", subtype="PCM_16")


def mp3(name=PHONE):
    return encode(sound(name), format="MP3")


def opus(name=PHONE):
    return encode(sound(name), format="OGG", subtype="OPUS")


def patched(data, position, value):
    return data[:position] + value + data[position + len(value) :]


def size(value):
    return value.to_bytes(4, "little")


def half_counted():
    data = mp3()
    at = max(data.find(b"Info"), data.find(b"Xing")) + 8
    count = int.from_bytes(data[at : at + 4], "big")
    return patched(data, at, (count // 2).to_bytes(4, "big"))


def without_count():
    """MP3 that begins in the middle of a frame."""
    samples = sound(PHONE)
    return encode(np.concatenate([np.zeros(RATE // 2, np.float32), samples]), format="MP3")[1500:]


def m2ts():
    """AVCHD, whose packets of 192 bytes begin with a time."""
    data = encode_with_ffmpeg(sound(PHONE), "mpegts", "aac")
    return b"".join(b"\0\0\0\0" + data[i : i + 188] for i in range(0, len(data), 188))


def ulaw():
    return patched(encode(sound(PHONE), format="WAV", subtype="ULAW"), 32, b"\2\0")


def real_rate():
    data = sphere(sound(PHONE)).replace(b"sample_rate -i 16000\n", b"sample_rate -r 16000.000000\n")
    header, end, body = data.partition(b"end_head\n")
    return (header + end).ljust(1024) + body.lstrip(b" ")[-2 * len(sound(PHONE)) :]


def opposite():
    samples = sound(PHONE)
    return encode(np.stack([samples, -samples], axis=1), format="WAV", subtype="PCM_16")


ID3 = b"ID3\4\0\0" + bytes([0, 0, 8, 0]) + b"\7" * 1024
STYP = b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix"
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
FILES = {
    "joined MP3": (lambda: mp3() + mp3(CONTROL), f"{A} {B}", 0),
    "joined MP3 with a tag between": (lambda: mp3() + ID3 + mp3(CONTROL), f"{A} {B}", 0),
    "chained Opus": (lambda: opus() + opus(CONTROL), f"{A} {B}", 0),
    "joined FLAC": (
        lambda: encode(sound(PHONE), format="FLAC") + encode(sound(CONTROL), format="FLAC"),
        f"{A} {B}",
        0,
    ),
    "joined WAV": (lambda: wav() + wav(CONTROL), f"{A} {B}", 0),
    "joined M4A": (
        lambda: b"".join(
            encode_with_ffmpeg(sound(name), "ipod", "aac") for name in (PHONE, CONTROL)
        ),
        f"{A} {B}",
        0,
    ),
    "MP3 that counts half of its frames": (half_counted, A, 0),
    "MP3 from the middle of a frame": (without_count, A, 0),
    "WAV of 0 bytes in a full RIFF": (lambda: patched(wav(), 40, size(0)), A, 0),
    "WAV of a pipe": (lambda: patched(wav(), 40, size(0x7FFF0000)), A, 0),
    "truncated WAV": (lambda: wav()[: 44 + 63_265], HALF, 1),
    "ADTS behind a tag": (lambda: ID3 + encode_with_ffmpeg(sound(PHONE), "adts", "aac"), A, 0),
    "MP4 that begins with styp": (
        lambda: STYP + encode_with_ffmpeg(sound(PHONE), "mp4", "aac", options=FRAGMENTS), A, 0
    ),
    "AVCHD": (m2ts, A, 0),
    "wrong block align": (ulaw, A, 0),
    "real numbers in SPHERE": (real_rate, A, 0),
    "opposite phase": (opposite, A, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def transcriber():
    return asr.Transcriber(threads=1)


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_text(transcriber, name, pipe):
    """A file and a pipe give the same words, with as many warnings as there are faults."""
    make, text, warnings = FILES[name]
    data = make()
    found = transcriber.stream(Unseekable(data) if pipe else io.BytesIO(data)).finish()
    assert found.text == text
    assert len(found.warnings) == warnings


def test_the_command_gives_all_words_and_says_what_is_wrong(tmp_path):
    (tmp_path / "joined.mp3").write_bytes(mp3() + mp3(CONTROL))
    (tmp_path / "half.wav").write_bytes(wav()[: 44 + 63_265])
    command = [sys.executable, "-m", "asr", "transcribe", "--verbatim", "joined.mp3", "half.wav"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout == f"joined.mp3\t{A} {B}\nhalf.wav\t{HALF}\n"
    assert done.stderr == (
        "warning: half.wav: the header promises 4.0 s, the file holds 2.0 s: truncated?\n"
    )
