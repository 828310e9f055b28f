"""German, Greek, Hindi and Japanese texts go from manifests to scores, by character or piece."""

import dataclasses
import itertools
import json
import math
import unicodedata

import numpy as np
import pytest
import soundfile
from conftest import make_info, make_network, noise, write_network
from hypothesis import given
from hypothesis import strategies as st
from languages import ALL, SPACED, vocabulary_of

from asr.cli.main import app
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.data.validation import validate
from asr.decoding.beam import BeamSearch
from asr.decoding.greedy import greedy
from asr.decoding.hotwords import build_hotwords
from asr.errors import ConfigError, DataError, ModelError
from asr.evaluation.attribution import attribute
from asr.evaluation.evaluate import evaluate, results_values
from asr.evaluation.explanation import explain
from asr.evaluation.normalization import find_normalization
from asr.evaluation.results import write_results
from asr.lm.kneser_ney import estimate
from asr.model.config import EncoderConfig
from asr.model.directory import read_files, read_model, write_model
from asr.recognition.aligner import Aligner, align_tokens
from asr.recognition.transcriber import Transcriber
from asr.recognition.words import join_words, to_words
from asr.report.page import write_report
from asr.text import BLANK, Vocabulary, min_frames, normalize
from asr.training.config import AugmentConfig, Config, DataConfig, TrainingConfig

CASES = [(name, unit) for name in ALL for unit in ("character", "piece")]
each = pytest.mark.parametrize(("name", "unit"), CASES)


def spell(ids, size, seed=0):
    """Return log-probs (frames, V) whose best path by far is ``ids``, with a blank before each."""
    path = [0, *itertools.chain(*((id, 0) for id in ids))]
    logits = np.random.default_rng(seed).normal(0, 1, (len(path), size))
    logits[np.arange(len(path)), path] += 14
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


@pytest.mark.parametrize(
    ("written", "form", "inside"),
    [
        ("GRO\u0308SSE STRAßE", "NFC", "grösse straße"),
        ("Mu\u0308ller", "NFC", "müller"),
        ("ΟΔΟΣ ΣΤΟΥΣ", "NFC", "οδος στους"),
        ("και\u0301", "NFC", "καί"),
        ("बाज\u093cार", "NFC", "बाज\u093cार"),
        ("बा\u095bार", "NFC", "बाज\u093cार"),  # NFC never composes U+095B
        ("क्षमा", "NFC", "क्षमा"),
        ("ｶﾞﾗｽ", "NFC", "ｶﾞﾗｽ"),
        ("ｶﾞﾗｽ　ＡＢＣ", "NFKC", "ガラス abc"),
        ("カ\u3099ラス", "NFC", "ガラス"),
        ("℃", "NFKC", "°c"),
    ],
)
def test_normal_forms(written, form, inside):
    assert normalize(written, form) == inside


@given(st.text(), st.sampled_from(["NFC", "NFKC"]))
def test_normal_forms_are_final(text, form):
    once = normalize(text, form)
    assert normalize(once, form) == once
    # A text in the default form stays as it is, so the other form gives the same result.
    assert normalize(normalize(text), form) == normalize(normalize(normalize(text)), form)


def test_capitals_whose_accent_has_a_letter_only_in_lower_case():
    assert normalize("\u0399\u0308\u0301") == normalize("\u03b9\u0308\u0301") == "\u0390"


@each
def test_texts_go_through_the_vocabulary_and_come_back(name, unit):
    vocabulary, texts = vocabulary_of(name, unit)
    for text in texts:
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        spans = vocabulary.word_spans(ids)
        words = [vocabulary.decode(ids[first:last]).strip() for first, last in spans]
        assert words == vocabulary.split_words(text)
        if vocabulary.spaced:
            assert words == text.split()
        else:
            assert "".join(words) == text
        assert vocabulary.join_units(vocabulary.space_units(text).split()) == text
    if unit == "piece":
        assert sum(map(len, map(vocabulary.encode, texts))) < sum(map(len, texts))


def alphabets():
    """Return a strategy that draws vocabularies of characters or pieces over any letters."""
    letters = st.characters(exclude_categories=["Cs", "Z", "Cc"], exclude_characters="▁")

    @st.composite
    def draw(draw):
        known = draw(st.lists(letters, min_size=1, max_size=6, unique=True))
        spaced = draw(st.booleans())
        if draw(st.booleans()):
            return Vocabulary.from_characters([*known, " "], spaced=spaced)
        marks = st.sampled_from(["", "▁"])
        piece = st.builds("{}{}".format, marks, st.text(known, min_size=1, max_size=3))
        tokens = dict.fromkeys(["▁", *known, *draw(st.lists(piece, max_size=8))])
        scores = draw(st.lists(st.floats(-9, 0), min_size=len(tokens), max_size=len(tokens)))
        return Vocabulary((BLANK, *tokens), (0.0, *scores), spaced=spaced)

    return draw()


@given(alphabets(), st.data())
def test_any_text_comes_back(vocabulary, data):
    letters = [token for token in vocabulary.tokens[1:] if len(token) == 1 and token != "▁"]
    text = data.draw(st.text([*letters, " "], max_size=20))
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    text = " ".join(text.split())
    ids = vocabulary.encode(text)
    info = dataclasses.replace(make_info(), vocabulary=vocabulary)
    hypothesis = greedy(spell(ids, len(vocabulary)), 0)
    assert hypothesis.tokens == tuple(ids)
    words = to_words(hypothesis, info, 100.0)
    assert join_words(words) == text
    assert [word.text for word in words] == vocabulary.split_words(text)


@given(alphabets(), st.data())
def test_pieces_are_the_best_of_all_divisions(vocabulary, data):
    letters = [token for token in vocabulary.tokens[1:] if len(token) == 1 and token != "▁"]
    text = data.draw(st.text([*letters, " "], min_size=1, max_size=6))
    if not vocabulary.scores:
        return
    spelled = "▁" * vocabulary.spaced + text.replace(" ", "▁")
    scores = dict(zip(vocabulary.tokens, vocabulary.scores, strict=True))

    def divisions(rest):
        if not rest:
            yield 0.0
        for end in range(1, len(rest) + 1):
            if rest[:end] in scores:
                yield from (scores[rest[:end]] + more for more in divisions(rest[end:]))

    found = sum(vocabulary.scores[id] for id in vocabulary.encode(text))
    assert found == pytest.approx(max(divisions(spelled)), abs=1e-4)


@each
def test_decoders_give_what_the_log_probs_spell(name, unit):
    vocabulary, texts = vocabulary_of(name, unit)
    info = dataclasses.replace(make_info(), vocabulary=vocabulary)
    words = [word for text in texts for word in text.split()]
    searches = [BeamSearch(vocabulary), BeamSearch(vocabulary, hotwords={words[0]: 2.0})]
    if vocabulary.spaced:
        lm = estimate(texts, 2).model
        searches += [BeamSearch(vocabulary, lm=lm), BeamSearch(vocabulary, lexicon=words)]
        searches += [BeamSearch(vocabulary, lm=lm, lexicon=words)]
    elif unit == "character":
        searches += [BeamSearch(vocabulary, lm=estimate(texts, 2, "token").model)]
    for seed, text in enumerate(texts):
        ids = vocabulary.encode(text)
        log_probs = spell(ids, len(vocabulary), seed)
        duration = len(log_probs) * 0.04
        found = [greedy(log_probs, 0), align_tokens(log_probs, ids, 0)]
        found += [search(log_probs) for search in searches]
        for hypothesis in found:
            assert hypothesis.tokens == tuple(ids)
            words = to_words(hypothesis, info, duration)
            assert join_words(words) == text
            times = [time for word in words for time in (word.start, word.end)]
            assert times == sorted(times) and times[0] >= 0 and times[-1] <= duration
            assert all(0.5 < word.confidence <= 1 for word in words)
        stream = searches[0].stream()
        for row in np.array_split(log_probs, 3):
            stream.feed(row)
        assert stream.n_best(1)[0].tokens == tuple(ids)


@pytest.mark.parametrize("name", SPACED)
def test_a_closed_lexicon_mends_words_of_pieces(name):
    vocabulary, texts = vocabulary_of(name, "piece")
    ids = vocabulary.encode(texts[0])
    log_probs = spell(ids, len(vocabulary))
    first = vocabulary.split_words(texts[0])[0]
    others = [word for text in texts for word in text.split() if word != first]
    search = BeamSearch(vocabulary, lexicon=others, token_threshold=40, beam_threshold=400)
    text = vocabulary.decode(search(log_probs).tokens)
    assert text != texts[0] and set(text.split()) <= set(others)
    assert BeamSearch(vocabulary, lexicon=others, hotwords={first: 0.0}).allows(texts[0])
    assert not search.allows(texts[0])


PIECES = Vocabulary((BLANK, "▁", "a", "b", "▁a", "ab"), (0.0, -2.0, -3.0, -3.0, -1.4, -2.5))
MARK, MARKED = 1, 4
LEXICON = ["a", "ab", "ba"]
HOT = {"ab": 1.5, "a b": 2.0, "b": -0.5}


def words_of(tokens):
    """Return the words of a sequence of pieces, each as its pieces without the bare mark."""
    words = [[]]
    for token in tokens:
        if token in (MARK, MARKED):
            words.append([])
        if token != MARK:
            words[-1].append(token)
    return [tuple(word) for word in words if word]


def spelled(word):
    """Return the pieces that a word is encoded as, without the bare mark."""
    return words_of(PIECES.encode(word))[0]


def text_score(tokens, lm, lexicon, hotwords, options):
    """Return the score of pieces without their acoustics, or None if the lexicon forbids them."""
    words = words_of(tokens)
    hot_words = " ".join(hotwords).split()
    known = {spelled(word): word for word in [*LEXICON, *hot_words]}
    if lexicon is not None:
        if not set(words) <= set(known):
            return None
        if any(a == MARK and b in (MARK, MARKED) for a, b in itertools.pairwise(tokens)):
            return None
    score = options["word_bonus"] * len(words)
    if lm is not None:
        texts = known if lexicon is not None else {spelled(word): word for word in lm.words[3:]}
        ids = [lm.word_id(texts.get(word, "<unk>")) for word in words]
        scores = lm.score([ids])[0] if words else np.zeros(1)  # silence is no sentence
        score += options["lm_weight"] * math.log(10) * float(scores.sum())
        score += options["unknown_score"] * ids.count(lm.unknown_id)
    for hot, boost in hotwords.items():
        phrase = tuple(PIECES.encode(hot))
        phrase = phrase[phrase[0] == MARK :]
        for begin in range(len(tokens)):
            end = begin + len(phrase)
            before = begin == 0 or tokens[begin - 1] == MARK or tokens[begin] == MARKED
            after = end == len(tokens) or tokens[end : end + 1] in ((MARK,), (MARKED,))
            score += boost * (tokens[begin:end] == phrase and before and after)
    return score


SEARCHES = {
    "plain": {},
    "bonus": {"word_bonus": 0.8},
    "words": {"lm": 2},
    "lexicon": {"lexicon": LEXICON},
    "lexicon and words": {"lexicon": LEXICON, "lm": 2},
    "hot words": {"hotwords": HOT},
    "all": {"hotwords": HOT, "lexicon": LEXICON, "lm": 2, "word_bonus": 0.2},
}


@pytest.mark.parametrize("case", SEARCHES)
@pytest.mark.parametrize("frames", [1, 3, 5])
def test_beam_search_over_pieces_is_the_sum_over_all_paths(case, frames):
    values = dict(SEARCHES[case])
    order = values.pop("lm", None)
    lm = estimate(["a", "ba ab a", "b a", "ab ba"], order).model if order else None
    lexicon, hotwords = values.pop("lexicon", None), values.pop("hotwords", {})
    options = {"lm_weight": 0.7, "word_bonus": 0.0, "unknown_score": -2.0} | values
    search = BeamSearch(
        PIECES, lm=lm, lexicon=lexicon, hotwords=hotwords, beam_size=8192,
        beam_threshold=math.inf, token_threshold=math.inf, blank_skip=1.0, **options,
    )  # fmt: skip
    logits = np.random.default_rng(frames).normal(0, 1.5, (frames, len(PIECES)))
    log_probs = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    acoustic = {}
    for path in itertools.product(range(len(PIECES)), repeat=frames):
        tokens = tuple(token for token, _ in itertools.groupby(path) if token)
        score = sum(float(log_probs[t, token]) for t, token in enumerate(path))
        acoustic[tokens] = np.logaddexp(acoustic.get(tokens, -math.inf), score)
    expected = {}
    for tokens, score in acoustic.items():
        more = text_score(tokens, lm, lexicon, hotwords, options)
        if more is not None:
            expected[tokens] = score + more
    best = {}
    for tokens, score in expected.items():
        text = PIECES.decode(tokens).strip()
        best[text] = max(best.get(text, -math.inf), score)
    found = search.n_best(log_probs, 100000)
    assert {PIECES.decode(item.tokens).strip() for item in found} == best.keys()
    for item in found:
        assert item.score == pytest.approx(expected[item.tokens], abs=1e-4)
        assert item.score == pytest.approx(best[PIECES.decode(item.tokens).strip()], abs=1e-4)


def test_a_text_in_other_pieces_is_no_error_of_the_search():
    """Greedy decoding takes the best path, ▁ a b, whatever the pieces that were trained on."""
    probs = np.full((5, len(PIECES)), 1e-6)
    for frame, tokens in enumerate([(MARK,), (0,), (2, 3), (0,), (3, 2)]):
        probs[frame, tokens[0]] = 0.9
        probs[frame, tokens[-1]] += 0.05
    log_probs = np.log(probs / probs.sum(1, keepdims=True)).astype(np.float32)
    assert [PIECES.tokens[id] for id in PIECES.encode("ab")] == ["▁a", "b"]
    for search in (None, BeamSearch(PIECES)):
        assert attribute("ba", "ab", log_probs, PIECES, search) == ("acoustics",)


@given(
    st.dictionaries(
        st.text("今日は", min_size=1, max_size=4), st.floats(-3, 3), min_size=1, max_size=5
    ),
    st.text("今日は", max_size=20),
)
def test_hot_words_stand_anywhere_where_words_are_not_spaced(boosts, text):
    vocabulary = Vocabulary.from_characters("今日は", spaced=False)
    automaton = build_hotwords(boosts, vocabulary)
    state, gain = 0, 0.0
    for token in vocabulary.encode(text):
        gain += automaton.gain[state]
        state = automaton.next[state, token]
    expected = sum(
        boost * sum(text.startswith(hot, at) for at in range(len(text)))
        for hot, boost in boosts.items()
    )
    assert gain + automaton.gain[state] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "unit", "options", "message"),
    [
        ("Japanese", "character", {"lexicon": ["今日"]}, "needs a vocabulary with a space"),
        ("German", "piece", {"lm": "token"}, "a language model of words, not of characters"),
    ],
)
def test_what_a_search_cannot_do(name, unit, options, message):
    """A search refuses lexicons and language models that do not suit its vocabulary."""
    vocabulary, texts = vocabulary_of(name, unit)
    if "lm" in options:
        options = {"lm": estimate(texts, 2, options["lm"]).model}
    with pytest.raises(DataError, match=message):
        BeamSearch(vocabulary, **options)


def make_corpus(folder, name):
    """Write noise of a different length for each text, by which ``Spelling`` tells them apart."""
    items = []
    for index, text in enumerate(ALL[name]):
        path = folder / f"{index}.wav"
        soundfile.write(path, noise(24000 + 1600 * index, seed=index), 16000)
        items.append(Utterance(path, 1.5 + 0.1 * index, text, f"{index}", f"s{index % 3}"))
    # The texts are written as they came, with combining marks, half-width letters and capitals,
    # and not in the normal form that a model uses inside.
    write_manifest(folder / "all.jsonl", items)
    return folder / "all.jsonl"


class Spelling:
    """A stand-in for a network, which spells the text that belongs to the length of a waveform."""

    at_once = 1

    def __init__(self, info, texts):
        self.info = info
        self._ids = {round(1.5 + 0.1 * i, 3): text for i, text in enumerate(texts)}

    def log_probs(self, waveforms):
        vocabulary = self.info.vocabulary
        ids = [vocabulary.encode(self._ids[round(len(x) / 16000, 3)]) for x in waveforms]
        return [spell(item, len(vocabulary)) for item in ids]


def run_config(manifest, name, unit):
    """Return the configuration of a small run on the sentences of a language."""
    vocabulary, _ = vocabulary_of(name, unit)
    return Config(
        data=DataConfig(
            train=(str(manifest),), dev=(str(manifest),), max_duration=3.0, unit=unit,
            pieces=len(vocabulary) - 1, unicode=vocabulary.unicode, spaced=vocabulary.spaced,
            cache=str(manifest.parent / "cache"),
        ),
        encoder=EncoderConfig(layers=1, hidden_size=8, channels=2, reduction=2),
        augment=AugmentConfig(speeds=(1.0,)),
        training=TrainingConfig(epochs=1, batch_seconds=12.0, accelerator="cpu"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "unit"),
    [("German", "piece"), ("Greek", "character"), ("Hindi", "piece"), ("Japanese", "piece")],
)
def test_from_texts_to_scores(name, unit, tmp_path, capsys):
    from asr.training import fit as training

    manifest = make_corpus(tmp_path, name)
    folder = training.fit(run_config(manifest, name, unit), folder=tmp_path / "run")
    info = read_model(folder)
    vocabulary, texts = vocabulary_of(name, unit)
    assert info.vocabulary == vocabulary
    assert list(info.scores["dev"]) == ["wer" if vocabulary.spaced else "cer"]
    rate = "WER" if vocabulary.spaced else "CER"
    assert f"dev {rate}" in capsys.readouterr().err
    for decoder in ("greedy", "beam"):
        trained = evaluate(manifest, Transcriber(folder, decoder=decoder))  # it has learned nothing
        assert trained.score.sentences == len(texts)
        transcriber = Transcriber(folder, decoder=decoder, session=Spelling(info, texts))
        evaluation = evaluate(manifest, transcriber, [manifest])
        assert [item.text for item in evaluation.transcripts] == texts
        assert evaluation.score.sentence_errors == 0
        assert evaluation.score.words.reference == sum(
            len(text.split() if vocabulary.spaced else text.replace(" ", "")) for text in texts
        )
        assert not any("outside its domain" in str(x.warnings) for x in evaluation.transcripts)
    wrong = [texts[1], *texts[1:]]
    transcriber = Transcriber(folder, session=Spelling(info, wrong))
    evaluation = evaluate(manifest, transcriber)
    explanations = explain(evaluation.utterances, evaluation.transcripts, transcriber)
    assert set(explanations["0"].causes) - {None} == {"acoustics"}
    values = results_values(evaluation, transcriber, explanations)
    write_report(tmp_path / "report", [write_results(tmp_path / "report", values)])
    assert evaluation.score.sentence_errors == 1
    assert values["normalization"]["unit"] == ("word" if vocabulary.spaced else "character")
    assert values["utterances"][1]["hypothesis"] == vocabulary.space_units(texts[1])
    for item in values["utterances"]:
        assert len(item["words"]) == len(item["hypothesis"].split())


@each
def test_manifests_and_texts_as_they_came_meet_a_model(name, unit, tmp_path):
    vocabulary, texts = vocabulary_of(name, unit)
    info = dataclasses.replace(make_info(reduction=2), vocabulary=vocabulary)
    write_network(tmp_path / "model", make_network(info), info)
    manifest = make_corpus(tmp_path, name)

    def num_frames(seconds):
        return info.num_frames(int(16000 * seconds))

    assert validate(manifest, vocabulary, num_frames).problems == []
    (first, *_), written = read_manifest(manifest), ALL[name][0]
    aligned = Aligner(tmp_path / "model").align(first.audio, unicodedata.normalize("NFD", written))
    assert aligned.text == join_words(aligned.words) == texts[0]
    assert "".join(token.text for token in aligned.tokens).replace("▁", " ").strip() == texts[0]


def test_a_run_of_pieces_goes_on_and_is_fine_tuned(tmp_path):
    from asr.training import fit as training

    manifest = make_corpus(tmp_path, "German")
    config = run_config(manifest, "German", "piece")
    two = dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=2))
    training.fit(two, folder=tmp_path / "run")
    pieces = tmp_path / "run" / "pieces.json"
    values = json.loads(pieces.read_text())
    values["scores"][1] -= 0.5  # another version of sentencepiece might give other scores
    pieces.write_text(json.dumps(values))
    record = tmp_path / "run" / "data.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"scores": values["scores"]}))
    info = read_model(training.fit(two, resume=True, folder=tmp_path / "run"))
    assert list(info.vocabulary.scores) == values["scores"]
    tuned = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, unit="character"),
        training=dataclasses.replace(config.training, init_from=str(tmp_path / "run" / "model")),
    )
    info = read_model(training.fit(tuned, folder=tmp_path / "tuned"))
    assert info.vocabulary == vocabulary_of("German", "character")[0]


def test_texts_too_long_in_characters_may_fit_in_pieces():
    for name in ALL:
        letters, texts = vocabulary_of(name, "character")
        pieces, _ = vocabulary_of(name, "piece")
        frames = [sum(min_frames(v.encode(text)) for text in texts) for v in (letters, pieces)]
        assert frames[1] < frames[0]


def test_what_a_model_says_of_its_text(small_model, tmp_path):
    """A description keeps the form of the model's texts, and an old one has the default form."""
    files = read_files(small_model, read_model(small_model))
    description = json.loads((small_model / "model.json").read_text())
    assert description["text"] == {"unicode": "NFC", "spaced": True}
    old = tmp_path / "old"
    info = read_model(small_model)
    write_model(old, info, files)
    values = json.loads((old / "model.json").read_text())
    del values["text"]
    (old / "model.json").write_text(json.dumps(values))
    assert read_model(old) == info
    letters = Vocabulary(info.vocabulary.tokens, unicode="NFKC", spaced=False)
    tokens = ("▁", *(token for token in letters.tokens[1:] if token != " "), "▁a")
    marked = Vocabulary((BLANK, *tokens), tuple(-0.1 * i for i in range(len(tokens) + 1)))
    for vocabulary in (letters, marked):
        changed = dataclasses.replace(info, vocabulary=vocabulary)
        write_model(tmp_path / "new", changed, files)
        assert read_model(tmp_path / "new") == changed
    for text, message in [
        ({"unicode": "NFD"}, "unicode is 'NFD', needs one of NFC, NFKC"),
        ({"spaced": "no"}, "spaced is 'no'"),
        ({"scores": [0.0]}, "symbols need as many finite scores"),
        ({"unit": "piece"}, "unit"),
        ([], "mapping"),
    ]:
        (old / "model.json").write_text(json.dumps({**values, "text": text}))
        with pytest.raises(ModelError, match=message):
            read_model(old)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unicode": "none"}, "data.unicode is 'none', needs one of"),
        ({"unit": "word"}, "data.unit is 'word', needs one of"),
        ({"pieces": 0}, "data.pieces is 0, needs > 0"),
    ],
)
def test_bad_configurations(options, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(**options)


def test_manifests_are_read_as_they_came(tmp_path):
    """A manifest keeps its texts as they came, since each model has a normal form of its own."""
    (item,) = [
        item for item in read_manifest(make_corpus(tmp_path, "Japanese")) if "ｶ" in item.text
    ]
    assert item.text == "ｶﾒﾗを買いました。"


def test_scores_of_texts_in_characters(tmp_path, capsys):
    (tmp_path / "ref.txt").write_text("今日は天気がいいです。\n東京 へ行きます\n")
    (tmp_path / "hyp.txt").write_text("今日は電気がいいです\n東京へ行きます\n")
    arguments = ["score", str(tmp_path / "ref.txt"), str(tmp_path / "hyp.txt")]
    # Of 18 characters one is wrong and 。 is missing; the space does not count.
    for name, line in [
        ("characters", "CER  11.11 % [2 / 18: 0 ins, 1 del, 1 sub]"),
        ("no-punctuation-characters", "CER  5.88 % [1 / 17: 0 ins, 0 del, 1 sub]"),
    ]:
        folder = tmp_path / name
        app([*arguments, "--normalization", name, "-o", str(folder)], standalone_mode=False)
        assert capsys.readouterr().out.splitlines()[0] == line
        values = json.loads((folder / "results.json").read_text())
        assert values["normalization"]["unit"] == "character"
        assert values["score"]["wer"] == values["score"]["cer"]
    assert find_normalization("characters").apply("東京 へ") == "東 京 へ"
    app(["report", str(tmp_path / "characters")], standalone_mode=False)
    head, _, row = capsys.readouterr().out.splitlines()
    assert "CER" in head and "WER" not in head and "11.11 %" in row
