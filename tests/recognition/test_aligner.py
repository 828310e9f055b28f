"""A known text is aligned with its recording, short or long, or refused if it does not fit."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import ROOT

from asr.audio.read import read_audio
from asr.data.manifest import read_manifest
from asr.decoding.alignment import align
from asr.errors import AudioError, DataError, OutputError
from asr.recognition.aligner import Aligner
from asr.recognition.transcriber import Transcriber

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.fixture(scope="module")
def aligner():
    """An aligner with the default model."""
    return Aligner()


def text_of(path):
    """Return the text of a sample."""
    return path.with_suffix(".txt").read_text().strip()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_is_recognised_is_aligned_where_it_was_recognised(aligner, path):
    """An aligned word has the times and the confidence with which it was recognised.

    The samples are recognised without an error, so greedy search knows the times.
    """
    alignment = aligner.align(path, text_of(path))
    transcript = Transcriber().transcribe(path)
    assert alignment.text == transcript.text
    assert (alignment.duration, alignment.model) == (transcript.duration, transcript.model)
    for word, expected in zip(alignment.words, transcript.words, strict=True):
        assert word.text == expected.text
        assert abs(word.start - expected.start) <= 0.08
        assert abs(word.end - expected.end) <= 0.08
        assert word.confidence == pytest.approx(expected.confidence, abs=0.05)


def test_tokens_spell_the_text_in_order(aligner):
    path = SAMPLES[0]
    alignment = aligner.align(path, text_of(path).upper() + "\n")
    assert "".join(token.text for token in alignment.tokens) == alignment.text == text_of(path)
    times = [time for token in alignment.tokens for time in (token.start, token.end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= alignment.duration
    assert all(token.start < token.end and 0 < token.score <= 1 for token in alignment.tokens)
    first = alignment.words[0]
    scores = [token.score for token in alignment.tokens[: len(first.text)]]
    calibrator = aligner.model.calibrators["greedy"]
    assert first.confidence == pytest.approx(calibrator(np.exp(np.mean(np.log(scores)))))


def test_score_is_that_of_the_path(aligner):
    path = SAMPLES[0]
    log_probs = Transcriber().log_probs(read_audio(path, 16000).samples)
    vocabulary = aligner.model.vocabulary
    expected = align(log_probs, vocabulary.encode(text_of(path)), vocabulary.blank_id)[2]
    assert aligner.align(path, text_of(path)).score == expected


def test_bytes(aligner):
    path = SAMPLES[0]
    assert aligner.align(path.read_bytes(), text_of(path)) == aligner.align(path, text_of(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  \n", "the text is empty"),
        ("yes 42 no", r"cannot spell the word '42': its vocabulary has no \['2', '4'\]"),
        ("naïve", r"cannot spell the word 'naïve': its vocabulary has no \['ï'\]"),
        ("yes " * 100, r"flite-rms-short-answer.wav: the text needs 399 frames, the audio has"),
    ],
)
def test_texts_that_do_not_fit(aligner, text, message):
    with pytest.raises(DataError, match=message):
        aligner.align(ROOT / "samples/flite-rms-short-answer.wav", text)


def test_recordings_that_are_none(aligner, tmp_path):
    """A missing or an empty recording is refused."""
    with pytest.raises(AudioError, match="no such file"):
        aligner.align(tmp_path / "none.wav", "yes")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    with pytest.raises(DataError, match="the text needs 3 frames, the audio has 0"):
        aligner.align(tmp_path / "empty.wav", "yes")


def test_no_room_for_a_long_recording(aligner, tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *arguments):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("asr.recognition.aligner.tempfile.TemporaryFile", Full)
    soundfile.write(tmp_path / "long.wav", np.zeros(16000 * 90), 16000)
    with pytest.raises(OutputError, match="No space left on device"):
        aligner.align(tmp_path / "long.wav", "yes")


PROGRAM = """
import json, sys
from asr.recognition.aligner import Aligner
alignment = Aligner(threads=2).align(sys.argv[1], open(sys.argv[2]).read())
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({
    "words": [(word.text, word.start, word.end) for word in alignment.words],
    "duration": alignment.duration,
    "peak": int(peak[0].split()[1]) * 1024,
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_hour(an4, tmp_path):
    """An hour is aligned word for word in a small process, and its times do not drift.

    The hour is AN4's test set ten times. The words of every utterance lie inside it, even those
    that the model mishears.
    """
    rate, repeats = 16000, 10
    items = read_manifest(an4 / "test.jsonl")
    recordings = [read_audio(item.audio, rate).samples for item in items]
    samples = np.concatenate(recordings)
    with soundfile.SoundFile(tmp_path / "hour.wav", "w", rate, 1, "PCM_16") as file:
        for _ in range(repeats):
            file.write(samples)
    (tmp_path / "hour.txt").write_text("\n".join([item.text for item in items] * repeats))
    paths = [str(tmp_path / name) for name in ("hour.wav", "hour.txt")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths], capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert result["duration"] == pytest.approx(repeats * len(samples) / rate)
    assert result["peak"] < 700e6
    ends = np.cumsum([len(item) for item in recordings] * repeats) / rate
    inside, words = [], iter(result["words"])
    for item, end in zip(items * repeats, ends, strict=True):
        begin = end - item.duration
        for expected in item.text.split():
            text, start, stop = next(words)
            assert text == expected
            inside.append(begin - 0.1 <= start and stop <= end + 0.1)
    assert next(words, None) is None
    assert np.mean(inside) > 0.995
    # Each time the set is repeated, its words come later by the length of the set.
    times = np.array([start for _, start, _ in result["words"]]).reshape(repeats, -1)
    later = np.diff(times[1:-1], axis=0)
    assert np.mean(np.abs(later - len(samples) / rate) <= 0.041) > 0.995
