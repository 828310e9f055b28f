"""A model directory keeps a bundle of a language model, a lexicon and weights of decoding."""

import json

import pytest

from asr.decoding.bundle import (
    Bundle,
    beam_search,
    open_bundle,
    parse_hotwords,
    read_bundle,
    write_bundle,
)
from asr.decoding.config import DecodingConfig
from asr.errors import ConfigError, ModelError
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import write_binary
from asr.model.directory import read_files, read_model, write_model
from asr.recognition.transcriber import Transcriber

TEXTS = ["yes no", "no no yes", "enter six"]
WORDS = ("yes", "no", "enter", "six")


@pytest.fixture
def bundled(small_model, tmp_path):
    """A model directory with a bundle."""
    folder = tmp_path / "model"
    info = read_model(small_model)
    write_model(folder, info, read_files(small_model, info))
    options = DecodingConfig(beam_size=9, lm_weight=0.7)
    lm = estimate(TEXTS, 2).model
    write_bundle(folder, Bundle(options, lm, WORDS, {"dev": "3 %"}))
    return folder


def test_what_was_written_is_read(bundled):
    bundle = read_bundle(bundled, read_model(bundled))
    assert bundle.options == DecodingConfig(beam_size=9, lm_weight=0.7)
    assert (bundle.lexicon, bundle.provenance) == (WORDS, {"dev": "3 %"})
    expected = estimate(TEXTS, 2).model
    assert bundle.lm.words == expected.words
    ids = [expected.encode(text) for text in TEXTS]
    assert [s.tolist() for s in bundle.lm.score(ids)] == [s.tolist() for s in expected.score(ids)]


def test_a_bundle_takes_the_place_of_another_and_leaves_the_rest(bundled, small_model):
    before = read_model(small_model)
    info = write_bundle(bundled, Bundle(DecodingConfig(lm_weight=0.1)))
    assert set(info.files) == {*before.files, "lm.json"}
    assert info.hash == before.hash
    bundle = read_bundle(bundled, info)
    assert (bundle.lm, bundle.lexicon, bundle.options.lm_weight) == (None, None, 0.1)


def test_a_model_without_a_bundle(small_model):
    assert read_bundle(small_model, read_model(small_model)) == Bundle()


def test_what_is_given_replaces_what_is_there(bundled, tmp_path):
    """Options, models and lexicons that a caller gives take the place of those in the bundle."""
    info = read_model(bundled)
    own = estimate(["six six"], 1).model
    write_binary(tmp_path / "own.ngram", own)
    (tmp_path / "words.txt").write_text("six\n")
    assert open_bundle(bundled, info).lexicon == WORDS
    replaced = open_bundle(bundled, info, tmp_path / "own.ngram")
    assert (replaced.lm.words, replaced.lexicon) == (own.words, None)
    assert open_bundle(bundled, info, own, tmp_path / "words.txt").lexicon == ("six",)
    none = open_bundle(bundled, info, "none", "none")
    assert (none.lm, none.lexicon) == (None, None)
    assert open_bundle(bundled, info, lexicon="none").lm is not None
    search = beam_search(bundled, info, hotwords={"six": 2.0}, beam_size=3)
    assert (search.options.beam_size, search.options.lm_weight) == (3, 0.7)
    assert search.lexicon == WORDS


def test_the_transcriber_finds_it(bundled, speech):
    """The transcriber decodes with the bundle of its model."""
    text = Transcriber(bundled, decoder="beam").transcribe(speech).text
    assert set(text.split()) <= set(WORDS)
    with pytest.raises(ConfigError, match="lm: only for decoder='beam'"):
        Transcriber(bundled, decoder="greedy", lm="none")
    with pytest.raises(ConfigError, match="needs one of"):
        Transcriber(bundled, decoder="best")


def test_a_model_names_the_decoder_that_is_used_by_default(bundled, speech):
    assert Transcriber(bundled).decoder == read_model(bundled).decoder == "greedy"
    assert Transcriber(bundled, beam_size=3).search.options.beam_size == 3
    info = write_bundle(bundled, read_bundle(bundled, read_model(bundled)), by_default=True)
    assert info.decoder == "beam"
    assert Transcriber(bundled).search.options == DecodingConfig(beam_size=9, lm_weight=0.7)
    assert Transcriber(bundled, decoder="greedy").search is None
    # Another bundle changes nothing of that.
    assert write_bundle(bundled, Bundle()).decoder == "beam"


@pytest.mark.parametrize("name", ["best", None, 3])
def test_a_decoder_that_is_none_is_refused(bundled, name):
    path = bundled / "model.json"
    values = json.loads(path.read_text()) | {"decoder": name}
    path.write_text(json.dumps(values))
    with pytest.raises(
        ModelError, match=r"model\.json: decoder is .*, needs one of \('greedy', 'beam'\)"
    ):
        read_model(bundled)


def test_a_model_without_the_name_of_a_decoder_is_read(bundled):
    path = bundled / "model.json"
    values = json.loads(path.read_text())
    del values["decoder"]
    path.write_text(json.dumps(values))
    assert read_model(bundled).decoder == "greedy"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"options": {"beam": 3}, "provenance": {}}', '{"options": 3}']
)
def test_settings_that_are_none(bundled, content):
    """A file lm.json that does not hold the settings of a decoder is refused."""
    info = read_model(bundled)
    files = read_files(bundled, info) | {"lm.json": content.encode()}
    info = write_model(bundled, info, files)
    with pytest.raises(ModelError, match=r"lm\.json: not the settings of a decoder"):
        read_bundle(bundled, info)


def test_a_changed_language_model_is_refused(bundled):
    path = bundled / "lm.ngram"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelError, match="contents differ"):
        Transcriber(bundled, decoder="beam")
    assert json.loads((bundled / "lm.json").read_text())["options"]["beam_size"] == 9


def test_hot_words_on_the_command_line():
    assert parse_hotwords(["kai:4", "six", "p i n e:-1.5"]) == {
        "kai": 4.0,
        "six": 3.0,
        "p i n e": -1.5,
    }
    with pytest.raises(ConfigError, match="needs WORD:BOOST"):
        parse_hotwords(["kai:much"])
