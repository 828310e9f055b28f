"""A model keeps the language model and the tagger of the one that it began as, if they help."""

import shutil

import pytest
import soundfile
from conftest import ROOT
from taggers import make_tagger

from asr.data.manifest import Utterance, write_manifest
from asr.decoding.bundle import Bundle, read_bundle, write_bundle
from asr.decoding.config import DecodingConfig
from asr.lm.kneser_ney import estimate
from asr.model.directory import TAGGER, read_model, update_model
from asr.model.session import AcousticSession
from asr.recognition.golden import check_golden
from asr.recognition.transcriber import Transcriber
from asr.training.config import Config, DataConfig, TrainingConfig
from asr.training.development import recognise_development
from asr.training.fit import fit
from asr.training.inheritance import inherit

AN4_MODEL = ROOT / "recipes/an4/model"
ITEMS = [
    Utterance(path, soundfile.info(path).duration,
              path.with_suffix(".txt").read_text().strip(), path.stem)
    for path in sorted((ROOT / "samples").glob("[ef]*.wav"))
]  # fmt: skip
TEXTS = [item.text for item in ITEMS]
WEIGHTS = {"beam_size": 32, "lm_weight": 0.6, "unknown_score": 0.0}


@pytest.fixture
def start(tmp_path):
    """A copy of AN4's model with a tagger, which by default has a language model of the samples."""
    folder = shutil.copytree(AN4_MODEL, tmp_path / "start")
    update_model(folder, {TAGGER: make_tagger(tmp_path)})
    return with_bundle(folder, TEXTS)


def with_bundle(folder, texts, lexicon=None, by_default=True, **options):
    config = DecodingConfig(**(WEIGHTS | options))
    bundle = Bundle(config, estimate(texts, 2, "word").model, lexicon, {"command": "asr lm tune"})
    write_bundle(folder, bundle, by_default=by_default)
    return folder


def kept_of(start):
    """Return what AN4's model, as if it were one that has just been trained, keeps of ``start``,
    and its results without."""
    session = AcousticSession(AN4_MODEL)
    greedy = recognise_development(Transcriber(AN4_MODEL, session=session), ITEMS, 1)
    return inherit(str(start), AN4_MODEL, session, ITEMS, 1, greedy), greedy


def test_what_helps_is_kept(start, capsys):
    kept, greedy = kept_of(start)
    assert kept.files.keys() == {"lm.json", "lm.ngram", TAGGER}
    assert kept.files[TAGGER] == (start / TAGGER).read_bytes()
    assert kept.development.errors.errors < greedy.errors.errors
    again = recognise_development(kept.transcriber, ITEMS, 1)
    assert again.errors == kept.development.errors
    said = capsys.readouterr().err
    assert f"the language model of {start} is kept: {kept.development.errors}" in said
    assert f"{greedy.errors} without" in said


def test_what_does_not_help_is_not_kept(start, capsys):
    with_bundle(start, ["la le lu", "lu la"], lm_weight=3.0)
    kept, _ = kept_of(start)
    assert kept is None and "is not kept: " in capsys.readouterr().err


@pytest.mark.parametrize("change", ["not by default", "a lexicon", "no language model", "gone"])
def test_what_cannot_be_kept(start, change, capsys):
    if change == "not by default":
        with_bundle(start, TEXTS, by_default=False)
        update_model(start, {}, decoder="greedy")
    elif change == "a lexicon":
        with_bundle(start, TEXTS, lexicon=("yes", "no"))
    elif change == "no language model":
        write_bundle(start, Bundle(), by_default=True)
    else:
        shutil.rmtree(start)
    kept, _ = kept_of(start)
    assert kept is None
    assert ("is not kept: " in capsys.readouterr().err) == (change == "gone")
    assert inherit("", AN4_MODEL, None, [], 1, None) is None


def test_a_training_ends_with_it(start, tmp_path):
    """The whole of it: one step of fine-tuning leaves AN4's model as good as it was."""
    manifest = tmp_path / "samples.jsonl"
    write_manifest(manifest, ITEMS)
    data = DataConfig(train=(str(manifest),), dev=(str(manifest),), cache=str(tmp_path / "cache"))
    info = read_model(AN4_MODEL)
    config = Config(
        name="tuned", data=data, features=info.features, encoder=info.encoder,
        training=TrainingConfig(
            epochs=1, average=1, init_from=str(start), accelerator="cpu", workers=0
        ),
    )  # fmt: skip
    model = fit(config, folder=tmp_path / "run")
    found = read_model(model)
    assert found.decoder == "beam" and found.calibrators.keys() == {"greedy", "beam"}
    assert {"lm.json", "lm.ngram", TAGGER} <= found.files.keys()
    assert read_bundle(model, found).provenance["model"] == str(start)
    assert all(check.passed for check in check_golden(model))
    assert f"`{start}`, and keeps its language model." in (model / "README.md").read_text()
    assert Transcriber(model).transcribe(ITEMS[0].source).tokens
