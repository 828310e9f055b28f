"""Files that hold more, or less, than their headers say: nothing is lost without a word."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import noise
from fuzz_audio import Unseekable, encode, encode_with_ffmpeg, sphere
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.headers import is_placeholder
from asr.audio.joined import JOINED, Links
from asr.audio.probe import decode, probe
from asr.audio.read import read_audio

RATE = 16000
A, B = noise(2 * RATE), noise(RATE, seed=1, level=0.02)
TAG = b"ID3\4\0\0" + bytes([0, 0, 8, 0]) + b"\7" * 1024


def wav(samples, **options):
    return encode(samples, format="WAV", subtype="PCM_16", **options)


def patched(data, *fields):
    """Return ``data`` after overwriting it with ``fields``, which are (position, number)."""
    data = bytearray(data)
    for position, value in fields:
        data[position : position + 4] = value.to_bytes(4, "little")
    return bytes(data)


def both(data):
    """Return what is read of ``data`` as a file, having checked that a pipe gives the same."""
    file, pipe = read_audio(data, RATE), read_audio(Unseekable(data), RATE)
    assert abs(file.duration - pipe.duration) < 0.03
    assert file.warnings == pipe.warnings
    return file


def mp3(samples):
    return encode(samples, format="MP3")


JOINABLE = {
    "wav": wav,
    "wav of adpcm": lambda x: encode(x, format="WAV", subtype="IMA_ADPCM"),
    "aiff": lambda x: encode(x, format="AIFF"),
    "au": lambda x: encode(x, format="AU"),
    "sphere": sphere,
    "flac": lambda x: encode(x, format="FLAC"),
    "mp3": mp3,
    "vorbis": lambda x: encode(x, format="OGG", subtype="VORBIS"),
    "opus": lambda x: encode(x, format="OGG", subtype="OPUS"),
    **{
        name: lambda x, name=name, codec=codec: encode_with_ffmpeg(x, name, codec)
        for name, codec in [
            ("mp4", "aac"), ("matroska", "pcm_s16le"), ("webm", "libopus"), ("adts", "aac"),
            ("asf", "wmav2"), ("flv", "aac"), ("tta", "tta"), ("wv", "wavpack"), ("caf", "alac"),
            ("mpegts", "aac"), ("avi", "libmp3lame"), ("w64", "pcm_s16le"),
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("name", JOINABLE)
def test_one_behind_another(name):
    """Three recordings one behind another are all read, from a file and from a pipe."""
    make = JOINABLE[name]
    parts = [make(A), make(B), make(A)]
    expected = sum(read_audio(part, RATE).duration for part in parts)
    audio = both(b"".join(parts))
    assert abs(audio.duration - expected) < 0.25
    assert audio.warnings == () or name == "avi"
    # The second is much fainter, the third as loud as the first.
    level = [np.sqrt(np.mean(audio.samples[i : i + 8000] ** 2)) for i in (8000, 37000, 60000)]
    assert level[1] < 0.5 * level[0] and level[2] > 0.7 * level[0]


@pytest.mark.parametrize("container", ["FLAC", "MP3", "WAV"])
def test_another_rate(container):
    """A recording of another rate and other channels behind the first is resampled."""
    stereo = np.stack([noise(44100), noise(44100)], axis=1)
    data = encode(A, format=container) + encode(stereo, 44100, format=container)
    assert abs(both(data).duration - 3) < 0.1


def test_another_coding():
    """A chained Ogg file may change its coding."""
    data = JOINABLE["vorbis"](A) + JOINABLE["opus"](B)
    assert abs(both(data).duration - 3) < 0.05
    assert abs(both(wav(A) + encode(B, format="FLAC")).duration - 3) < 1e-3


@pytest.mark.parametrize("between", [TAG, b"TAG" + b"x" * 125, TAG * 3])
def test_tags_between(between):
    audio = both(TAG + mp3(A) + between + mp3(B) + between)
    assert abs(audio.duration - 3) < 0.1 and audio.warnings == ()


@pytest.mark.parametrize("factor", [0, 0.1, 0.5, 0.99])
def test_mp3_that_counts_too_few_frames(factor):
    data = bytearray(mp3(A))
    at = max(data.find(b"Info"), data.find(b"Xing")) + 8
    data[at : at + 4] = int(factor * int.from_bytes(data[at : at + 4], "big")).to_bytes(4, "big")
    audio = both(bytes(data))
    assert abs(audio.duration - 2) < 0.1 and audio.warnings == ()


def test_mp3_keeps_its_exact_length():
    """The padding that an encoder adds is left out, at both ends."""
    for samples in (A, A[:12345], A[:20000]):
        audio = both(mp3(samples))
        assert len(audio.samples) == len(samples)
        wrong = np.abs(audio.samples[4000:8000] - samples[4000:8000]).mean()
        assert wrong < 0.7 * np.abs(samples).mean()


PLACEHOLDERS = [0x7FFF0000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB, 2 * 10**9]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders(tmp_path, value):
    """A size that a recorder could not know is no promise, and gives no alarm."""
    assert is_placeholder(value)
    data = wav(A)
    for fields in ([(40, value)], [(4, value), (40, value)], [(4, value), (40, 0)]):
        path = tmp_path / "a.wav"
        path.write_bytes(patched(data, *fields))
        audio = both(path.read_bytes())
        assert (audio.duration, audio.warnings) == (2.0, ())
        for look in (probe, decode):
            assert (look(path, 60).duration, look(path, 60).warnings) == (2.0, ())


@pytest.mark.parametrize("sizes", [b"\xff" * 16, bytes(16)])
def test_sizes_of_rf64_that_are_not_filled_in(sizes):
    data = bytearray(encode(A, format="RF64", subtype="PCM_16"))
    assert data[12:16] == b"ds64"
    data[20:36] = sizes
    audio = both(bytes(data))
    assert (audio.duration, audio.warnings) == (2.0, ())


@pytest.mark.parametrize("make", [wav, mp3, JOINABLE["flac"], JOINABLE["vorbis"], JOINABLE["opus"]])
def test_headers_tell_of_what_follows(tmp_path, make):
    """A recording is as long without decoding as with it, if another one of its kind follows."""
    path = tmp_path / "a"
    path.write_bytes(make(A) + make(B) + make(A))
    assert probe(path, 60) == decode(path, 60)
    assert abs(probe(path, 60).duration - 5) < 0.1


@pytest.mark.parametrize(
    ("data", "seconds", "warnings"),
    [
        (patched(wav(A), (40, 0)), 2.0, 0),
        (patched(wav(A), (4, 0), (40, 0)), 2.0, 0),
        (patched(wav(A), (40, 16000)), 2.0, 0),  # the file's size is right
        (patched(wav(A), (4, 16036), (40, 16000)), 0.5, 1),
        (wav(A) + bytes(50_000), 2.0, 0),
        (wav(A) + b"LIST" + (40_000).to_bytes(4, "little") + b"x" * 40_000, 2.0, 0),
        (wav(A) + b"\1\2\3" * 20_000, 2.0, 1),
        (patched(wav(A)[:20_044], (40, 64000)), 0.625, 1),
        (sphere(A, sample_count=0), 2.0, 0),
        (sphere(A, sample_count=8000), 2.0, 0),
        (patched(encode(A, format="AU"), (8, 0)), 2.0, 0),
    ],
)
def test_sizes_and_bytes_left_over(tmp_path, data, seconds, warnings):
    """Samples that a header does not count are read, or are said; headers tell as decoding does."""
    audio = both(data)
    assert (audio.duration, len(audio.warnings)) == (seconds, warnings)
    path = tmp_path / "a"
    path.write_bytes(data)
    for look in (probe, decode):
        assert (look(path, 60).duration, look(path, 60).warnings) == (seconds, audio.warnings)


@pytest.mark.parametrize("align", [0, 1, 2, 3, 4])
def test_block_align_that_is_wrong(align):
    """The size of a sample is that of its coding, or else its bits, if the block align is wrong."""
    coded = bytearray(encode(A, format="WAV", subtype="ULAW"))
    coded[32] = align
    assert both(bytes(coded)).duration == 2.0
    if align != 4:
        data = bytearray(wav(A))
        data[32] = align
        assert both(bytes(data)).duration == 2.0


def test_numbers_of_sphere_that_are_real():
    data = sphere(A).replace(b"sample_rate -i 16000\n", b"sample_rate -r 16000.000000\n")
    data = data[:1024].rstrip(b"\0")[:1024].ljust(1024, b"\0") + sphere(A)[1024:]
    assert both(data).duration == 2.0


def test_refusals_name_every_decoder():
    with pytest.raises(Exception, match=r"libsndfile cannot read it.*; FFmpeg cannot"):
        read_audio(b"OggS" + b"x" * 3000, RATE)


def test_opposite_phase():
    """Channels that cancel each other give one of them, and a warning."""
    data = encode(np.stack([A, -A], axis=1), format="WAV", subtype="FLOAT")
    audio = both(data)
    np.testing.assert_allclose(audio.samples, A, atol=1e-6)
    assert audio.warnings == (
        "the channels cancel each other (opposite phase): only channel 1 is read there",
    )
    other = encode(np.stack([A, noise(len(A), seed=7)], axis=1), format="WAV", subtype="FLOAT")
    assert both(other).warnings == ()


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_links_do_not_depend_on_pieces(data):
    """However the bytes come, the recordings are told apart at the same places."""
    container = data.draw(st.sampled_from(["flac", "ogg", "mp3"]))
    name = {"ogg": "opus"}.get(container, container)
    parts = [JOINABLE[name](A[:4000]), JOINABLE[name](B[:6000])]
    stream = io.BytesIO(b"".join(parts))
    steps = data.draw(st.lists(st.integers(1, 5000), min_size=1, max_size=5))
    reads = iter(int(step) for step in steps * 100_000)
    links = Links(lambda count: stream.read(min(count, next(reads))), container)
    found = []
    while links.more():
        found.append(b"".join(iter(lambda: links.read(3000), b"")))
    assert found == parts
    assert container in JOINED


def test_nothing_is_printed_by_decoders(tmp_path):
    """libmpg123 would complain on standard error of counts that are not true."""
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3(A) + mp3(B))
    program = "import sys; from asr.audio.read import read_audio; read_audio(sys.argv[1], 16000)"
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=True)
    assert done.stderr == b""
    assert soundfile.info(io.BytesIO(wav(A))).frames == len(A)
