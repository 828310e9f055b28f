"""Durations of imports are those that can be decoded, whatever the header says."""

import av
import numpy as np
import pytest
import soundfile
from conftest import noise

from asr.audio.extent import Extent, find_extent, read_extent
from asr.audio.read import read_audio
from asr.errors import AudioError

RATE = 16000


def recorded(folder, suffix, seconds=3.0, channels=1):
    """Write a recording and return its path."""
    samples = noise(int(seconds * RATE) * channels).reshape(-1, channels) / 4
    soundfile.write(folder / f"a.{suffix}", samples, RATE)
    return folder / f"a.{suffix}"


def patched(path, *patches):
    """Replace bytes of a file at these positions, and return its path."""
    data = bytearray(path.read_bytes())
    for at, new in patches:
        data[at : at + len(new)] = new
    path.write_bytes(data)
    return path


def halved(folder):
    """Return an MP3 whose first frame counts half of the frames."""
    path = recorded(folder, "mp3")
    data = path.read_bytes()
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    count = int.from_bytes(data[at : at + 4], "big") // 2
    return patched(path, (at, count.to_bytes(4, "big")))


def joined(folder):
    """Return two MP3 files in one, of 3 s and 1 s."""
    first = recorded(folder, "mp3").read_bytes()
    path = recorded(folder, "mp3", 1.0)
    path.write_bytes(first + path.read_bytes())
    return path


CASES = {
    "a data size that was not filled in": lambda folder: (
        patched(recorded(folder, "wav"), (40, bytes(4))), 3.0
    ),
    "a data size that stands for a pipe": lambda folder: (
        patched(recorded(folder, "wav"), (4, b"\x24\0\xff\x7f"), (40, b"\0\0\xff\x7f")), 3.0
    ),
    "half of the samples": lambda folder: (
        patched(recorded(folder, "wav", 1.5), (40, (6 * RATE).to_bytes(4, "little"))), 1.5
    ),
    "half of the count of frames": lambda folder: (halved(folder), 3.0),
    "two recordings": lambda folder: (joined(folder), 4.0),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 3.0, 12.3])
def test_headers_of_whole_files_are_borne_out(tmp_path, suffix, seconds):
    path = recorded(tmp_path, suffix, seconds, channels=2)
    assert find_extent(path) == Extent(RATE, soundfile.info(path).frames, 2)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_truncated_files_are_as_long_as_what_is_decoded(tmp_path, suffix, share):
    path = recorded(tmp_path, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    decoded = len(read_audio(path, RATE).samples)
    assert read_extent(path).frames == decoded < 3 * RATE


def test_counts_that_are_wrong_are_not_believed(tmp_path):
    """A FLAC that claims more or less than it has, an MP3 that claims half of its frames, and
    files that go on behind their end have to be decoded."""
    flac, mp3, ogg = (recorded(tmp_path, suffix) for suffix in ("flac", "mp3", "ogg"))
    data = bytearray(flac.read_bytes())
    for claimed in (2 * RATE, 4 * RATE):
        data[22:26] = claimed.to_bytes(4, "big")
        flac.write_bytes(data)
        assert find_extent(flac) is None
    data = bytearray(mp3.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    assert find_extent(mp3) == Extent(RATE, 3 * RATE, 1)
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") // 2).to_bytes(4, "big")
    mp3.write_bytes(data)
    assert find_extent(mp3) is None
    for path in (recorded(tmp_path, "flac"), recorded(tmp_path, "mp3"), ogg):
        soundfile.write(tmp_path / f"b{path.suffix}", noise(8000), RATE)
        path.write_bytes(path.read_bytes() + (tmp_path / f"b{path.suffix}").read_bytes())
        assert find_extent(path) is None


def test_tags_at_the_end_of_an_mp3_are_no_frames(tmp_path):
    path = recorded(tmp_path, "mp3")
    data = path.read_bytes()
    path.write_bytes(data + b"TAG" + bytes(125))
    assert find_extent(path) == Extent(RATE, 3 * RATE, 1)
    path.write_bytes(data + b"TAG" + bytes(125) + data)
    assert find_extent(path) is None


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_two_recordings_of_one_length_in_a_file_are_no_single_one(tmp_path, suffix):
    path = recorded(tmp_path, suffix)
    path.write_bytes(2 * path.read_bytes())
    assert find_extent(path) is None
    assert read_extent(path).frames == 6 * RATE


@pytest.mark.parametrize("name", CASES)
def test_files_that_claim_something_else_are_as_long_as_what_is_decoded(tmp_path, name):
    path, seconds = CASES[name](tmp_path)
    assert read_extent(path).seconds == pytest.approx(seconds, abs=0.05)
    assert read_extent(path).frames == len(read_audio(path, RATE).samples)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("seconds", [0.5, 2.3, 7.0])
def test_opus_of_ffmpeg_is_whole(tmp_path, rate, seconds):
    """FFmpeg counts the samples that a decoder skips at the beginning in the first page, too."""
    path = tmp_path / "a.opus"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libopus", rate=rate)
        stream.layout = "mono"
        samples = noise(int(seconds * rate))[None]
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler("s16", "mono", rate)
        for part in (*resampler.resample(frame), None):
            for packet in stream.encode(part):
                file.mux(packet)
    audio = read_audio(path, rate)
    assert abs(audio.duration - seconds) < 0.02 and audio.warnings == ()
    assert find_extent(path) == Extent(rate, len(audio.samples), 1)


def test_recordings_without_samples_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError):
        read_extent(tmp_path / "a.wav")
