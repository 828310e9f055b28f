"""Durations of imports are those that can be decoded, whatever the header says."""

import numpy as np
import pytest
import soundfile
from conftest import noise

from asr.audio.read import read_audio
from asr.data.formats.clips import read_extent
from asr.data.formats.ends import is_borne_out
from asr.errors import AudioError

RATE = 16000


def recorded(folder, suffix, seconds=3.0, channels=1):
    """Write a recording and return its path."""
    samples = noise(int(seconds * RATE) * channels).reshape(-1, channels) / 4
    soundfile.write(folder / f"a.{suffix}", samples, RATE)
    return folder / f"a.{suffix}"


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 3.0, 12.3])
def test_headers_of_whole_files_are_borne_out(tmp_path, suffix, seconds):
    path = recorded(tmp_path, suffix, seconds, channels=2)
    frames = soundfile.info(path).frames
    assert read_extent(path).frames == frames
    if suffix in ("flac", "ogg", "mp3"):
        assert is_borne_out(path, suffix, frames)


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
        assert not is_borne_out(flac, "flac", claimed)
    data = bytearray(mp3.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    assert is_borne_out(mp3, "mp3", 3 * RATE)
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") // 2).to_bytes(4, "big")
    mp3.write_bytes(data)
    assert not is_borne_out(mp3, "mp3", 3 * RATE)
    for path in (recorded(tmp_path, "flac"), recorded(tmp_path, "mp3"), ogg):
        soundfile.write(tmp_path / f"b{path.suffix}", noise(8000), RATE)
        path.write_bytes(path.read_bytes() + (tmp_path / f"b{path.suffix}").read_bytes())
        assert not is_borne_out(path, path.suffix[1:], 3 * RATE)


def test_tags_at_the_end_of_an_mp3_are_no_frames(tmp_path):
    path = recorded(tmp_path, "mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert is_borne_out(path, "mp3", 3 * RATE)


def test_recordings_without_samples_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError):
        read_extent(tmp_path / "a.wav")
