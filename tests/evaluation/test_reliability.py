"""Reliability of confidences by hand and by simulation, and the fit of a bundle's calibrator."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

from asr.data.manifest import Utterance, write_manifest
from asr.decoding.bundle import Bundle, read_bundle, write_bundle
from asr.evaluation.reliability import Bin, calibrate, fit_beam, judge
from asr.model.calibration import AS_IT_IS, Calibrator, fit_calibrator
from asr.model.directory import read_files, read_model, write_model
from asr.recognition.transcriber import Transcriber


def test_calibration_by_hand():
    """Bins and the calibration error are those that were computed by hand."""
    found = calibrate([0.95, 1.0, 0.9, 0.25, 0.21], [True, True, False, False, True])
    low, high = found.bins
    assert low == Bin(0.2, 0.3, 2, pytest.approx(0.23), 0.5)
    assert high == Bin(0.9, 1.0, 3, pytest.approx(0.95), pytest.approx(2 / 3))
    assert found.words == 5
    assert found.ece == pytest.approx((2 * (0.5 - 0.23) + 3 * (0.95 - 2 / 3)) / 5)
    assert calibrate([], []) is None


def test_words_that_are_right_as_often_as_they_say():
    """Words that are right as often as their confidences say have a small error."""
    rng = np.random.default_rng(1)
    confidences = rng.random(20_000)
    correct = rng.random(20_000) < confidences
    assert calibrate(confidences.tolist(), correct.tolist()).ece < 0.02
    assert calibrate(confidences.tolist(), (~correct).tolist()).ece > 0.4


def test_judged_by_hand():
    """Each word of a hypothesis is judged right or wrong by its alignment with the reference."""
    assert judge("a b c d", "a x c c d") == [True, False, True, False, True] or (
        judge("a b c d", "a x c c d") == [True, False, False, True, True]
    )
    assert judge("", "a") == [False] and judge("a", "") == []


def test_a_bundle_is_calibrated_by_the_words_that_it_gives(tmp_path):
    source, folder = ROOT / "recipes/an4/model", tmp_path / "model"
    info = read_model(source)
    write_model(
        folder, replace(info, calibrators={"greedy": Calibrator(2.0)}), read_files(source, info)
    )
    clips = sorted((ROOT / "samples").glob("*.wav"))
    texts = [clip.with_suffix(".txt").read_text().strip() for clip in clips]
    items = [Utterance(clip, 3.0, text, clip.stem) for clip, text in zip(clips, texts, strict=True)]
    write_manifest(tmp_path / "dev.jsonl", items)
    raw = list(Transcriber(folder, decoder="beam").transcribe_many(clips))
    bundle = read_bundle(folder, info)
    calibrated = write_bundle(folder, bundle, fit_beam(folder, tmp_path / "dev.jsonl", bundle))
    assert calibrated == read_model(folder)
    assert calibrated.calibrators["greedy"] == Calibrator(2.0)
    found = calibrated.calibrators["beam"]
    confidences = [word.confidence for item in raw for word in item.words]
    correct = [
        right for text, item in zip(texts, raw, strict=True) for right in judge(text, item.text)
    ]
    assert found == fit_calibrator(confidences, correct) != AS_IT_IS
    again = list(Transcriber(folder, decoder="beam").transcribe_many(clips))
    assert [word.confidence for item in again for word in item.words] == pytest.approx(
        [found(confidence) for confidence in confidences]
    )
    # Another bundle gives other confidences, so the calibrator of the beam is dropped.
    assert write_bundle(folder, Bundle()).calibrators == {"greedy": Calibrator(2.0)}
