"""Videos and other containers, which ffmpeg reads, and what it must not do."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fuzz_audio import encode

from asr.audio import containers
from asr.audio.read import open_audio, read_audio
from asr.errors import AudioError

RATE = 16000
PICTURES = ["-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=10"]


def make(path, *options):
    """A file that ffmpeg writes: two channels, three seconds, of which the second is silent."""
    sound = "aevalsrc=0.4*sin(2*PI*440*t)*lt(t\\,2)|0:d=3:s=44100"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", sound, *options]
    subprocess.run([*command, f"file:{path}"], check=True)
    return path


@pytest.fixture(scope="module", autouse=True)
def ffmpeg():
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed: apt install ffmpeg")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make(tmp_path_factory.mktemp("video") / "video.mp4", *PICTURES)


def children():
    """Processes of this one that run, or were not collected."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(path.parent.name)
    return found


@pytest.fixture
def no_children():
    """Every process that the test starts is ended and collected."""
    before = children()
    yield
    assert children() <= before


def check(audio):
    assert abs(audio.duration - 3) < 0.12
    assert (audio.source_rate, audio.channels, audio.warnings) == (44100, 2, ())
    level = np.sqrt(np.mean(audio.samples[4000:24000] ** 2))
    assert abs(level - 0.2 / np.sqrt(2)) < 0.01  # the mean of 0.4 and 0
    assert np.abs(audio.samples[36000:44000]).max() < 0.01
    spectrum = np.abs(np.fft.rfft(audio.samples[4000:20000] * np.hanning(16000)))
    assert abs(np.argmax(spectrum) - 440) <= 1


@pytest.mark.parametrize(
    "name",
    ["a.mp4", "a.mkv", "a.mov", "a.avi", "a.webm", "a.ts", "a.m4a", "a.aac", "a.wma", "a.ac3",
     "a.wv", "a.caf", "a.w64", "a.flv"],
)  # fmt: skip
def test_containers(tmp_path, no_children, name):
    pictures = [] if name[2:] in ("m4a", "aac", "wma", "ac3", "wv", "caf", "w64") else PICTURES
    path = make(tmp_path / name, *pictures, *(["-ar", "44100"] if name == "a.flv" else []))
    audio = read_audio(path, RATE)
    if name == "a.webm":  # Opus has this rate alone
        assert audio.source_rate == 48000 and abs(audio.duration - 3) < 0.12
    else:
        check(audio)


@pytest.mark.parametrize("name", ["-x.mp4", "concat:a|b.mp4", "http:x.mp4", "a b'\".raw", "%d.mp4"])
def test_names(tmp_path, monkeypatch, video, no_children, name):
    shutil.copy(video, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    check(read_audio(name, RATE))


def test_bytes_and_pipes(tmp_path, video, no_children):
    check(read_audio(video.read_bytes(), RATE))
    for path in (video, make(tmp_path / "a.mkv", *PICTURES), make(tmp_path / "a.ts")):
        cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
        with cat.stdout:
            check(read_audio(cat.stdout, RATE))
        assert cat.wait() == 0


def test_no_audio_in_it(tmp_path, no_children):
    path = tmp_path / "silent.mp4"
    subprocess.run(["ffmpeg", "-v", "error", *PICTURES, path], check=True)
    with pytest.raises(AudioError, match=r"silent\.mp4: no audio in it"):
        read_audio(path, RATE)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.m3u8", "#EXTM3U\n#EXTINF:1,\nfile://{video}\n", "unknown format"),
        ("a.mp4", "#EXTM3U\n#EXTINF:1,\nfile://{video}\n", "unknown format"),
        ("a.txt", "ffconcat version 1.0\nfile '{video}'\n", "unknown format"),
        ("a.mov", "\0\0\0\x14ftypqt  #EXTM3U\nfile://{video}\n", "not readable as audio"),
        ("a.mkv", "\x1a#EXTM3U", "unknown format"),
    ],
)
def test_playlists(tmp_path, video, no_children, name, content, message):
    path = tmp_path / name
    path.write_text(content.format(video=video))
    with pytest.raises(AudioError, match=message):
        read_audio(path, RATE)


def test_truncated(tmp_path, no_children):
    path = make(tmp_path / "a.mka", "-c:a", "pcm_s16le", "-cluster_time_limit", "200")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audio = read_audio(path, RATE)
    assert 0.5 < audio.duration < 2.5
    assert audio.warnings == ("damaged or truncated? ffmpeg says: File ended prematurely",)
    path = make(tmp_path / "a.mp4", *PICTURES)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(AudioError, match="moov atom not found"):
        read_audio(path, RATE)


def test_left_early(tmp_path, no_children):
    path = tmp_path / "long.mka"
    sound = ["-f", "lavfi", "-i", "sine=duration=3600:sample_rate=8000"]
    subprocess.run(["ffmpeg", "-v", "error", *sound, "-c:a", "pcm_s16le", path], check=True)
    with open_audio(path, RATE) as stream:
        next(stream)
    with pytest.raises(AudioError, match="longer than 1 minutes"):
        read_audio(path, RATE, max_seconds=60)


def program(folder, monkeypatch, text):
    """A program of the name of ffmpeg, before all others."""
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.parametrize("before", ["", "exec >&-; "])
def test_one_that_hangs(tmp_path, monkeypatch, video, no_children, before):
    program(tmp_path, monkeypatch, before + "exec sleep 100")
    monkeypatch.setattr(containers, "STALLED_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(
        AudioError, match=r"ffmpeg (has done nothing for|does not end within) 0\.3 s"
    ):
        read_audio(video, RATE)
    assert time.monotonic() - start < 5


def test_its_memory_is_bounded(tmp_path, monkeypatch, video, no_children):
    program(tmp_path, monkeypatch, "sleep 0.3; ulimit -v >&2")
    with pytest.raises(AudioError, match=str(containers.MAX_MEMORY // 1024)):
        read_audio(video, RATE)


def test_much_to_say(tmp_path, monkeypatch, video, no_children):
    program(tmp_path, monkeypatch, "head -c 1000000 /dev/zero | tr '\\0' x >&2")
    with pytest.raises(AudioError, match="not readable as audio"):
        read_audio(video, RATE)


def test_without_ffmpeg(tmp_path, monkeypatch, video):
    monkeypatch.setenv("PATH", "")
    for path in (video, video.read_bytes()):
        with pytest.raises(AudioError, match="install ffmpeg, which may read it"):
            read_audio(path, RATE)
    with pytest.raises(AudioError) as error:
        read_audio(b"no audio at all" * 100, RATE)
    assert "ffmpeg" not in str(error.value)


def test_exact_samples(tmp_path, no_children):
    samples = np.random.default_rng(0).normal(0, 0.1, (5000, 3)).astype(np.float32)
    soundfile.write(tmp_path / "a.w64", samples, RATE, format="W64", subtype="FLOAT")
    audio = read_audio(tmp_path / "a.w64", RATE)
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=1e-6)
    expected = read_audio(encode(samples, format="WAV", subtype="FLOAT"), RATE)
    np.testing.assert_array_equal(audio.samples, expected.samples)
