"""Faulty recordings, read alone and with the default model: each gives its error or warning."""

import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import soundfile
from conftest import noise
from fuzz_audio import encode, sphere

import asr
from asr.audio.read import MAX_CHANNELS, read_audio
from asr.errors import AudioError

RATE = 16000
WAV = partial(encode, format="WAV", subtype="PCM_16")
FORMATS = {
    "wav": WAV,
    "wav of 24 bits": partial(encode, format="WAV", subtype="PCM_24"),
    "rf64": partial(encode, format="RF64", subtype="PCM_16"),
    "aiff": partial(encode, format="AIFF", subtype="PCM_16"),
    "au": partial(encode, format="AU", subtype="PCM_16"),
    "sphere": sphere,
    "wav of ima adpcm": partial(encode, format="WAV", subtype="IMA_ADPCM"),
    "flac": partial(encode, format="FLAC"),
    "mp3": partial(encode, format="MP3"),
    "vorbis": partial(encode, format="OGG", subtype="VORBIS"),
    "opus": partial(encode, format="OGG", subtype="OPUS"),
}


def sine(rate, seconds=1.0, frequency=440.0):
    """Return a sine (int(rate * seconds),) float32 of amplitude 0.5."""
    times = np.arange(int(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


@pytest.fixture(scope="module")
def recording(speech):
    """Ten seconds of speech, which fill some pages of Ogg."""
    return np.tile(speech, 4)


@pytest.fixture(scope="module")
def transcriber():
    """The transcriber of the default model, on one thread."""
    return asr.Transcriber(threads=1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.wav", None, "no such file"),
        ("empty.wav", b"", r"the file is empty \(0 bytes\)"),
        ("text.wav", b"This is no audio, whatever its name says.\n" * 99, "unknown format"),
        ("zeros.mp3", bytes(5000), "unknown format"),
        ("header.wav", WAV(noise(10))[:30], "ends within its header|cut off"),
        ("header.flac", encode(noise(10), format="FLAC")[:30], "not readable as audio"),
        ("", None, "is a folder"),
        ("nul\0.wav", None, "cannot be opened"),
    ],
    ids=["missing", "empty", "text", "zeros", "wav", "flac", "folder", "name"],
)
def test_not_audio(tmp_path, transcriber, name, content, message):
    """Reading and transcribing refuse what is no audio, and the error names the file."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for read in (partial(read_audio, sample_rate=RATE), transcriber.transcribe):
        with pytest.raises(AudioError, match=message) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_fewer_frames_than_promised(tmp_path, transcriber, recording, name, share):
    """A file that is cut off gives the audio that it holds and one warning."""
    data = FORMATS[name](recording)
    path = tmp_path / "cut"
    path.write_bytes(data[: int(share * len(data))])
    audio = read_audio(path, RATE)
    # A block, page or frame that is cut is lost as a whole.
    expected = share * len(recording) / RATE
    assert expected - 1.6 < audio.duration < expected + 0.3
    (warning,) = audio.warnings
    if name in ("vorbis", "opus"):
        assert warning == "the last page is missing: truncated?"
    else:
        assert re.fullmatch(
            rf"the header promises 9\.[89] s, the file holds {audio.duration:.1f} s: truncated\?",
            warning,
        )
    assert np.abs(audio.samples[-800:]).max() > 0  # no silence stands in for the rest
    transcript = transcriber.transcribe(path)
    assert transcript.duration == audio.duration and warning in transcript.warnings


@pytest.mark.parametrize("name", FORMATS)
def test_whole_files_and_trailing_garbage(recording, name):
    """Whole files give no warning, and bytes behind the audio change nothing."""
    data = FORMATS[name](recording)
    audio = read_audio(data, RATE)
    assert audio.warnings == ()
    assert abs(audio.duration - len(recording) / RATE) < 0.05
    garbage = read_audio(data + b"garbage" * 300, RATE)
    assert garbage.warnings == ()
    assert abs(garbage.duration - audio.duration) < 0.05


def test_damage_in_the_middle(recording):
    """A file with zeros in its middle gives what can be decoded and one warning."""
    for name in ("flac", "mp3", "vorbis", "opus"):
        data = bytearray(FORMATS[name](recording))
        middle = len(data) // 2
        data[middle : middle + 3000] = bytes(3000)
        audio = read_audio(bytes(data), RATE)
        assert 0 < audio.duration < len(recording) / RATE and len(audio.warnings) == 1, name


def header(data, *fields):
    """Return ``data`` after overwriting it with ``fields``, which are (position, bytes)."""
    data = bytearray(data)
    for position, value in fields:
        data[position : position + len(value)] = value
    return bytes(data)


LARGE = (0xFFFF).to_bytes(2, "little")
IMA = encode(noise(4000), format="WAV", subtype="IMA_ADPCM")
MS = encode(noise(4000), format="WAV", subtype="MS_ADPCM")


@pytest.mark.parametrize(
    "data",
    [
        header(IMA, (38, LARGE)),  # the samples in a block
        header(IMA, (22, LARGE)),  # the channels
        header(IMA, (32, bytes(2))),
        header(MS, (38, LARGE)),
        header(MS, (32, bytes(2))),
        header(WAV(noise(100)), (32, LARGE)),
        header(WAV(noise(100)), (34, LARGE)),
        header(encode(noise(100), format="RF64"), (28, b"\xff" * 7 + b"\x7f")),
        header(encode(noise(100), format="AU"), (20, b"\xff" * 4)),
        header(encode(noise(100), format="AIFF"), (20, b"\xff" * 2)),
        sphere(noise(100), sample_count=1 << 62),
        sphere(noise(100), sample_count=-1),
        sphere(noise(100), channel_count=1 << 40),
        sphere(noise(100), sample_n_bytes=1 << 40),
        sphere(noise(100), sample_rate=10**400),
    ],
)
def test_sizes_that_overflow(transcriber, data, monkeypatch):
    """A header with absurd sizes is refused before any decoder sees the file."""
    monkeypatch.setattr(soundfile, "SoundFile", None)  # No decoder may see it.
    with pytest.raises(AudioError, match=r"contradicts itself|beyond all limits|channels;|rate"):
        transcriber.transcribe(data)


@pytest.mark.parametrize(
    ("options", "minutes"),
    [
        ({"samplerate": RATE, "format": "FLAC", "subtype": "PCM_16"}, 180),
        ({"samplerate": 48000, "format": "OGG", "subtype": "OPUS"}, 6),
    ],
)
def test_compression_bomb(tmp_path, options, minutes):
    """A small file of long audio is refused beyond the limit, and streamed in little memory."""
    path = tmp_path / "bomb"
    with soundfile.SoundFile(path, "w", channels=1, **options) as file:
        for _ in range(minutes):
            file.write(np.zeros(60 * options["samplerate"], np.int16))
    assert path.stat().st_size < 600_000
    program = """if True:
        import resource, sys
        import numpy as np
        from asr.audio.read import open_audio, read_audio
        from asr.errors import AudioError
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            read_audio(sys.argv[1], 16000, max_seconds=90)
        except AudioError as error:
            print(error)
        middle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with open_audio(sys.argv[1], 16000) as stream:
            print(sum(map(len, stream)) / 16000)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(middle - before, after - middle)
    """
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    message, seconds, memory = done.stdout.splitlines()
    assert "longer than 1.5 minutes; split it" in message
    assert float(seconds) == minutes * 60
    to_the_cap, streamed = map(int, memory.split())
    # The memory is in KiB; 90 s of float32 take 6 MB.
    assert to_the_cap < 40_000 and streamed < 10_000


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"format": "WAV", "subtype": "PCM_24"}, 1e-5),
        ({"format": "WAV", "subtype": "PCM_U8"}, 1e-2),
        ({"format": "WAV", "subtype": "PCM_32"}, 1e-6),
        ({"format": "WAV", "subtype": "DOUBLE"}, 1e-6),
        ({"format": "WAV", "subtype": "FLOAT"}, 1e-6),
        ({"format": "WAV", "subtype": "ALAW"}, 3e-2),
        ({"format": "WAV", "subtype": "ULAW"}, 3e-2),
        ({"format": "WAV", "subtype": "IMA_ADPCM"}, 6e-2),
        ({"format": "WAV", "subtype": "MS_ADPCM"}, 6e-2),
        ({"format": "WAV", "subtype": "GSM610"}, 3e-1),
        ({"format": "WAV", "subtype": "PCM_16", "endian": "BIG"}, 1e-4),
        ({"format": "WAVEX", "subtype": "PCM_16"}, 1e-4),
        ({"format": "WAVEX", "subtype": "FLOAT"}, 1e-6),
        ({"format": "RF64", "subtype": "PCM_16"}, 1e-4),
        ({"format": "NIST", "subtype": "PCM_16"}, 1e-4),
        ({"format": "NIST", "subtype": "ULAW"}, 3e-2),
        ({"format": "NIST", "subtype": "ALAW"}, 3e-2),
        ({"format": "AU", "subtype": "PCM_16"}, 1e-4),
        ({"format": "AU", "subtype": "ULAW"}, 3e-2),
        ({"format": "AU", "subtype": "DOUBLE"}, 1e-6),
        ({"format": "AIFF", "subtype": "PCM_S8"}, 1e-2),
        ({"format": "AIFF", "subtype": "PCM_16"}, 1e-4),
        ({"format": "AIFF", "subtype": "PCM_16", "endian": "LITTLE"}, 1e-4),
        ({"format": "AIFF", "subtype": "FLOAT"}, 1e-6),
        ({"format": "AIFF", "subtype": "ULAW"}, 3e-2),
        ({"format": "FLAC", "subtype": "PCM_16"}, 1e-4),
        ({"format": "FLAC", "subtype": "PCM_24"}, 1e-5),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_encodings(options, tolerance):
    """Each encoding gives the samples that were encoded, within its precision."""
    samples = sine(RATE)
    audio = read_audio(encode(samples, **options), RATE)
    assert audio.source_rate == RATE and audio.warnings == ()
    assert RATE <= len(audio.samples) < RATE + 1024  # A last compressed block is filled up.
    settled = slice(800, RATE)  # some encodings start from silence
    np.testing.assert_allclose(audio.samples[settled], samples[settled], atol=tolerance)


def test_chunks_before_and_behind_the_samples():
    """Other chunks of a WAV file, before or behind its samples, are skipped."""
    samples = sine(RATE)
    data = encode(samples, format="WAV", subtype="PCM_24")
    junk = b"LIST" + (5).to_bytes(4, "little") + b"junk!\0"
    data = data[:36] + junk + data[36:] + junk
    data = header(data, (4, (len(data) - 8).to_bytes(4, "little")))
    np.testing.assert_allclose(read_audio(data, RATE).samples, samples, atol=1e-5)
    empty = WAV(np.zeros(0)) + junk
    empty = header(empty, (4, (len(empty) - 8).to_bytes(4, "little")))
    assert len(read_audio(empty, RATE).samples) == 0


@pytest.mark.parametrize("channels", range(2, MAX_CHANNELS + 1))
def test_channels_are_averaged(channels):
    samples = np.stack([noise(1000, seed) for seed in range(channels)], axis=1)
    audio = read_audio(encode(samples, format="WAV", subtype="FLOAT"), RATE)
    assert audio.channels == channels
    np.testing.assert_allclose(audio.samples, samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("container", ["WAV", "AU", "AIFF", "NIST"])
def test_too_many_channels(transcriber, container):
    """A file with more than 16 channels is refused."""
    data = encode(np.zeros((10, MAX_CHANNELS + 1)), format=container, subtype="PCM_16")
    with pytest.raises(AudioError, match="17 channels; at most 16"):
        transcriber.transcribe(data)


@pytest.mark.parametrize("container", ["WAV", "AU", "NIST"])
@pytest.mark.parametrize("rate", [1, 1999, 10_000_000])
def test_absurd_rates(transcriber, container, rate):
    """Sample rates below 2000 Hz and above 384000 Hz are refused."""
    data = encode(np.zeros(100), rate, format=container, subtype="PCM_16")
    with pytest.raises(AudioError, match=f"sample rate {rate} Hz; needs 2000 to 384000"):
        transcriber.transcribe(data)


def test_rate_zero(transcriber):
    """A sample rate of 0 Hz is refused."""
    with pytest.raises(AudioError, match="sample rate 0 Hz"):
        transcriber.transcribe(header(WAV(np.zeros(100)), (24, bytes(4))))


@pytest.mark.parametrize("rate", [2000, 8000, 11025, 22050, 32000, 44100, 48000, 96000, 384000])
@pytest.mark.parametrize("frequency", [100.0, 440.0, 880.0])
def test_resampled_samples_are_those_of_the_sine(rate, frequency):
    data = encode(sine(rate, frequency=frequency), rate, format="WAV", subtype="FLOAT")
    audio = read_audio(data, RATE)
    assert (audio.source_rate, len(audio.samples)) == (rate, RATE)
    middle = slice(2000, -2000)  # the filter rings at the ends
    expected = sine(RATE, frequency=frequency)
    np.testing.assert_allclose(audio.samples[middle], expected[middle], atol=2e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("channel", [0, 1])
def test_samples_that_are_not_finite(transcriber, value, channel):
    """Samples that are no numbers, or huge ones, are refused with their place."""
    samples = np.stack([noise(100_000), noise(100_000)], axis=1)
    samples[81_234, channel] = value
    with pytest.raises(AudioError, match="sample 81234 is"):
        transcriber.transcribe(encode(samples, format="WAV", subtype="FLOAT"))


@pytest.mark.parametrize(
    "samples",
    [np.zeros(32000), np.full(32000, 0.7), np.full(32000, -1.0)],
    ids=["silence", "offset", "lowest"],
)
def test_no_signal(transcriber, samples):
    """Silence and constant samples give an empty text, a warning and finite log-probs."""
    transcript = transcriber.transcribe(WAV(samples))
    assert transcript.text == "" and transcript.warnings
    assert np.isfinite(transcriber.log_probs(samples.astype(np.float32))).all()


@pytest.mark.parametrize(
    "samples",
    [
        np.random.default_rng(0).uniform(-1, 1, 32000),
        np.sign(noise(32000)),
        np.tile([1.0, -1.0], 16000),
        np.eye(1, 32000, 16000)[0],
        1e8 * noise(32000),
        1e-30 * noise(32000),
    ],
    ids=["noise", "full scale", "highest frequency", "click", "loud", "faint"],
)
def test_noise_is_little_text_of_low_confidence(transcriber, samples):
    samples = samples.astype(np.float32)
    assert np.isfinite(transcriber.log_probs(samples)).all()
    transcript = transcriber.transcribe(encode(samples, format="WAV", subtype="FLOAT"))
    assert len(transcript.words) <= 4
    assert all(word.confidence < 0.9 for word in transcript.words)


@pytest.mark.parametrize("count", [0, 1, 100, 159, 399])
@pytest.mark.parametrize("rate", [8000, RATE])
def test_shorter_than_a_frame(transcriber, count, rate):
    """A recording shorter than one frame gives an empty text and a warning."""
    transcript = transcriber.transcribe(encode(noise(count * rate // RATE), rate, format="WAV"))
    assert transcript.text == "" and transcript.words == ()
    assert "shorter than one frame" in transcript.warnings[0]
