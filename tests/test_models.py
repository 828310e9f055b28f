"""The two trained models against their recorded scores, and against torch."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from conftest import ROOT

from asr.acoustic import AcousticSession
from asr.audio import read_audio
from asr.decoding.bundled import read_bundle
from asr.golden import check_golden
from asr.report.evaluate import evaluate
from asr.report.results import counts_from_values, score_from_values
from asr.transcriber import Transcriber

MODELS = {
    "an4": ROOT / "recipes" / "an4" / "model",
    "default": ROOT / "asr" / "models" / "default",
}
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))

both = pytest.mark.parametrize("name", MODELS)


@both
def test_size(name):
    size = sum(path.stat().st_size for path in MODELS[name].rglob("*") if path.is_file())
    assert size <= 20e6


@both
def test_golden_clips(name):
    checks = check_golden(MODELS[name])
    assert len(checks) >= 3
    assert all(check.passed for check in checks)


@both
def test_onnx_equals_torch(name):
    """In double precision: torch's single-precision FFT alone is off by up to 3e-4 in the log-probs
    of quiet recordings, the graph by less than 1e-4."""
    import torch

    from asr.training.export import load_weights
    from asr.training.model import AcousticModel

    session = AcousticSession(MODELS[name])
    info = session.info
    network = AcousticModel(info.features, info.encoder, len(info.vocabulary)).eval()
    load_weights(MODELS[name], network, info.vocabulary)
    network.double()
    waveforms = [read_audio(path, info.sample_rate).samples for path in SAMPLES]
    lengths = torch.tensor([len(samples) for samples in waveforms])
    batch = torch.zeros(len(waveforms), int(lengths.max()), dtype=torch.float64)
    for row, samples in zip(batch, waveforms, strict=True):
        row[: len(samples)] = torch.from_numpy(samples)
    with torch.inference_mode():
        expected, frames = network(batch, lengths)
    for ours, row, count in zip(session.log_probs(waveforms), expected, frames, strict=True):
        np.testing.assert_allclose(ours, row[:count].numpy(), atol=1e-4, rtol=0)


def test_the_default_model_transcribes_every_sample():
    transcriber = Transcriber()
    assert len(SAMPLES) >= 5
    for path in SAMPLES:
        assert transcriber.transcribe(path).text == path.with_suffix(".txt").read_text().strip()


@both
def test_recorded_score_on_an4_test(name, an4):
    """Rounding may turn one frame on another processor: one error more or less, no more."""
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
    from asr.scoring import score

    again = score([reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs])
    assert again == score_from_values(results["score"])


@pytest.mark.parametrize("rescore", [False, True])
def test_recorded_score_with_the_bundled_language_model(rescore, an4):
    """As above: one error more or less, no more."""
    transcriber = Transcriber(MODELS["an4"], decoder="beam", rescore=rescore)
    provenance = read_bundle(MODELS["an4"], transcriber.model).provenance
    recorded = counts_from_values(
        provenance["rescored"]["test"] if rescore else provenance["an4_test"]
    )
    evaluation = evaluate(an4 / "test.jsonl", transcriber)
    assert recorded.reference == evaluation.score.words.reference == 773
    assert abs(evaluation.score.words.errors - recorded.errors) <= 1
    assert (
        recorded.errors
        < score_from_values(transcriber.model.scores["an4_test"]["score"]).words.errors
    )


def test_the_decoding_table_is_that_of_the_model():
    values = json.loads((ROOT / "recipes/an4/decoding.json").read_text())
    info = AcousticSession(MODELS["an4"]).info
    assert values["model"] == info.hash
    greedy, *rows = values["rows"]
    assert greedy["test"] == info.scores["an4_test"]["score"]["wer"]
    bundle = read_bundle(MODELS["an4"], info)
    shipped, rescored = (row for row in rows if row["shipped"])
    assert (shipped["rescored"], rescored["rescored"]) == (False, True)
    assert {name: rescored[name] for name in asdict(bundle.options)} == asdict(bundle.options)
    alike = asdict(bundle.options).keys() - {"rescore_weight", "rescore_share"}
    assert all(shipped[name] == rescored[name] for name in alike)
    assert shipped["test"] == bundle.provenance["an4_test"]
    assert rescored["test"] == bundle.provenance["rescored"]["test"]
    assert shipped["order"] == (bundle.lm.order if bundle.lm else 0)
