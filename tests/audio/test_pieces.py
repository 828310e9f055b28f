"""A piece of a recording holds the samples that a whole reading gives there, in every format."""

import pickle
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import noise

from asr.audio import shared as shared_module
from asr.audio.decoders import open_sound
from asr.audio.inputs import Piece
from asr.audio.read import open_audio, read_audio
from asr.audio.shared import share
from asr.errors import AudioError
from asr.prefetch import prefetch_map

RATE = 16000
SECONDS = 6
PLACES = [(0.0, 1.0), (0.0, None), (1.00003, 2.5), (5.4, 0.6), (2.0, None), (3.0, 1 / RATE)]

FORMATS = {
    "plain.wav": ["-c:a", "pcm_s16le"],
    "deep.wav": ["-c:a", "pcm_s24le", "-ac", "2"],
    "alaw.wav": ["-c:a", "pcm_alaw"],
    "ima.wav": ["-c:a", "adpcm_ima_wav"],
    "a.aiff": [],
    "a.au": [],
    "a.caf": [],
    "a.w64": [],
    "a.flac": [],
    "wide.flac": ["-ar", "44100", "-ac", "2"],
    "a.mp3": ["-b:a", "32k"],
    "variable.mp3": ["-q:a", "7"],
    "uncounted.mp3": ["-q:a", "5", "-write_xing", "0"],
    "a.ogg": ["-c:a", "libvorbis"],
    "a.opus": ["-c:a", "libopus"],
    "a.m4a": ["-c:a", "aac"],
    "a.mkv": ["-c:a", "aac"],
    "a.webm": ["-c:a", "libopus"],
    "a.ts": ["-c:a", "aac"],
    "a.wma": ["-c:a", "wmav2"],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A recording of noise as WAV, from which the others are made."""
    path = tmp_path_factory.mktemp("pieces") / "source.wav"
    soundfile.write(path, noise(SECONDS * RATE, 0), RATE, subtype="PCM_16")
    return path


def make(source, name):
    """Make a recording by the program ffmpeg, or skip the test."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, *FORMATS[name], source.with_name(name)]
    if source.with_name(name).exists():
        return
    try:
        made = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no ffmpeg to make the recording")
    if made.returncode:
        pytest.skip("this ffmpeg cannot make the recording")


@pytest.mark.parametrize("name", FORMATS)
def test_a_piece_is_exact_to_the_sample(source, name):
    path = source.with_name(name)
    make(source, name)
    with open_audio(path, RATE) as stream:
        rate = stream.source_rate
    whole = read_audio(path, rate)
    for start, duration in PLACES:
        piece = read_audio(Piece(path, start, duration), rate)
        end = None if duration is None else round((start + duration) * rate)
        np.testing.assert_array_equal(piece.samples, whole.samples[round(start * rate) : end])
        assert (piece.source_rate, piece.channels) == (whole.source_rate, whole.channels)
        assert piece.warnings == ()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_piece_beyond_the_end(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(RATE, 0), RATE)
    longer = read_audio(Piece(path, 0.5, 2.0), RATE)
    assert len(longer.samples) == RATE // 2
    (warning,) = longer.warnings
    assert warning == "the piece goes on to 2.50 s, but the recording ends at 1.00 s"
    assert read_audio(Piece(path, 0.5, 0.54), RATE).warnings == ()
    with pytest.raises(AudioError, match=r"\(3.000 s to 4.000 s\): there is no sample in it"):
        read_audio(Piece(path, 3.0, 1.0), RATE)
    with pytest.raises(AudioError, match="no sample in it: it is shorter than"):
        read_audio(Piece(path, 0.5, 1e-6), RATE)


def test_a_piece_of_a_truncated_file(tmp_path):
    """What the header promises and the file does not hold is not read."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(RATE, 0), RATE)
    path.write_bytes(path.read_bytes()[: 44 + RATE])
    assert len(read_audio(Piece(path, 0.25, 0.5), RATE).samples) == RATE // 4
    assert len(read_audio(Piece(path, 0.1, 0.2), RATE).samples) == RATE // 5


def test_a_piece_reads_only_what_it_needs(tmp_path):
    """Bytes before and behind the piece are not looked at."""
    path = tmp_path / "long.wav"
    soundfile.write(path, noise(60 * RATE, 0), RATE, subtype="PCM_16")
    piece = Piece(path, 30.0, 1.0)
    expected = read_audio(piece, RATE).samples
    assert len(expected) == RATE
    content = path.read_bytes()
    first, last = 44 + 2 * 30 * RATE, 44 + 2 * 31 * RATE
    path.write_bytes(
        content[:44] + bytes(first - 44) + content[first:last] + bytes(len(content) - last)
    )
    np.testing.assert_array_equal(read_audio(piece, RATE).samples, expected)


def test_a_piece_is_resampled_by_itself(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(44100, 0), 44100, subtype="FLOAT")
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, noise(44100, 0)[11025:33075], 44100, subtype="FLOAT")
    np.testing.assert_array_equal(
        read_audio(Piece(path, 0.25, 0.5), RATE).samples, read_audio(clip, RATE).samples
    )


@pytest.mark.parametrize("name", ["variable.mp3", "a.opus", "a.m4a", "plain.wav"])
def test_pieces_that_share_a_recording(source, name):
    """Pieces are the same in any order, on any number of threads, and in another process."""
    path = source.with_name(name)
    make(source, name)
    with open_audio(path, RATE) as stream:
        rate = stream.source_rate
    starts = np.random.default_rng(0).permutation(np.arange(0, SECONDS, 0.25)).tolist()
    alone = [Piece(path, start, 0.5) for start in starts] + [Piece(path, 2.0)]
    expected = [read_audio(piece, rate).samples for piece in alone]
    shared = share(alone)
    pieces = [*shared, *share(alone[:1]), *pickle.loads(pickle.dumps(shared[:2]))]
    found = prefetch_map(lambda piece: read_audio(piece, rate).samples, pieces, 4, 8)
    for samples, right in zip(found, [*expected, expected[0], *expected[:2]], strict=True):
        np.testing.assert_array_equal(samples, right)


def test_a_shared_recording_is_decoded_once(source, monkeypatch):
    path = source.with_name("a.m4a")
    make(source, "a.m4a")
    opened = []
    monkeypatch.setattr(
        shared_module, "open_sound", lambda given: opened.append(1) or open_sound(given)
    )
    for piece in share([Piece(path, start / 10, 0.1) for start in range(50)]):
        assert read_audio(piece, RATE).duration > 0
    assert len(opened) == 1


def test_many_shared_recordings(tmp_path, monkeypatch):
    """Few are open at once; the result is the same."""
    monkeypatch.setattr(shared_module, "MAX_OPEN", 2)
    for number in range(5):
        data = noise(RATE, seed=number)
        soundfile.write(tmp_path / f"{number}.mp3", data, RATE)
    places = [(number, start) for start in (0.0, 0.5) for number in range(5)]
    alone = [Piece(tmp_path / f"{number}.mp3", start, 0.5) for number, start in places]
    for piece, single in zip(share(alone), alone, strict=True):
        np.testing.assert_array_equal(
            read_audio(piece, RATE).samples, read_audio(single, RATE).samples
        )


@pytest.mark.parametrize("limit", ["MAX_STORED", "room"])
def test_without_room_pieces_are_decoded_one_by_one(tmp_path, monkeypatch, limit):
    if limit == "room":
        monkeypatch.setattr(shared_module, "_write", lambda file, data: False)
    else:
        monkeypatch.setattr(shared_module, "MAX_STORED", 1000)
    soundfile.write(tmp_path / "a.mp3", noise(RATE, 0), RATE)
    pieces = share([Piece(tmp_path / "a.mp3", 0.25, 0.5), Piece(tmp_path / "a.mp3", 0.5, 0.25)])
    assert [len(read_audio(piece, RATE).samples) for piece in pieces] == [8000, 4000]


def test_a_shared_recording_that_cannot_be_read(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"no sound" * 1000)
    for piece in share([Piece(tmp_path / "a.mp3", 0.0, 0.5), Piece(tmp_path / "a.mp3", 0.5, 0.5)]):
        with pytest.raises(AudioError, match="not readable as audio"):
            read_audio(piece, RATE)
        with pytest.raises(AudioError, match="no such file"):
            read_audio(replace(piece, path=tmp_path / "b.mp3"), RATE)
