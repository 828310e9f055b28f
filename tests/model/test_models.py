"""The two trained models reach their recorded scores and agree with torch."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from conftest import ROOT

from asr.audio.read import read_audio
from asr.decoding.bundle import read_bundle
from asr.evaluation.evaluate import evaluate
from asr.evaluation.results import counts_from_values, score_from_values
from asr.model.directory import TAGGER
from asr.model.session import AcousticSession
from asr.recognition.golden import check_golden
from asr.recognition.transcriber import Transcriber

MODELS = {
    "an4": ROOT / "recipes" / "an4" / "model",
    "default": ROOT / "asr" / "models" / "default",
}
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))

both = pytest.mark.parametrize("name", MODELS)


@both
def test_size(name):
    sizes = {path.name: path.stat().st_size for path in MODELS[name].rglob("*") if path.is_file()}
    assert sizes.pop(TAGGER, 0) <= 6e6
    assert sum(sizes.values()) <= 20e6


@both
def test_golden_clips(name):
    checks = check_golden(MODELS[name])
    assert len(checks) >= 3
    assert all(check.passed for check in checks)


@both
def test_onnx_equals_torch(name):
    """The graph gives the log-probs of torch in double precision.

    Single precision rounds values far below the loudest of a frame, so that in quiet recordings
    torch itself is off. The graph is within 1e-4, or as close as torch in single precision is.
    """
    import torch

    from asr.training.export import load_weights
    from asr.training.model import AcousticModel

    session = AcousticSession(MODELS[name])
    info = session.info
    network = AcousticModel(info.features, info.encoder, len(info.vocabulary)).eval()
    load_weights(MODELS[name], network, info.vocabulary)
    waveforms = [read_audio(path, info.sample_rate).samples for path in SAMPLES]
    lengths = torch.tensor([len(samples) for samples in waveforms])
    batch = torch.zeros(len(waveforms), int(lengths.max()))
    for row, samples in zip(batch, waveforms, strict=True):
        row[: len(samples)] = torch.from_numpy(samples)
    with torch.inference_mode():
        rounded, frames = network(batch, lengths)
        expected, _ = network.double()(batch.double(), lengths)
    theirs = max(
        float((row[:count] - exact[:count]).abs().max())
        for row, exact, count in zip(rounded, expected, frames, strict=True)
    )
    assert theirs < 2e-4
    for ours, row, count in zip(session.log_probs(waveforms), expected, frames, strict=True):
        np.testing.assert_allclose(ours, row[:count].numpy(), atol=max(1e-4, theirs), rtol=0)


def test_the_default_model_transcribes_every_sample():
    transcriber = Transcriber()
    assert len(SAMPLES) >= 5
    for path in SAMPLES:
        transcript = transcriber.transcribe(path)
        assert transcript.text == path.with_suffix(".txt").read_text().strip()
        readable = path.with_suffix(".readable.txt").read_text().strip()
        assert transcript.display == readable


@both
def test_recorded_score_on_an4_test(name, an4):
    """A model makes the recorded number of errors on AN4's test set, give or take one.

    Rounding may turn one frame on another processor.
    """
    transcriber = Transcriber(MODELS[name])
    evaluation = evaluate(an4 / "test.jsonl", transcriber)
    recorded = score_from_values(transcriber.model.scores["an4_test"]["score"])
    assert recorded.words.reference == evaluation.score.words.reference == 773
    assert abs(evaluation.score.words.errors - recorded.words.errors) <= 1


def test_results_of_the_recipe_are_those_of_its_model():
    results = json.loads((ROOT / "recipes/an4/results.json").read_text())
    info = AcousticSession(MODELS["an4"]).info
    assert results["model"]["sha256"] == info.hash
    assert results["score"] == info.scores["an4_test"]["score"]
    pairs = [(item["reference"], item["hypothesis"]) for item in results["utterances"]]
    from asr.evaluation.scoring import score

    again = score([reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs])
    assert again == score_from_values(results["score"])


def test_recorded_score_with_the_bundled_search(an4):
    """Beam search makes the recorded number of errors, give or take one.

    The same holds for the second pass, where the bundle has one.
    """
    transcriber = Transcriber(MODELS["an4"], decoder="beam")
    bundle = read_bundle(MODELS["an4"], transcriber.model)
    recorded = {False: bundle.provenance["an4_test"]}
    if bundle.rescore_lm:
        recorded[True] = bundle.provenance["rescored"]["test"]
    greedy = score_from_values(transcriber.model.scores["an4_test"]["score"])
    for rescore, values in recorded.items():
        counts = counts_from_values(values)
        transcriber = Transcriber(MODELS["an4"], decoder="beam", rescore=rescore)
        words = evaluate(an4 / "test.jsonl", transcriber).score.words
        assert counts.reference == words.reference == 773
        assert abs(words.errors - counts.errors) <= 1
        assert counts.errors < greedy.words.errors


def test_the_decoding_table_is_that_of_the_model():
    values = json.loads((ROOT / "recipes/an4/decoding.json").read_text())
    info = AcousticSession(MODELS["an4"]).info
    assert values["model"] == info.hash
    greedy, *rows = values["rows"]
    assert greedy["test"] == info.scores["an4_test"]["score"]["wer"]
    bundle = read_bundle(MODELS["an4"], info)
    shipped, *rescored = (row for row in rows if row["shipped"])
    assert not shipped["rescored"] and all(row["rescored"] for row in rescored)
    assert len(rescored) == (bundle.rescore_lm is not None)
    assert "attention.onnx" not in info.files  # so that its options are in no row
    options = {k: v for k, v in asdict(bundle.options).items() if not k.startswith("attention")}
    alike = options.keys() - {"rescore_weight", "rescore_share"}
    assert all(shipped[name] == getattr(bundle.options, name) for name in alike)
    assert shipped["test"] == bundle.provenance["an4_test"]
    assert shipped["order"] == (bundle.lm.order if bundle.lm else 0)
    for row in rescored:
        assert {name: row[name] for name in options} == options
        assert row["test"] == bundle.provenance["rescored"]["test"]
