"""A decoder with attention scores the best texts of a search, of a transcriber and of commands."""

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT, noise
from decoders import ENCODING, make_decoder, write_decoder
from lm_cases import make_lm
from search_cases import random_log_probs

from asr.data.manifest import Utterance, write_manifest
from asr.decoding.attention import AttentionScorer, read_scorer
from asr.decoding.beam import BeamSearch
from asr.decoding.bundle import read_bundle
from asr.decoding.config import DecodingConfig
from asr.decoding.rescoring import attend
from asr.errors import ConfigError, DataError, ModelError
from asr.evaluation.evaluate import decoder_values
from asr.evaluation.scoring import word_errors
from asr.evaluation.tuning import ATTENTION_WEIGHTS, Tuner
from asr.lm.kneser_ney import estimate
from asr.model.calibration import Calibrator
from asr.model.directory import read_files, read_model, update_model, write_model
from asr.model.session import AcousticSession
from asr.recognition import transcriber as transcribers
from asr.recognition.transcriber import Transcriber
from asr.recognition.windows import open_windows
from asr.text import Vocabulary, normalize
from asr.training.attention_graph import build_decoder_graph
from asr.training.inference import TorchSession

VOCABULARY = Vocabulary.from_characters(" abcd")
NGRAM = estimate(["a b", "ab a", "b"], 2).model
UNPRUNED = {"beam_size": 5000, "beam_threshold": 1e9, "token_threshold": 1e9, "blank_skip": 1.0}
SAMPLE = ROOT / "samples" / "flite-slt-spelled-name.wav"


@pytest.fixture(scope="module")
def scorer():
    """A decoder with random weights for the vocabulary."""
    return AttentionScorer(build_decoder_graph(make_decoder("location")).SerializeToString())


@pytest.fixture
def encodings():
    """The encodings of five frames."""
    return np.random.default_rng(1).normal(size=(5, ENCODING)).astype(np.float32)


@pytest.fixture(scope="module", params=[{}, {"layers": 3, "pyramid": 1}])
def folder(request, tmp_path_factory):
    """A model directory with a decoder; everything in it is random."""
    folder = tmp_path_factory.mktemp("attends") / "model"
    write_decoder(folder, encoder=request.param)
    return folder


def test_by_hand(scorer, encodings):
    # Two entries have the same text; the third entry falls out of the list.
    scores = np.array([[-2.0, -1.0, -3.0], [-4.0, -1.5, -5.0], [-9.0, -2.0, -1.0], [-3, -1, -3]])
    texts = ["a b", "b", "ab", "a b"]
    options = DecodingConfig(attention_weight=0.7, attention_count=2)
    found = attend(scores, texts, scorer, encodings, VOCABULARY, options)
    assert found[2, 0] == -np.inf
    for row, old, text in zip(found, scores, texts, strict=True):
        (score,) = scorer.score(encodings, [VOCABULARY.encode(text)])
        assert row[1:].tolist() == old[1:].tolist()
        if text != "ab":
            assert row[0] == pytest.approx(old[0] + 0.7 * score, abs=1e-5)


@pytest.mark.parametrize("lm", [NGRAM, None])
def test_the_search_ranks_by_the_new_scores(scorer, encodings, lm):
    log_probs = random_log_probs(5, len(VOCABULARY), seed=3)
    options = UNPRUNED | {"attention_weight": 0.9, "attention_count": 7}
    before = BeamSearch(VOCABULARY, lm=lm, **options).n_best(log_probs, 5000)
    search = BeamSearch(VOCABULARY, lm=lm, attention=scorer, **options)
    after = search.n_best(log_probs, 5000, encodings)
    best = {VOCABULARY.decode(item.tokens).strip(): item for item in before}
    # Texts that differ in their spaces alone are one text for the decoder.
    distinct = list(dict.fromkeys(map(normalize, best)))[:7]
    assert {normalize(VOCABULARY.decode(item.tokens)) for item in after} == {*distinct}
    scores = [item.score for item in after]
    assert scores == sorted(scores, reverse=True)
    order = [item.tokens for item in after]
    assert order != [item.tokens for item in before if item.tokens in order]
    for item in after:
        text = VOCABULARY.decode(item.tokens).strip()
        (score,) = scorer.score(encodings, [VOCABULARY.encode(normalize(text))])
        assert item.score == pytest.approx(best[text].score + 0.9 * score, abs=1e-4)
        alone = search.score(log_probs, item.tokens, encodings)
        assert alone.attention_score == pytest.approx(score, abs=1e-4)
        assert alone.score == pytest.approx(item.score, abs=1e-4)
        assert (item.start_frames, item.end_frames) == (
            best[text].start_frames,
            best[text].end_frames,
        )
    stream = search.stream()
    for part in (slice(0, 2), slice(2, 2), slice(2, 5)):
        stream.feed(log_probs[part], encodings[part])
    assert stream.n_best(5000) == after


def test_encodings_that_are_not_there(scorer, encodings):
    search = BeamSearch(VOCABULARY, attention=scorer)
    log_probs = random_log_probs(5, len(VOCABULARY), seed=0)
    with pytest.raises(DataError, match="needs the encodings of its 5 frames, got none"):
        search(log_probs)
    with pytest.raises(DataError, match="needs the encodings of its 5 frames, got 4"):
        search.n_best(log_probs, 1, encodings[:4])
    with pytest.raises(DataError, match="needs the encodings of its 5 frames, got none"):
        search.score(log_probs, "a")
    assert search.n_best(log_probs[:0], 1, encodings[:0])[0].tokens == ()
    assert search.score(log_probs[:0], "", encodings[:0]).attention_score == 0


def test_rows_of_a_session(folder):
    """Encodings stand behind the log-probs, in a batch, window by window and in torch."""
    session = AcousticSession(folder)
    wide = session.with_encodings()
    symbols = len(session.info.vocabulary)
    assert session.columns == symbols < wide.columns == symbols + wide.encoding_size
    waveforms = [noise(count, count) for count in (16000, 9000, 640)]
    expected = TorchSession(folder, "cpu").with_encodings()
    rows = wide.log_probs([*waveforms, np.zeros(0, np.float32)])
    assert rows[-1].shape == (0, wide.columns)
    for ours, torchs, plain in zip(
        rows, expected.log_probs(waveforms), session.log_probs(waveforms), strict=False
    ):
        np.testing.assert_allclose(ours, torchs, atol=1e-4)
        np.testing.assert_allclose(ours[:, :symbols], plain, atol=1e-6)
    long = noise(16000 * 30)
    windows = open_windows(wide, lambda: [long], window_seconds=5.0, context_seconds=7.0)
    joined = np.concatenate([*windows.log_probs()])
    np.testing.assert_allclose(joined, wide.log_probs([long])[0], atol=1e-3)


def test_long_recordings_are_heard_in_short_chunks(folder, monkeypatch):
    """The decoder's time grows with the square of a chunk's length."""
    monkeypatch.setattr(transcribers, "SHORT_SECONDS", 1.0)
    monkeypatch.setattr(transcribers, "MAX_ATTENDED_SECONDS", 0.8)
    longest = []
    for options in ({}, {"attention": True}):
        transcriber = Transcriber(folder, decoder="beam", **options)
        decode, frames = transcriber._decode, []

        def counted(chunk, *rest, decode=decode, frames=frames):
            frames.append(len(chunk.log_probs))
            return decode(chunk, *rest)

        monkeypatch.setattr(transcriber, "_decode", counted)
        transcriber.transcribe(SAMPLE)
        longest.append(max(frames))
    assert longest[1] <= 0.8 * 25 < longest[0]


def spelled(folder, rows, **options):
    """The text of rows by the definition: the best of the list with the decoder's scores."""
    session = AcousticSession(folder)
    vocabulary, scorer = session.info.vocabulary, read_scorer(folder, session.info)
    log_probs, encodings = rows[:, : len(vocabulary)], rows[:, len(vocabulary) :]
    texts = []
    for item in BeamSearch(vocabulary, **options).n_best(log_probs, 10):
        text = normalize(vocabulary.decode(item.tokens))
        (score,) = scorer.score(np.ascontiguousarray(encodings), [vocabulary.encode(text)])
        texts.append((item.score + 2.0 * score, text))
    return max(texts)[1]


def test_a_transcriber(folder, speech, monkeypatch):
    options = {"attention": True, "attention_weight": 2.0, "lexicon": "none"}
    transcriber = Transcriber(folder, **options)
    assert transcriber.decoder == "beam" and transcriber.search.attention.kind == "location"
    assert decoder_values(transcriber)["attention"] == {"kind": "location"}
    symbols = len(transcriber.model.vocabulary)
    (rows,) = AcousticSession(folder).with_encodings().log_probs([speech])
    transcript = transcriber.transcribe(speech)
    assert transcript.text == spelled(folder, rows)
    assert transcript.text != Transcriber(folder, decoder="beam").transcribe(speech).text
    np.testing.assert_allclose(transcriber.log_probs(speech), rows[:, :symbols], atol=1e-6)
    (same,) = transcriber.log_probs_many([SAMPLE])
    assert same.shape == (len(rows), symbols)
    results = list(transcriber.transcribe_many([SAMPLE, SAMPLE]))
    assert [result.text for result in results] == [transcript.text] * 2
    torchs = Transcriber(folder, session=TorchSession(folder, "cpu"), **options)
    assert torchs.transcribe(speech).text == transcript.text
    live = transcriber.live()
    live.hear(speech)
    finals = [*live.step(), *live.finish()]
    assert finals and all(isinstance(item.text, str) for item in finals)
    monkeypatch.setattr(transcribers, "SHORT_SECONDS", 1.0)  # so that it is cut into windows
    monkeypatch.setattr(transcribers, "MAX_ATTENDED_SECONDS", 30.0)
    assert Transcriber(folder, **options).transcribe(SAMPLE).text == transcript.text


@pytest.mark.parametrize("second", [False, True])
def test_tuning_finds_the_weight(scorer, second):
    # Each text is one that the decoder prefers, and the search does not.
    lm = make_lm(words=("</s>", "<unk>", "a", "ab", "b", "ba"))[1] if second else None
    generator = np.random.default_rng(2)
    log_probs = [random_log_probs(6, len(VOCABULARY), seed=seed) for seed in range(8)]
    encodings = [generator.normal(size=(6, ENCODING)).astype(np.float32) for _ in log_probs]
    search = BeamSearch(VOCABULARY, rescore_lm=lm, attention=scorer, attention_weight=3.0)
    pairs = list(zip(log_probs, encodings, strict=True))
    best = [search.n_best(rows, 1, heard)[0] for rows, heard in pairs]
    texts = [VOCABULARY.decode(item.tokens) for item in best]
    tuner = Tuner(VOCABULARY, log_probs, texts, None, None, lm, scorer, encodings)
    tuning = tuner.tune(DecodingConfig())
    assert [item.options.attention_weight for item in tuning.attention] == [*ATTENTION_WEIGHTS]
    assert tuning.chosen in tuning.attention and tuning.chosen.options.attention_weight > 0
    assert tuning.chosen.errors.errors < tuning.attention[0].errors.errors
    for trial in tuning.attention:
        trying = search.with_options(trial.options)
        found = [trying.n_best(rows, 1, heard)[0] for rows, heard in pairs]
        hypotheses = [VOCABULARY.space_units(VOCABULARY.decode(item.tokens)) for item in found]
        references = [VOCABULARY.space_units(VOCABULARY.normalize(text)) for text in texts]
        assert word_errors(references, hypotheses) == trial.errors
    assert Tuner(VOCABULARY, log_probs, texts, None, None).tune(DecodingConfig()).attention == ()


def test_tuning_by_command(folder, small_model, tmp_path):
    info = read_model(folder)
    write_model(tmp_path / "model", info, read_files(folder, info))
    items = []
    for path in sorted((ROOT / "samples").glob("*.wav"))[:3]:
        text = path.with_suffix(".txt").read_text().strip()
        items.append(Utterance(path, soundfile.info(path).duration, text, path.stem))
    write_manifest(tmp_path / "dev.jsonl", items)
    command = ("lm", "tune", "--manifest", tmp_path / "dev.jsonl", "--attention", "--model")
    done = run(*command, tmp_path / "model")
    assert done.returncode == 0, done.stderr
    assert "word errors by weight of the decoder with attention: 0: " in done.stdout
    assert "--decoder beam --attention" in done.stdout
    info = read_model(tmp_path / "model")
    assert {"beam", "attention"} <= info.calibrators.keys() and "attention.onnx" in info.files
    weight = read_bundle(tmp_path / "model", info).options.attention_weight
    transcriber = Transcriber(tmp_path / "model", attention=True)
    assert transcriber.search.options.attention_weight == weight
    calibrators = {"beam": Calibrator(1.0, -9.0), "attention": Calibrator(1.0, 9.0)}
    update_model(tmp_path / "model", calibrators=calibrators)
    for attention, sure in ((True, True), (False, False)):
        words = Transcriber(tmp_path / "model", decoder="beam", attention=attention)
        words = words.transcribe(SAMPLE).words
        assert all((word.confidence > 0.5) == sure for word in words)
    done = run(*command, small_model)
    assert done.returncode == 1 and "has no decoder with attention" in done.stderr


def test_a_decoder_without_encodings(small_model, tmp_path):
    info, _, _ = write_decoder(tmp_path / "whole")
    decoder = (tmp_path / "whole" / "attention.onnx").read_bytes()
    files = {"model.onnx": (small_model / "model.onnx").read_bytes(), "attention.onnx": decoder}
    write_model(tmp_path / "model", info, files)
    assert Transcriber(tmp_path / "model").decoder == "greedy"
    with pytest.raises(ModelError, match=r"gives no encodings, which a decoder \(attention.onnx\)"):
        Transcriber(tmp_path / "model", attention=True)


def test_bad_combinations(folder, small_model):
    with pytest.raises(ConfigError, match=r"has no decoder with attention \(attention.onnx\)"):
        Transcriber(small_model, attention=True)
    with pytest.raises(ConfigError, match="attention: only for decoder='beam'"):
        Transcriber(folder, decoder="greedy", attention=True)
    done = run("transcribe", SAMPLE, "--model", folder, "--attention", "--attention-weight", "2")
    assert done.returncode == 0, done.stderr
    done = run("transcribe", SAMPLE, "--attention")
    assert done.returncode == 1 and "has no decoder with attention" in done.stderr
    assert done.stderr.count("\n") == 1
    done = run("transcribe", SAMPLE, "--decoder", "greedy", "--attention")
    assert done.returncode == 2 and "greedy search has no --attention" in done.stderr
    done = run("transcribe", SAMPLE, "--attention-weight", "1")
    assert done.returncode == 2 and "needs --attention" in done.stderr
