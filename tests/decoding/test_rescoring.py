"""The second pass agrees with scores by hand, and works in searches, models and commands."""

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT
from lm_cases import make_lm
from search_cases import random_log_probs

from asr.data.manifest import Utterance, write_manifest
from asr.decoding.beam import BeamSearch
from asr.decoding.bundle import Bundle, open_bundle, read_bundle, write_bundle
from asr.decoding.config import DecodingConfig
from asr.decoding.rescoring import rescore
from asr.errors import ConfigError, DataError
from asr.evaluation.tuning import LM_WEIGHTS, RESCORE_SHARES, Tuner
from asr.lm.kneser_ney import estimate
from asr.lm.recurrent_lm import RecurrentLm
from asr.model.directory import read_files, read_model, write_model
from asr.recognition.transcriber import Transcriber
from asr.text import Vocabulary, normalize

VOCABULARY = Vocabulary.from_characters(" ab")
WORDS = ("</s>", "<unk>", "a", "ab", "b", "ba")
NGRAM = estimate(["a b", "ab a", "b"], 2).model
UNPRUNED = {"beam_size": 5000, "beam_threshold": 1e9, "token_threshold": 1e9, "blank_skip": 1.0}
WEIGHTS = {"lm_weight": 0.8, "word_bonus": 0.3, "unknown_score": -1.0}


@pytest.fixture(scope="module")
def lm():
    """A recurrent language model with random weights."""
    return make_lm(words=WORDS)[1]


def test_by_hand(lm):
    """Scores are mixed as computed by hand, and a text that is listed twice counts once."""
    # Two entries have the same text; the third entry falls out of the list.
    scores = np.array([[-2.0, -1.0, -3.0], [-4.0, -1.5, -5.0], [-9.0, -2.0, -1.0], [-3, -1, -3]])
    texts = ["a b", "b", "ab", "a b"]
    options = DecodingConfig(lm_weight=0.5, rescore_weight=0.7, rescore_share=0.25, rescore_count=2)
    second = [scores.sum() * np.log(10) for scores in lm.score([lm.encode(text) for text in texts])]
    expected = []
    for (total, acoustic, first), other in zip(scores, second, strict=True):
        mixed = 0.75 * first + 0.25 * other
        expected.append([total - 0.5 * first + 0.7 * mixed, acoustic, mixed])
    found = rescore(scores, texts, lm, options)
    assert found[2, 0] == -np.inf
    np.testing.assert_allclose(found[[0, 1, 3]], np.array(expected)[[0, 1, 3]], atol=1e-4)
    nothing = DecodingConfig(lm_weight=0.5, rescore_weight=0.5, rescore_share=0.0)
    np.testing.assert_allclose(rescore(scores, texts, lm, nothing), scores)


@pytest.mark.parametrize("history", ["", "ba a"])
@pytest.mark.parametrize("sentence_ends", [True, False])
@pytest.mark.parametrize("first", [NGRAM, None])
def test_the_search_ranks_by_the_new_scores(lm, history, sentence_ends, first):
    log_probs = random_log_probs(5, 4, seed=3)
    options = (
        WEIGHTS | UNPRUNED | {"rescore_count": 5000, "rescore_weight": 0.9, "rescore_share": 0.6}
    )
    lists = []
    for second in (None, lm):
        search = BeamSearch(VOCABULARY, lm=first, rescore_lm=second, **options)
        stream = search.stream(history)
        stream.feed(log_probs)
        hypotheses = stream.n_best(5000, sentence_ends)
        lists.append({VOCABULARY.decode(item.tokens).strip(): item for item in hypotheses})
    before, after = lists
    assert before.keys() == after.keys() and len(before) > 50
    scores = [item.score for item in after.values()]
    assert scores == sorted(scores, reverse=True) and list(before) != list(after)
    for text, item in after.items():
        other = lm.score_texts([text], history, sentence_ends)[0] if text else 0.0
        mixed = 0.4 * before[text].lm_score + 0.6 * other
        assert item.lm_score == pytest.approx(mixed, abs=1e-3)
        change = 0.9 * mixed - 0.8 * before[text].lm_score
        assert item.score == pytest.approx(before[text].score + change, abs=1e-3)
        assert item.tokens == before[text].tokens


def test_confidences_are_those_of_the_texts_that_are_left(lm):
    log_probs = random_log_probs(8, 4, seed=4)
    options = WEIGHTS | UNPRUNED | {"rescore_share": 1.0}
    several, alone = (
        BeamSearch(VOCABULARY, lm=NGRAM, rescore_lm=lm, rescore_count=count, **options)
        for count in (100, 1)
    )
    assert min(several(log_probs).log_posteriors) < -0.1
    only = alone.n_best(log_probs, 9)
    assert len({normalize(VOCABULARY.decode(item.tokens)) for item in only}) == 1
    assert only[0].tokens and np.exp(only[0].log_posteriors) == pytest.approx(1.0)


def test_without_texts(lm):
    """A search that finds no text rescores nothing."""
    search = BeamSearch(VOCABULARY, lexicon=["ab"], rescore_lm=lm)
    assert search(np.zeros((0, 4), np.float32)).tokens == ()
    certain = np.log(np.array([[1e-9, 1e-9, 1 - 3e-9, 1e-9]], np.float32))  # "a", which is no word
    assert search(certain).tokens == ()


def test_tuning_finds_the_share(lm):
    # Each text is one that the second model prefers, and the first does not.
    log_probs = [random_log_probs(6, 4, seed=seed) for seed in range(6)]
    search = BeamSearch(VOCABULARY, lm=NGRAM, rescore_lm=lm, rescore_share=1.0, lm_weight=1.0)
    texts = [VOCABULARY.decode(search(item).tokens).strip() for item in log_probs]
    tuner = Tuner(VOCABULARY, log_probs, texts, NGRAM, None, lm)
    tuning = tuner.tune(DecodingConfig())
    assert [len(row) for row in tuning.rescoring] == [len(RESCORE_SHARES)] * len(LM_WEIGHTS)
    trials = [trial for row in tuning.rescoring for trial in row]
    assert tuning.chosen in trials
    assert tuning.chosen.errors.errors < tuning.first.errors.errors
    assert tuner.trial(tuning.chosen.options, rescore=True).errors == tuning.chosen.errors
    assert Tuner(VOCABULARY, log_probs, texts, NGRAM, None).tune(DecodingConfig()).rescoring == ()


@pytest.fixture
def folder(small_model, tmp_path):
    """A copy of the small model, into which a test may write a bundle."""
    info = read_model(small_model)
    write_model(tmp_path / "model", info, read_files(small_model, info))
    return tmp_path / "model"


def test_in_a_model_directory(folder, lm, tmp_path, speech):
    with pytest.raises(ConfigError, match=r"has no recurrent language model \(lm.onnx\) to resc"):
        Transcriber(folder, decoder="beam", rescore=True)
    info = write_bundle(folder, Bundle(DecodingConfig(lm_weight=1.0), NGRAM, rescore_lm=lm))
    assert "lm.onnx" in info.files
    assert read_bundle(folder, info).rescore_lm.words == WORDS
    assert Transcriber(folder, decoder="beam").search.rescore_lm is None
    rescoring = Transcriber(folder, decoder="beam", rescore=True, rescore_weight=1.0)
    assert rescoring.search.rescore_lm.words == WORDS
    assert rescoring.transcribe(speech).text is not None
    (tmp_path / "other.onnx").write_bytes(make_lm(words=(*WORDS, "c"))[1].data)
    other = Transcriber(folder, decoder="beam", rescore_lm=tmp_path / "other.onnx")
    assert other.search.rescore_lm.words == (*WORDS, "c")
    assert open_bundle(folder, info, rescore_lm="none").rescore_lm is None
    (tmp_path / "other.onnx").write_bytes(b"")
    with pytest.raises(DataError, match="not a recurrent language model"):
        open_bundle(folder, info, rescore_lm=tmp_path / "other.onnx")


def test_the_commands(folder, tmp_path):
    (tmp_path / "lm.onnx").write_bytes(make_lm(words=WORDS)[1].data)
    samples = sorted((ROOT / "samples").glob("*.wav"))[:2]
    items = []
    for path in samples:
        text = path.with_suffix(".txt").read_text().strip()
        items.append(Utterance(path, soundfile.info(path).duration, text, path.stem))
    write_manifest(tmp_path / "dev.jsonl", items)
    command = ("lm", "tune", "--manifest", tmp_path / "dev.jsonl", "--model", folder)
    done = run(*command, "--rescore-lm", tmp_path / "lm.onnx")
    assert done.returncode == 0, done.stderr
    assert "by LM weight and share of the recurrent model" in done.stdout
    assert isinstance(read_bundle(folder, read_model(folder)).rescore_lm, RecurrentLm)
    done = run("transcribe", samples[0], "--model", folder, "--decoder", "beam", "--rescore")
    assert done.returncode == 0, done.stderr
    done = run("transcribe", samples[0], "--model", folder, "--rescore-share", "0.5")
    assert done.returncode == 2 and "needs --rescore or --rescore-lm" in done.stderr
    done = run("transcribe", samples[0], "--decoder", "greedy", "--rescore")
    assert done.returncode == 2 and "greedy search has no --rescore" in done.stderr
    done = run(*command, "--rescore-lm", "none")
    assert done.returncode == 0 and "lm.onnx" not in read_model(folder).files
