"""Causes of wrong transcripts, and the time that a transcript takes."""

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from decoders import write_decoder

from asr.data.manifest import Utterance
from asr.errors import DataError
from asr.evaluation import explanation
from asr.evaluation.attribution import CAUSES
from asr.evaluation.evaluate import RECORDINGS, measure_latency
from asr.evaluation.explanation import explain
from asr.evaluation.word_alignment import align_words
from asr.recognition.transcriber import Transcriber

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


@pytest.fixture(scope="module")
def transcriber():
    """The transcriber of the default model."""
    return Transcriber()


@pytest.fixture(scope="module")
def heard(transcriber):
    """The samples, of which only the first two have wrong texts, and their transcripts."""
    texts = [path.with_suffix(".txt").read_text().strip() for path in SAMPLES]
    texts[0] = "enter " + texts[0]
    texts[1] = "no no no"
    utterances = [
        Utterance(path, 0.0, text, path.stem) for path, text in zip(SAMPLES, texts, strict=True)
    ]
    return utterances, [transcriber.transcribe(path) for path in SAMPLES]


def test_wrong_transcripts_are_explained(transcriber, heard):
    utterances, transcripts = heard
    found = explain(utterances, transcripts, transcriber)
    assert list(found) == [item.id for item in utterances[:2]]
    for item, transcript in zip(utterances[:2], transcripts, strict=False):
        steps = align_words(item.text.split(), transcript.text.split())
        causes = found[item.id].causes
        assert [cause is None for cause in causes] == [step.kind == "C" for step in steps]
        # The wrong words were planted: the network hears no "enter".
        assert set(causes) <= {None, "acoustics"}
        picture = found[item.id].picture
        assert picture.seconds == pytest.approx(transcript.duration, abs=0.001)
        frames = picture.posteriors.shape[1] * 0.04
        assert transcript.duration <= frames < transcript.duration + 0.04
    scores = [found[item.id].label_score for item in utterances[:2]]
    assert 0 < scores[0] < scores[1]


def test_a_decoder_with_attention_takes_part(tmp_path):
    write_decoder(tmp_path / "model")
    attends = Transcriber(tmp_path / "model", attention=True, attention_weight=5.0)
    utterance = Utterance(SAMPLES[0], 0.0, "no such text", "one")
    transcript = attends.transcribe(SAMPLES[0])
    explained = explain([utterance], [transcript], attends)["one"]
    letters = transcript.text
    steps = align_words(utterance.text.split(), letters.split())
    assert len(explained.causes) == len(steps) and set(explained.causes) <= {*CAUSES}
    assert explained.picture.spelled == (*letters, "end")
    assert len(explained.picture.spikes) == len(letters)
    frames = explained.picture.posteriors.shape[1]
    assert explained.picture.attention.shape == (len(letters) + 1, frames)


def test_pictures_of_the_worst_alone(transcriber, heard, monkeypatch):
    """Only the worst utterances get pictures."""
    monkeypatch.setattr(explanation, "PICTURES", 1)
    found = explain(*heard, transcriber)
    assert [item.picture is not None for item in found.values()] == [False, True]


def test_long_recordings_are_left_out(transcriber, heard, monkeypatch):
    monkeypatch.setattr(explanation, "LONGEST", heard[1][0].duration - 0.1)
    assert heard[0][0].id not in explain(*heard, transcriber)


def test_audio_that_has_gone(transcriber, heard):
    """A recording that cannot be read any more is an error."""
    _, transcripts = heard
    gone = Utterance(ROOT / "samples" / "none.wav", 0.0, "no", "gone")
    with pytest.raises(DataError, match="it was readable when it was recognised"):
        explain([gone], [transcripts[0]], transcriber)


def test_latency_of_some(transcriber, tmp_path):
    """The latency is measured on a limited number of recordings."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    few, many = (measure_latency([path] * count, transcriber) for count in (2, 1000))
    assert (few.utterances, many.utterances) == (2, RECORDINGS)
    assert 0 < many.median <= many.p95
