"""Videos and other containers, which FFmpeg reads without following links or leaving processes."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fuzz_audio import Unseekable, encode

from asr.audio.read import open_audio, read_audio
from asr.errors import AudioError

RATE = 16000
PICTURES = ["-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=10"]


def make(path, *options):
    """Write three seconds of a tone with ffmpeg; the third second and channel 2 are silent."""
    sound = "aevalsrc=0.4*sin(2*PI*440*t)*lt(t\\,2)|0:d=3:s=44100"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", sound, *options]
    subprocess.run([*command, f"file:{path}"], check=True)
    return path


@pytest.fixture(scope="module", autouse=True)
def ffmpeg():
    """A check for the program ffmpeg, which makes the files; the tests are skipped without it."""
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed: apt install ffmpeg")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """An MP4 file with pictures and sound."""
    return make(tmp_path_factory.mktemp("video") / "video.mp4", *PICTURES)


def children():
    """Return the children of this process that run or were not collected."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # a process that has just ended
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(path.parent.name)
    return found


@pytest.fixture
def no_children():
    """A check that every process that the test starts has ended and was collected."""
    before = children()
    yield
    assert children() <= before


def check(audio):
    """Assert that audio is that of :func:`make`."""
    assert abs(audio.duration - 3) < 0.12
    assert (audio.source_rate, audio.channels, audio.warnings) == (44100, 2, ())
    level = np.sqrt(np.mean(audio.samples[4000:24000] ** 2))
    assert abs(level - 0.2 / np.sqrt(2)) < 0.01  # 0.2 is the mean of the channels, 0.4 and 0
    assert np.abs(audio.samples[36000:44000]).max() < 0.01
    spectrum = np.abs(np.fft.rfft(audio.samples[4000:20000] * np.hanning(16000)))
    assert abs(np.argmax(spectrum) - 440) <= 1


@pytest.mark.parametrize(
    "name",
    ["a.mp4", "a.mkv", "a.mov", "a.avi", "a.webm", "a.ts", "a.m4a", "a.aac", "a.wma", "a.ac3",
     "a.wv", "a.caf", "a.w64", "a.flv"],
)  # fmt: skip
def test_containers(tmp_path, no_children, name):
    """The sound of each container is read."""
    pictures = [] if name[2:] in ("m4a", "aac", "wma", "ac3", "wv", "caf", "w64") else PICTURES
    path = make(tmp_path / name, *pictures, *(["-ar", "44100"] if name == "a.flv" else []))
    audio = read_audio(path, RATE)
    if name == "a.webm":  # Opus always has this rate.
        assert audio.source_rate == 48000 and abs(audio.duration - 3) < 0.12
    else:
        check(audio)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.nut", "pcm_s64le", []), ("a.wav", "pcm_s64le", []), ("a.sox", "pcm_s32le", []),
        ("a.gsm", "libgsm", ["-ar", "8000", "-ac", "1"]), ("a.ircam", "pcm_s16le", []),
        ("a.mlp", "mlp", ["-strict", "-2"]), ("a.adx", "adpcm_adx", []), ("a.wtv", "mp2", []),
        ("a.spdif", "ac3", []),
    ],
)  # fmt: skip
def test_rarer_containers(tmp_path, name, codec, options):
    """What FFmpeg reads is read by its content, from a file and from a pipe, whatever its name."""
    muxer = ["-f", "ircam"] if name == "a.ircam" else []
    path = make(tmp_path / name, "-c:a", codec, *options, *muxer)
    for source in (path, Unseekable(path.read_bytes())):
        audio = read_audio(source, RATE)
        assert abs(audio.duration - 3) < 0.12 and audio.warnings == ()
        level = np.sqrt(np.mean(audio.samples[4000:24000] ** 2))
        assert abs(level - 0.2 / np.sqrt(2)) < 0.02
        assert np.abs(audio.samples[36000:44000]).max() < 0.02


def test_several_audio_streams(tmp_path):
    """The one that is marked as the default is read, and the other is said to be left out."""
    silence = ["-f", "lavfi", "-i", "anullsrc=r=44100:d=3"]
    both = [*silence, "-map", "1", "-map", "0", "-c:a", "aac"]
    flags = ["-disposition:a:0", "0", "-disposition:a:1", "default"]
    path = make(tmp_path / "a.mkv", *both, *flags)
    for source in (path, Unseekable(path.read_bytes())):
        audio = read_audio(source, RATE)
        assert np.abs(audio.samples[4000:24000]).max() > 0.1
        assert audio.warnings == ("1 other audio stream of the file is left out",)
    audio = read_audio(make(tmp_path / "b.mkv", *both), RATE)
    assert np.abs(audio.samples).max() == 0  # the first is the default


def test_pages_that_are_missing_in_a_pipe(tmp_path):
    """A pipe of Ogg that has lost some of its pages says so, as the file does."""
    data = make(tmp_path / "a.ogg", "-c:a", "libvorbis").read_bytes()
    starts = [found.start() for found in re.finditer(b"OggS", data)]
    assert len(starts) > 4
    damaged = data[: starts[3]] + data[starts[-1] :]
    for source in (damaged, Unseekable(damaged)):
        audio = read_audio(source, RATE)
        assert audio.duration < 2.5 and len(audio.warnings) == 1


@pytest.mark.parametrize("name", ["-x.mp4", "concat:a|b.mp4", "http:x.mp4", "a b'\".raw", "%d.mp4"])
def test_names(tmp_path, monkeypatch, video, no_children, name):
    """Names that FFmpeg would take as options, protocols or patterns are names of files."""
    shutil.copy(video, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    check(read_audio(name, RATE))


def test_bytes_and_pipes(tmp_path, video, no_children):
    """Containers are read from bytes and from pipes."""
    check(read_audio(video.read_bytes(), RATE))
    for path in (video, make(tmp_path / "a.mkv", *PICTURES), make(tmp_path / "a.ts")):
        cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
        with cat.stdout:
            check(read_audio(cat.stdout, RATE))
        assert cat.wait() == 0


def test_no_audio_in_it(tmp_path, no_children):
    """A video without sound is refused."""
    path = tmp_path / "silent.mp4"
    subprocess.run(["ffmpeg", "-v", "error", *PICTURES, path], check=True)
    with pytest.raises(AudioError, match=r"silent\.mp4: there is no audio in it"):
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
    """Playlists, which would make FFmpeg open other files, are refused."""
    path = tmp_path / name
    path.write_text(content.format(video=video))
    with pytest.raises(AudioError, match=message):
        read_audio(path, RATE)


def test_truncated(tmp_path, no_children):
    """A container that is cut off gives its sound and a warning, or an error of one line."""
    path = make(tmp_path / "a.mka", "-c:a", "pcm_s16le", "-cluster_time_limit", "200")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audio = read_audio(path, RATE)
    assert 0.5 < audio.duration < 2.5
    assert audio.warnings == (
        f"the header promises 3.0 s, the file holds {audio.duration:.1f} s: truncated?",
    )
    path = make(tmp_path / "a.mp4", *PICTURES)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(
        AudioError,
        match=r"not readable as audio \(mov\); FFmpeg cannot read it: Invalid data found",
    ):
        read_audio(path, RATE)


def test_left_early(tmp_path, no_children):
    """A long file may be left early or refused, and no process stays."""
    path = tmp_path / "long.mka"
    sound = ["-f", "lavfi", "-i", "sine=duration=3600:sample_rate=8000"]
    subprocess.run(["ffmpeg", "-v", "error", *sound, "-c:a", "pcm_s16le", path], check=True)
    with open_audio(path, RATE) as stream:
        next(stream)
    with pytest.raises(AudioError, match="longer than 1 minutes"):
        read_audio(path, RATE, max_seconds=60)


def test_no_program_is_needed(monkeypatch, video, no_children):
    monkeypatch.setenv("PATH", "")
    for source in (video, video.read_bytes()):
        check(read_audio(source, RATE))


def test_without_pyav(monkeypatch, video):
    """Without PyAV a container is refused with a hint; other formats are read."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"only FFmpeg may be able to read it, .*; pip install av"):
        read_audio(video, RATE)
    assert len(read_audio(encode(np.zeros(100), format="FLAC"), RATE).samples) == 100


def test_it_is_loaded_only_where_it_is_needed(tmp_path):
    """PyAV, which takes longer to load than a short file to read, is loaded only where it helps."""
    for container in ("WAV", "FLAC", "MP3", "OGG"):
        (tmp_path / container).write_bytes(encode(np.zeros(16000), format=container))
    program = """if True:
        import sys
        from asr.audio.read import read_audio
        for path in sys.argv[1:]:
            read_audio(path, 16000)
        assert "av" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", program, *tmp_path.iterdir()], check=True)


def test_changes_on_the_way(tmp_path):
    """A transport stream that turns from mono to stereo at 44.1 kHz is read to its end."""
    parts = []
    for number, (rate, channels) in enumerate([(32000, 1), (44100, 2)]):
        path = tmp_path / f"{number}.ts"
        sound = ["-f", "lavfi", "-i", f"sine=440:d=2:r={rate}", "-ac", str(channels)]
        command = ["ffmpeg", "-v", "error", *sound, "-output_ts_offset", str(2 * number)]
        subprocess.run([*command, "-c:a", "mp2", path], check=True)
        parts.append(path.read_bytes())
    audio = read_audio(b"".join(parts), RATE)
    assert (audio.source_rate, audio.channels) == (32000, 1)
    assert abs(audio.duration - 4) < 0.2
    for second in (0.5, 2.5):
        begin = int(second * RATE)
        spectrum = np.abs(np.fft.rfft(audio.samples[begin : begin + RATE] * np.hanning(RATE)))
        assert abs(np.argmax(spectrum) - 440) <= 1


def test_a_stream_that_appears_on_the_way(tmp_path):
    """Sound is read to its end where pictures come late and the header does not announce them."""
    sound = make(tmp_path / "sound.flv", "-ar", "44100").read_bytes()
    video = make(tmp_path / "video.flv", *PICTURES, "-ar", "44100").read_bytes()
    audio = read_audio(sound + sound[13:] * 19 + video[13:], RATE)  # without their headers
    assert audio.duration > 59


def test_exact_samples(tmp_path, no_children):
    """Uncompressed samples that FFmpeg reads are those of the file."""
    samples = np.random.default_rng(0).normal(0, 0.1, (5000, 3)).astype(np.float32)
    soundfile.write(tmp_path / "a.w64", samples, RATE, format="W64", subtype="FLOAT")
    audio = read_audio(tmp_path / "a.w64", RATE)
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=1e-6)
    expected = read_audio(encode(samples, format="WAV", subtype="FLOAT"), RATE)
    np.testing.assert_array_equal(audio.samples, expected.samples)
